// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A stream of records of type `T` while a job is being built: what comes out of a source or an
/// operator. A small value that names a place in its environment's plan; it holds no records. Used by
/// the thread that builds the job.

#include "weir/callback_sink.hpp"
#include "weir/dead_letter.hpp"
#include "weir/job_plan.hpp"
#include "weir/sink.hpp"

#include <concepts>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace weir {

/// Settings of a sink.
struct sink_options {
  /// Unique within the job. Empty: `sink`, or `sink N` where N is the number of the stage.
  std::string name{};
  /// Parallel instances.
  std::uint32_t parallelism = 1;
};

namespace detail {

/// A factory of sinks or sources: called once for each instance of each run.
template <class F>
concept part_factory = requires(const F& f) {
  { *f() };
  typename std::remove_reference_t<decltype(*f())>::value_type;
};

template <class Part>
auto factory_of(Part part) {
  if constexpr (part_factory<Part>)
    return part;
  else
    return [part = std::move(part)] { return std::make_unique<Part>(part); };
}

} // namespace detail

template <class T>
class stream {
public:
  using value_type = T;

  /// For the parts of the stream API: output `output` of stage `stage`.
  stream(std::shared_ptr<job_plan> plan, std::size_t stage, output_kind output)
    : plan_(std::move(plan)), stage_(stage), output_(output) {}

  /// Ends the stream in a sink: a copyable `sink<T>` of which each instance gets a copy, a factory
  /// `() -> std::unique_ptr<sink<T>>`, or a function that is called for each record (see
  /// `callback_sink`).
  template <class Sink>
  void sink_to(Sink to, sink_options options = {}) const {
    if constexpr (std::invocable<Sink&, T&&>
                  || std::invocable<Sink&, T&&, event_time, const origin&>)
      add_sink(callback_sink<T, Sink>{std::move(to)}, std::move(options));
    else
      add_sink(std::move(to), std::move(options));
  }

  // -- for the parts of the stream API --

  const std::shared_ptr<job_plan>& plan() const noexcept { return plan_; }
  std::size_t stage() const noexcept { return stage_; }

  /// Joins this stream to stage number `to`.
  void connect_to(std::size_t to) const { plan_->edges.push_back({stage_, output_, to}); }

private:
  template <class Sink>
  void add_sink(Sink to, sink_options options) const {
    auto make = detail::factory_of(std::move(to));
    using part = std::remove_reference_t<decltype(*make())>;
    static_assert(std::derived_from<part, sink<T>>, "the sink takes another type of record");
    sink_plan what{[make] {
      return std::make_unique<typed_sink_body<T>>(std::unique_ptr<sink<T>>(make()));
    }};
    const auto number = plan_->stages.size();
    if (options.name.empty())
      options.name = plan_->has_stage("sink") ? "sink " + std::to_string(number) : "sink";
    connect_to(number);
    plan_->stages.push_back({std::move(options.name), options.parallelism, std::move(what)});
  }

  std::shared_ptr<job_plan> plan_;
  std::size_t stage_;
  output_kind output_;
};

/// What a source gives.
template <class T>
class source_stream : public stream<T> {
public:
  source_stream(const stream<T>& records, const stream<dead_letter<T>>& bad)
    : stream<T>(records), dead_letters_(bad) {}

  /// Makes watermarks from the event times of the records.
  const source_stream& with_watermarks(const watermark_strategy& how) const {
    std::get<source_plan>(this->plan()->stages[this->stage()].what).watermarks = how;
    return *this;
  }

  /// Records that the source could not read, where it is told to give them as dead letters.
  const stream<dead_letter<T>>& dead_letters() const noexcept { return dead_letters_; }

private:
  stream<dead_letter<T>> dead_letters_;
};

} // namespace weir
