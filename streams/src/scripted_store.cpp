// SPDX-License-Identifier: Apache-2.0
#include "weir/scripted_store.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace weir::testing {

namespace {

struct reply {
  /// Absent: none comes.
  std::optional<expected<answer>> with;
  duration after{};
};

struct replies {
  value_list arguments;
  std::vector<reply> in_order;
  std::size_t used = 0;

  const reply& next() { return in_order[std::min(used++, in_order.size() - 1)]; }
};

} // namespace

struct scripted_store::script : std::enable_shared_from_this<script> {
  explicit script(virtual_clock& of) : clock(of) {}

  void add(const value_list& arguments, reply with) {
    const auto found = find(arguments);
    if (found != scripted.end())
      found->in_order.push_back(std::move(with));
    else
      scripted.push_back({arguments, {std::move(with)}});
  }

  std::vector<replies>::iterator find(const value_list& arguments) {
    return std::find_if(scripted.begin(), scripted.end(),
                        [&](const replies& each) { return each.arguments == arguments; });
  }

  void ask(question what, result_receiver& to) {
    asked.push_back(what.arguments);
    const auto found = find(what.arguments);
    const auto& with = found != scripted.end() ? found->next() : others;
    const auto number = ++last;
    open.emplace(number, open_question{what.token, &to});
    if (with.with)
      clock.call_after(with.after, [self = shared_from_this(), number, outcome = *with.with] {
        self->give(number, outcome);
      });
  }

  void give(std::uint64_t number, expected<weir::answer> outcome) {
    const auto found = open.find(number);
    if (found == open.end())
      return;
    call_result result{found->second.token, std::move(outcome)};
    auto* const to = found->second.to;
    open.erase(found);
    to->receive({&result, 1});
  }

  /// Whoever asked waits no more, but gets an end all the same.
  void cancel(call_token token, const result_receiver& of) {
    for (const auto& [number, each] : open)
      if (each.token == token && each.to == &of) {
        clock.call_after(duration{0}, [self = shared_from_this(), which = number] {
          self->give(which, error{error_kind::cancelled, "scripted store", "nobody waits for it"});
        });
        return;
      }
  }

  void forget(const result_receiver& of) {
    std::erase_if(open, [&](const auto& each) { return each.second.to == &of; });
  }

  struct open_question {
    call_token token;
    result_receiver* to;
  };

  virtual_clock& clock;
  std::vector<replies> scripted;
  reply others{error{error_kind::argument, "scripted store",
                     "the test has written no answer to this question"},
               {}};
  std::vector<value_list> asked;
  std::map<std::uint64_t, open_question> open;
  std::uint64_t last = 0;
};

namespace {

/// `Script`: `scripted_store::script`, which has no name here.
template <class Script>
class store_driver final : public client_driver {
public:
  explicit store_driver(std::shared_ptr<Script> script) : script_(std::move(script)) {}
  ~store_driver() override { close(); }

  expected<void> open(const std::vector<statement_declaration>&, result_receiver& results) override {
    to_ = &results;
    return {};
  }
  std::size_t permits() const override { return window(); }
  std::size_t window() const override { return 1 << 20; }
  void submit(std::span<question> questions) override {
    for (auto& each : questions)
      script_->ask(std::move(each), *to_);
  }
  void cancel(std::span<const call_token> tokens) override {
    for (const auto token : tokens)
      script_->cancel(token, *to_);
  }
  void close() override {
    if (to_ != nullptr)
      script_->forget(*std::exchange(to_, nullptr));
  }

private:
  std::shared_ptr<Script> script_;
  result_receiver* to_ = nullptr;
};

} // namespace

answer one_row(std::vector<std::pair<std::string, value>> cells) {
  std::vector<std::string> columns;
  answer made;
  for (auto& [column, cell] : cells) {
    columns.push_back(std::move(column));
    made.cells.push_back(std::move(cell));
  }
  made.columns = column_names::of(std::move(columns));
  return made;
}

answer no_rows() {
  return {};
}

scripted_store::scripted_store(virtual_clock& clock) : script_(std::make_shared<script>(clock)) {}

scripted_store::~scripted_store() = default;

void scripted_store::answer(const value_list& arguments, weir::answer with, duration after) {
  script_->add(arguments, {expected<weir::answer>{std::move(with)}, after});
}

void scripted_store::fail(const value_list& arguments, error why, duration after) {
  script_->add(arguments, {expected<weir::answer>{std::move(why)}, after});
}

void scripted_store::be_silent(const value_list& arguments) {
  script_->add(arguments, {std::nullopt, {}});
}

void scripted_store::answer_others(expected<weir::answer> with, duration after) {
  script_->others = {std::move(with), after};
}

const std::vector<value_list>& scripted_store::asked() const {
  return script_->asked;
}

std::size_t scripted_store::open() const {
  return script_->open.size();
}

driver_factory scripted_store::driver() {
  return [script = script_](const driver_settings&) -> expected<std::unique_ptr<client_driver>> {
    return std::unique_ptr<client_driver>{new store_driver<scripted_store::script>{script}};
  };
}

} // namespace weir::testing
