// SPDX-License-Identifier: Apache-2.0

// What is in the output of a job that dies and is started again, for each kind of source and of sink: the
// lines of the table in docs/exactly-once.md. Virtual time; the checkpoints lie in memory, the output in files.

#include "../support/temp_folder.hpp"

#include "weir/dead_letter_part_sink.hpp"
#include "weir/json_record.hpp"
#include "weir/memory_store.hpp"
#include "weir/ndjson_source.hpp"
#include "weir/part_file_sink.hpp"
#include "weir/stdout_sink.hpp"
#include "weir/stored.hpp"
#include "weir/testing.hpp"
#include "weir/weir.hpp"

#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weir::environment;
using weir::expected;
using weir::json_record;
using weir::poll_result;
using weir::poll_state;
using weir::testing::virtual_clock;
using weir::testing::virtual_job;

namespace {

constexpr int records = 10;

json_record line_of(std::uint64_t n) {
  return json_record{"{\"i\":" + std::to_string(n) + "}", {}, 0};
}

std::string all_lines(bool odd_ones_too = true) {
  std::string lines;
  for (int n = 0; n < records; ++n)
    if (odd_ones_too || n % 2 == 0)
      lines += line_of(static_cast<std::uint64_t>(n)).raw + "\n";
  return lines;
}

std::vector<json_record> all_records() {
  std::vector<json_record> all;
  for (int n = 0; n < records; ++n)
    all.push_back(line_of(static_cast<std::uint64_t>(n)));
  return all;
}

/// Gives the lines; what it says of where it stands is its own.
class counting_source final : public weir::source<json_record> {
public:
  explicit counting_source(bool can_resume = true) : can_resume_(can_resume) {}

  expected<void> open(const weir::instance_context& context) override {
    if (context.resume)
      next_ = std::stoull(context.resume->at(0).position);
    return {};
  }
  expected<poll_result> poll(weir::source_outputs& out) override {
    for (; next_ < records && out.has_room(); ++next_)
      out.records.emit(line_of(next_), weir::event_time::none(), weir::origin{next_, 0, 0});
    return poll_result{next_ < records ? poll_state::more : poll_state::done, {}};
  }
  bool can_resume() const override { return can_resume_; }
  expected<std::vector<weir::split_position>> positions() override {
    return std::vector<weir::split_position>{{0, std::to_string(next_)}};
  }

private:
  const bool can_resume_;
  std::uint64_t next_ = 0;
};

/// Output in two phases that outlives the sink, as rows of a table would.
struct table {
  std::map<std::uint64_t, std::string> pending;
  std::string rows;
};

class table_sink final : public weir::sink<json_record> {
public:
  explicit table_sink(table& to) : to_(to) {}

  expected<std::vector<std::string>> recover(const weir::sink_recovery& from) override {
    show(from.checkpoint);
    to_.pending.clear();
    return std::vector<std::string>{};
  }
  expected<poll_result> write(weir::batch<json_record>& in, std::size_t& next,
                              std::size_t end) override {
    for (; next < end; ++next)
      taken_ += in.value(next).raw + "\n";
    return poll_result{poll_state::done, {}};
  }
  expected<poll_result> prepare(std::uint64_t checkpoint, bool) override {
    to_.pending[checkpoint] = std::exchange(taken_, {});
    return poll_result{poll_state::done, {}};
  }
  expected<poll_result> commit(std::uint64_t checkpoint) override {
    show(checkpoint);
    return poll_result{poll_state::done, {}};
  }

private:
  void show(std::uint64_t checkpoint) {
    while (!to_.pending.empty() && to_.pending.begin()->first <= checkpoint) {
      to_.rows += to_.pending.begin()->second;
      to_.pending.erase(to_.pending.begin());
    }
  }

  table& to_;
  std::string taken_;
};

/// A descriptor as standard output is one; what was written to it stays.
struct open_file {
  explicit open_file(const std::string& path)
    : fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600)) {}
  ~open_file() { ::close(fd); }
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;

  const int fd;
};

struct dying_job {
  using lines = weir::stream<json_record>;

  /// A record takes an hour; two are looked up at a time.
  template <class Source>
  auto look_up(environment& env, Source from, bool odd_ones_fail = false) {
    return weir::async_data_stream::ordered_wait(
      env.from_source(std::move(from)),
      [this, odd_ones_fail](const json_record& x, weir::result_future<json_record> done) {
        clock.call_after(1h, [x, odd_ones_fail, done = std::move(done)]() mutable {
          if (odd_ones_fail && (x.raw[5] - '0') % 2 == 1)
            done.fail({"io", "store", "it is away"});
          else
            done.complete(std::move(x));
        });
      },
      {.name = "look_up",
       .timeout = 100h,
       .on_failure = odd_ones_fail ? weir::failure_action::dead_letter : weir::failure_action::fail_job,
       .capacity = 2});
  }

  void to_parts(const lines& of) {
    of.sink_to([out = folder->path()] { return std::make_unique<weir::part_file_sink>(out); });
  }

  /// Starts what `build` makes, and lets it die after so long; at last to its end.
  void run(const std::vector<weir::duration>& deaths, const std::function<void(environment&)>& build) {
    const auto memory = std::make_shared<weir::checkpoint_memory>();
    for (std::size_t i = 0; i <= deaths.size(); ++i) {
      environment env;
      build(env);
      env.enable_checkpointing(with(memory));
      virtual_job job{clock, env, "lines"};
      clock.advance(i < deaths.size() ? deaths[i] : 1000h);
      if (i < deaths.size() && !job.result()) {
        job.cancel();
        continue;
      }
      BOOST_TEST_REQUIRE(job.result().has_value());
      BOOST_TEST_REQUIRE(job.result()->ok(), job.result()->text());
    }
  }

  /// Why what `build` makes does not start.
  std::string refusal(const std::function<void(environment&)>& build) {
    environment env;
    build(env);
    env.enable_checkpointing(with(std::make_shared<weir::checkpoint_memory>()));
    virtual_job job{clock, env, "lines"};
    BOOST_TEST_REQUIRE(job.result().has_value());
    BOOST_TEST_REQUIRE(job.result()->why.size() == 1u);
    return job.result()->why[0].text();
  }

  /// Dies once and twice, at many moments, and calls `look` when it has come to its end.
  void die_anywhere(const std::function<void(environment&)>& build, const std::function<void()>& look) {
    for (auto age = 0min; age < 6h; age += 29min) {
      folder.emplace();
      run({age, age / 3}, build);
      BOOST_TEST_CONTEXT("it died after " << age.count() << " minutes")
      look();
    }
  }

  /// The parts in the order of their names.
  std::string visible(const std::string& begin = "part-") const {
    std::string all;
    for (const auto& name : folder->names())
      if (name.starts_with(begin))
        all += folder->read(name);
    return all;
  }

  bool is_any_hidden() const {
    for (const auto& name : folder->names())
      if (name.starts_with(".") && !name.ends_with(".run"))
        return true;
    return false;
  }

  void each_once(const std::function<void(environment&)>& build) {
    die_anywhere(build, [this] {
      BOOST_TEST(visible() == all_lines());
      BOOST_TEST(!is_any_hidden());
    });
  }

  static weir::checkpoint_options with(const std::shared_ptr<weir::checkpoint_memory>& memory) {
    weir::checkpoint_options how;
    how.store = [memory] { return weir::memory_store(memory); };
    // So that records come out between two of them.
    how.interval = 25min;
    return how;
  }

  /// How often a line is in a text.
  static std::size_t count(const std::string& text, const std::string& line) {
    std::size_t n = 0;
    for (auto at = text.find(line); at != text.npos; at = text.find(line, at + line.size()))
      ++n;
    return n;
  }

  virtual_clock clock;
  std::optional<weir::testing::temp_folder> folder;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(what_is_in_the_output, dying_job)

// -- sources, to part files --

BOOST_AUTO_TEST_CASE(each_line_of_a_file_once) {
  const weir::testing::temp_folder input;
  const auto path = input.write("in.ndjson", all_lines());
  each_once([&](environment& env) {
    to_parts(look_up(env, [path] {
      return std::make_unique<weir::ndjson_source>(weir::ndjson_source_options{path});
    }));
  });
}

BOOST_AUTO_TEST_CASE(each_record_of_a_collection_once) {
  each_once([&](environment& env) {
    to_parts(look_up(env, weir::collection_source<json_record>{all_records()}));
  });
}

BOOST_AUTO_TEST_CASE(each_record_of_a_range_once) {
  each_once(
    [&](environment& env) { to_parts(look_up(env, weir::range_source(0, records, line_of))); });
}

BOOST_AUTO_TEST_CASE(each_record_of_a_source_of_ones_own_once) {
  each_once([&](environment& env) {
    to_parts(look_up(env, [] { return std::make_unique<counting_source>(); }));
  });
}

BOOST_AUTO_TEST_CASE(a_source_that_cannot_be_read_again_is_refused) {
  BOOST_TEST(refusal([](environment& env) {
               env.from_source([] { return std::make_unique<counting_source>(false); })
                 .sink_to([](const json_record&) {});
             })
             == "source source: it cannot be read again from where it stood, and the job makes checkpoints; read "
                "something that can be (source::can_resume), or make none (argument)");
}

BOOST_AUTO_TEST_CASE(standard_input_is_refused) {
  BOOST_TEST(refusal([](environment& env) {
               env.from_source([] {
                    return std::make_unique<weir::ndjson_source>(weir::ndjson_source_options{"-"});
                  },
                  {.name = "lines"})
                 .sink_to([](const json_record&) {});
             }).starts_with("source lines: it cannot be read again from where it stood"));
}

BOOST_AUTO_TEST_CASE(what_a_service_held_is_gone_with_its_job) {
  environment env;
  std::vector<int> told;
  const auto service = weir::async_service::ordered(
    env,
    [this](const int& x, weir::result_future<int> done) {
      clock.call_after(1h, [x, done = std::move(done)]() mutable { done.complete(x); });
    },
    {.name = "echo", .timeout = 10h}, {.on_result = [&](int x) { told.push_back(x); }});
  std::optional<weir::ticket> with_position;
  {
    virtual_job job{clock, env, "pushes"};
    // GIVEN records that are pushed without a position, and with one
    BOOST_TEST((service.try_push(1) == weir::push_result::taken));
    with_position = service.push_tracked(2, {.position = 7});
    clock.advance(30min);
    // WHEN the job dies
    job.cancel();
  }
  // THEN the pusher is told, and must push again: another start knows nothing of them
  BOOST_TEST_REQUIRE(with_position->wait().has_value());
  BOOST_TEST((with_position->wait()->kind == weir::settlement_kind::lost));
  virtual_job again{clock, env, "pushes"};
  clock.advance(10h);
  BOOST_TEST(told.empty());
}

// -- sinks, from a source that can be read again --

BOOST_AUTO_TEST_CASE(each_dead_letter_once) {
  die_anywhere(
    [&](environment& env) {
      const auto found = look_up(env, weir::collection_source<json_record>{all_records()}, true);
      to_parts(found);
      found.dead_letters().sink_to(
        [path = folder->path("bad.ndjson")] {
          return std::make_unique<weir::dead_letter_part_sink>(weir::dead_letter_paths{path},
                                                               "look_up", "in.ndjson");
        },
        {.name = "letters"});
    },
    [&] {
      BOOST_TEST(visible() == all_lines(false));
      const auto letters = visible("bad-");
      for (int n = 0; n < records; ++n)
        BOOST_TEST(count(letters, "{\\\"i\\\":" + std::to_string(n) + "}") == (n % 2 == 0 ? 0u : 1u));
      BOOST_TEST(!is_any_hidden());
    });
}

BOOST_AUTO_TEST_CASE(what_a_sink_of_ones_own_shows_once) {
  table to;
  die_anywhere(
    [&](environment& env) {
      look_up(env, weir::collection_source<json_record>{all_records()}).sink_to([&to] {
        return std::make_unique<table_sink>(to);
      });
    },
    [&] {
      BOOST_TEST(to.rows == all_lines());
      to = {};
    });
}

BOOST_AUTO_TEST_CASE(each_line_of_standard_output_at_least_once) {
  bool any_twice = false;
  die_anywhere(
    [&](environment& env) {
      const auto out = std::make_shared<open_file>(folder->path("stdout"));
      look_up(env, weir::collection_source<json_record>{all_records()}).sink_to([out] {
        return std::make_unique<weir::stdout_sink>(out->fd);
      });
    },
    [&] {
      const auto text = folder->read("stdout");
      for (const auto& each : all_records()) {
        BOOST_TEST(count(text, each.raw + "\n") >= 1u);
        any_twice = any_twice || count(text, each.raw + "\n") > 1;
      }
    });
  BOOST_TEST(any_twice);
}

BOOST_AUTO_TEST_CASE(each_record_to_a_callback_at_least_once) {
  bool any_twice = false;
  std::string told;
  die_anywhere(
    [&](environment& env) {
      look_up(env, weir::collection_source<json_record>{all_records()})
        .sink_to([&told](const json_record& x) { told += x.raw + "\n"; });
    },
    [&] {
      for (const auto& each : all_records()) {
        BOOST_TEST(count(told, each.raw + "\n") >= 1u);
        any_twice = any_twice || count(told, each.raw + "\n") > 1;
      }
      told.clear();
    });
  BOOST_TEST(any_twice);
}

BOOST_AUTO_TEST_SUITE_END()
