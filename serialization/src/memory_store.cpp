// SPDX-License-Identifier: Apache-2.0

#include "weir/memory_store.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace weir {

namespace {

/// As in a file: what is loaded shares nothing with what was written.
struct stored_state {
  std::uint32_t stage = 0;
  std::uint32_t instance = 0;
  std::string bytes;
};

struct stored_checkpoint {
  std::string about;
  std::vector<stored_state> states;
};

using stored_runs = std::map<std::uint64_t, std::map<std::uint64_t, stored_checkpoint>>;

state_blocks blocks_of(std::string_view text, const std::shared_ptr<block_pool>& pool) {
  state_blocks blocks{pool};
  while (!text.empty()) {
    const auto room = blocks.room();
    const auto now = std::min(room.size(), text.size());
    std::memcpy(room.data(), text.data(), now);
    blocks.filled(now);
    text.remove_prefix(now);
  }
  return blocks;
}

} // namespace

class checkpoint_memory::content {
public:
  expected<void> pass(step at) {
    // Called without the lock, since it may wait for another thread.
    std::function<expected<void>(step)> look;
    {
      const std::lock_guard guard{mutex};
      look = look_;
    }
    return look ? look(at) : expected<void>{};
  }

  void at_each_step(std::function<expected<void>(step)> look) {
    const std::lock_guard guard{mutex};
    look_ = std::move(look);
  }

  std::mutex mutex;
  std::map<std::string, stored_runs> jobs;
  std::set<std::string> claimed;

private:
  std::function<expected<void>(step)> look_;
};

checkpoint_memory::checkpoint_memory() : content_(std::make_unique<content>()) {}

checkpoint_memory::~checkpoint_memory() = default;

void checkpoint_memory::at_each_step(std::function<expected<void>(step)> look) {
  content_->at_each_step(std::move(look));
}

class memory_checkpoint_store final : public checkpoint_store {
public:
  explicit memory_checkpoint_store(std::shared_ptr<checkpoint_memory> place)
    : place_(std::move(place)) {}

  ~memory_checkpoint_store() override { memory_checkpoint_store::release(); }

  void release() noexcept override {
    auto& all = content();
    const std::lock_guard guard{all.mutex};
    if (std::exchange(has_claim_, false))
      all.claimed.erase(job_);
  }

  expected<void> claim(const std::string& job) override {
    if (auto ok = content().pass("claim"); !ok)
      return ok;
    auto& all = content();
    const std::lock_guard guard{all.mutex};
    if (job.empty())
      return error{error_kind::argument, job, "must be a name"};
    if (!all.claimed.insert(job).second)
      return error{error_kind::io, job,
                   "is in use by another store of this process; wait for its end"};
    job_ = job;
    has_claim_ = true;
    return {};
  }

  expected<std::vector<run_in_store>> runs() override {
    if (auto ok = content().pass("runs"); !ok)
      return std::move(ok).why();
    auto& all = content();
    const std::lock_guard guard{all.mutex};
    std::vector<run_in_store> result;
    for (const auto& [number, checkpoints] : all.jobs[job_]) {
      auto& run = result.emplace_back(run_in_store{number, {}});
      for (const auto& [id, stored] : checkpoints)
        run.checkpoints.push_back(id);
    }
    return result;
  }

  expected<std::uint64_t> write(checkpoint& what) override {
    if (auto ok = content().pass("write"); !ok)
      return std::move(ok).why();
    what.about.files.clear();
    auto about = encode_manifest(what.about);
    if (!about)
      return std::move(about).why();
    stored_checkpoint stored{*std::move(about), {}};
    std::uint64_t size = stored.about.size();
    for (const auto& each : what.states) {
      if (each.bytes.size() == 0)
        continue;
      auto& state = stored.states.emplace_back(stored_state{each.stage, each.instance, {}});
      for (const auto& payload : each.bytes.payloads())
        state.bytes.append(reinterpret_cast<const char*>(payload.data()), payload.size());
      size += state.bytes.size();
    }
    if (auto ok = keep(what.about, std::move(stored)); !ok)
      return std::move(ok).why();
    if (auto ok = content().pass("written"); !ok)
      return std::move(ok).why();
    return size;
  }

  expected<manifest> about(std::uint64_t run, std::uint64_t id) override {
    if (auto ok = content().pass("about"); !ok)
      return std::move(ok).why();
    auto& all = content();
    const std::lock_guard guard{all.mutex};
    const auto* stored = find(run, id);
    return stored == nullptr ? expected<manifest>{missing(run, id)}
                             : decode_manifest(stored->about, name_of(run, id));
  }

  expected<checkpoint> load(std::uint64_t run, std::uint64_t id) override {
    if (auto ok = content().pass("load"); !ok)
      return std::move(ok).why();
    auto& all = content();
    const std::lock_guard guard{all.mutex};
    const auto* stored = find(run, id);
    if (stored == nullptr)
      return missing(run, id);
    auto about = decode_manifest(stored->about, name_of(run, id));
    if (!about)
      return std::move(about).why();
    checkpoint result{*std::move(about), {}};
    for (const auto& each : stored->states)
      result.states.push_back({each.stage, each.instance, blocks_of(each.bytes, pool_)});
    return result;
  }

  expected<void> remove(std::uint64_t run, std::uint64_t id) override {
    return take_away("remove", run, id);
  }

  expected<void> set_aside(std::uint64_t run, std::uint64_t id) override {
    return take_away("set_aside", run, id);
  }

  expected<void> remove_run(std::uint64_t run) override {
    if (auto ok = content().pass("remove_run"); !ok)
      return ok;
    auto& all = content();
    const std::lock_guard guard{all.mutex};
    all.jobs[job_].erase(run);
    return {};
  }

private:
  checkpoint_memory::content& content() { return *place_->content_; }

  static std::string name_of(std::uint64_t run, std::uint64_t id) {
    return "run " + std::to_string(run) + ", checkpoint " + std::to_string(id);
  }

  static error missing(std::uint64_t run, std::uint64_t id) {
    return {error_kind::io, name_of(run, id), "is not there"};
  }

  /// With the lock.
  const stored_checkpoint* find(std::uint64_t run, std::uint64_t id) {
    auto& all = content().jobs[job_];
    const auto of_run = all.find(run);
    if (of_run == all.end())
      return nullptr;
    const auto found = of_run->second.find(id);
    return found == of_run->second.end() ? nullptr : &found->second;
  }

  expected<void> keep(const manifest& about, stored_checkpoint stored) {
    auto& all = content();
    const std::lock_guard guard{all.mutex};
    auto& run = all.jobs[job_][about.run_number];
    if (!run.try_emplace(about.checkpoint, std::move(stored)).second)
      return error{error_kind::io, name_of(about.run_number, about.checkpoint), "is there already"};
    return {};
  }

  expected<void> take_away(checkpoint_memory::step step, std::uint64_t run, std::uint64_t id) {
    if (auto ok = content().pass(step); !ok)
      return ok;
    auto& all = content();
    const std::lock_guard guard{all.mutex};
    auto& runs_of_job = all.jobs[job_];
    const auto of_run = runs_of_job.find(run);
    if (of_run == runs_of_job.end())
      return {};
    of_run->second.erase(id);
    if (of_run->second.empty())
      runs_of_job.erase(of_run);
    return {};
  }

  const std::shared_ptr<checkpoint_memory> place_;
  const std::shared_ptr<block_pool> pool_ = std::make_shared<block_pool>();
  std::string job_;
  bool has_claim_ = false;
};

std::shared_ptr<checkpoint_store> memory_store(std::shared_ptr<checkpoint_memory> place) {
  return std::make_shared<memory_checkpoint_store>(std::move(place));
}

} // namespace weir
