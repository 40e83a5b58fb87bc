// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A stream of records of type `T` while a job is being built: what comes out of a source or an
/// operator, and what transformations make of it. A small value that names a place in its environment's
/// plan; it holds no records. Used by the thread that builds the job. tests/streams/transformations_test.cpp.
///
///     const auto lines = flights.filter(is_late).map([](const flight& x) { return x.number; });
///
/// * One stream may be used more than once; every use gets every record. Records are copied for that.
/// * `map`, `filter`, `flat_map` and `key_by` run inside the actor of the source or operator before them,
///   once for each use. Their functions are copied, one for each instance of that stage, and must not
///   wait. What one throws fails the job, with the names of the stage and of the record.

#include "weir/callback_sink.hpp"
#include "weir/dead_letter.hpp"
#include "weir/edge_steps.hpp"
#include "weir/job_plan.hpp"
#include "weir/sink.hpp"

#include <concepts>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

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

/// The streams that come together in one, as the edges that they will be; `to` is not yet known.
using open_edges = std::vector<edge_plan>;

/// Puts a step behind what is on the way. Keys that were read from records that `step` replaces go.
inline open_edges with_step(open_edges of, const step_maker& step, bool keeps_keys) {
  for (auto& each : of) {
    each.steps.push_back(step);
    if (!keeps_keys && each.how == partition::key) {
      each.how = partition::forward;
      each.keys = nullptr;
    }
  }
  return of;
}

inline open_edges with_partition(open_edges of, partition how, const key_reader_maker& keys) {
  for (auto& each : of) {
    each.how = how;
    each.keys = keys;
  }
  return of;
}

/// `a` and `b` together, or a mistake of both plans where these are two.
inline open_edges together(open_edges a, const open_edges& b, job_plan& of_a, job_plan& of_b) {
  if (&of_a != &of_b) {
    const error mistake{error_kind::argument, "union_with",
                        "its streams belong to two environments; a job is built in one"};
    of_a.mistakes.push_back(mistake);
    of_b.mistakes.push_back(mistake);
    return a;
  }
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

} // namespace detail

template <class T, class K>
class keyed_stream;

template <class T>
class stream {
public:
  using value_type = T;

  /// For the parts of the stream API: output `output` of stage `stage`.
  stream(std::shared_ptr<job_plan> plan, std::size_t stage, output_kind output)
    : stream(std::move(plan), {{.from = stage, .output = output, .copyable = is_copyable_v<T>}}) {}

  /// For the parts of the stream API: what comes on these edges.
  stream(std::shared_ptr<job_plan> plan, detail::open_edges edges)
    : plan_(std::move(plan)), edges_(std::move(edges)) {}

  /// Each record becomes what `f` gives for it, with its event time. `f` takes `const T&`, or `T&&`; it
  /// may be a pointer to a member.
  template <class F>
  auto map(F f) const {
    static_assert(detail::takes_record<F, T>, "the function of map takes another type of record");
    using to = typename map_step<T, F>::output_type;
    return stream<to>{plan_, detail::with_step(edges_, map_of<T>(std::move(f)), false)};
  }

  /// Only records for which `f`, given a `const T&`, is true.
  template <class F>
  stream filter(F f) const {
    static_assert(std::predicate<F&, const T&>, "the function of filter is bool(const T&)");
    return {plan_, detail::with_step(edges_, filter_of<T>(std::move(f)), true)};
  }

  /// Each record becomes those of the range that `f` gives for it (a `std::vector`, say), which may be
  /// empty. They have its event time and stay together.
  template <class F>
  auto flat_map(F f) const {
    static_assert(detail::takes_record<F, T>, "the function of flat_map takes another type of record");
    static_assert(detail::gives_range<F, T>, "the function of flat_map gives a range of records");
    using to = typename flat_map_step<T, F>::output_type;
    return stream<to>{plan_, detail::with_step(edges_, flat_map_of<T>(std::move(f)), false)};
  }

  /// Gives records keys: those of one key go to one instance of what takes the stream, and stay in
  /// order. `f` takes a `const T&` or is a pointer to a member. What can be a key: `weir/key_hash.hpp`.
  template <class F>
  auto key_by(F f) const {
    static_assert(std::invocable<F&, const T&>, "the function of key_by takes a const T&");
    using key = typename typed_key_reader<T, F>::key_type;
    return keyed_stream<T, key>{
      plan_, detail::with_partition(edges_, partition::key, keys_of<T>(std::move(f)))};
  }

  /// Deals the records out to all instances of what takes the stream, 64 in a row, also where it has as
  /// many instances as this one.
  stream rebalance() const {
    return {plan_, detail::with_partition(edges_, partition::rebalance, nullptr)};
  }

  /// The records of both. Those of each keep their order; how the two mix is left to chance. The
  /// watermark is the least of both, and the end comes when both have ended.
  stream union_with(const stream& other) const {
    return {plan_, detail::together(edges_, other.edges_, *plan_, *other.plan_)};
  }

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
  const detail::open_edges& edges() const noexcept { return edges_; }

  /// Joins this stream to stage number `to`.
  void connect_to(std::size_t to) const {
    for (auto each : edges_) {
      each.to = to;
      plan_->edges.push_back(std::move(each));
    }
  }

private:
  template <class Sink>
  void add_sink(Sink to, sink_options options) const {
    auto make = detail::factory_of(std::move(to));
    using part = std::remove_reference_t<decltype(*make())>;
    static_assert(std::derived_from<part, sink<T>>, "the sink takes another type of record");
    sink_plan what{[make] {
      return std::make_unique<typed_sink_body<T>>(std::unique_ptr<sink<T>>(make()));
    }};
    what.type = &typeid(T);
    const auto number = plan_->stages.size();
    const bool by_number = options.name.empty() && plan_->find_stage("sink") != nullptr;
    if (options.name.empty())
      options.name = by_number ? "sink " + std::to_string(number) : "sink";
    connect_to(number);
    plan_->stages.push_back({std::move(options.name), options.parallelism, std::move(what)});
    plan_->stages.back().is_named_by_number = by_number;
  }

  std::shared_ptr<job_plan> plan_;
  detail::open_edges edges_;
};

/// A stream whose records have keys of type `K`; `key_by` makes it. Used as a plain stream its records
/// still go to one instance a key. What changes records (`map`, `flat_map`) leaves no key, nor does
/// `rebalance`; `filter` does.
template <class T, class K>
class keyed_stream : public stream<T> {
public:
  using key_type = K;

  keyed_stream(std::shared_ptr<job_plan> plan, detail::open_edges edges)
    : stream<T>(std::move(plan), std::move(edges)) {}

  template <class F>
  keyed_stream filter(F f) const {
    return keyed_stream{stream<T>::filter(std::move(f))};
  }

  /// With another stream, the records of both without a promise on keys.
  using stream<T>::union_with;

  /// With a stream of equal keys: records of one key meet at one instance.
  keyed_stream union_with(const keyed_stream& other) const {
    return keyed_stream{stream<T>::union_with(other)};
  }

private:
  explicit keyed_stream(const stream<T>& of) : stream<T>(of) {}
};

/// What a source gives. Event times and watermarks are made here and nowhere else: what is behind a
/// source has those of its records.
template <class T>
class source_stream : public stream<T> {
public:
  source_stream(const stream<T>& records, const stream<dead_letter<T>>& bad)
    : stream<T>(records), dead_letters_(bad) {}

  /// The event time of each record is what `f` says of it, in place of the one that the source
  /// gives. `f` takes a `const T&`, or is a pointer to a member, and gives a `weir::event_time`,
  /// whole milliseconds since the epoch, or a `std::chrono::sys_time` (cut to the millisecond
  /// before it). It is copied, one for each instance of the source, called on the source's thread,
  /// and must not wait; what it throws fails the job, with the record's name. Watermarks are those
  /// of `with_watermarks`, or else monotonous.
  template <class F>
    requires detail::event_time_function<F, T>
  source_stream assign_timestamps(F f) const {
    auto& of = settings();
    of.times = event_times_of<T>(std::move(f));
    if (of.watermarks.kind == watermark_kind::none)
      of.watermarks = monotonous_watermarks().with_idleness(of.watermarks.idle_after);
    return *this;
  }

  /// Both at once; `how`: what `with_watermarks` takes.
  template <class F, class How>
    requires detail::event_time_function<F, T>
  source_stream assign_timestamps(F f, const How& how) const {
    settings().times = event_times_of<T>(std::move(f));
    return with_watermarks(how);
  }

  /// How watermarks are made, and whether the stream may become idle. Replaces what was said
  /// before.
  source_stream with_watermarks(const watermark_strategy& how) const {
    settings().watermarks = how;
    settings().generator = nullptr;
    return *this;
  }

  /// The same, with a generator of the user's.
  template <watermark_generator<T> G>
  source_stream with_watermarks(const generated_watermarks<G>& how) const {
    settings().watermarks = how.strategy();
    settings().generator = generator_of<T>(how.generator());
    return *this;
  }

  /// Instances of the source, and of the transformations that follow it.
  source_stream parallelism(std::uint32_t instances) const {
    stage().parallelism = instances;
    return *this;
  }

  /// Records that the source could not read, where it is told to give them as dead letters.
  stream<dead_letter<T>> dead_letters() const { return dead_letters_; }

private:
  stage_plan& stage() const { return stream<T>::plan()->stages[this->edges().front().from]; }
  source_plan& settings() const { return std::get<source_plan>(stage().what); }

  stream<dead_letter<T>> dead_letters_;
};

} // namespace weir
