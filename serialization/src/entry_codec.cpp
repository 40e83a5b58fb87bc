// SPDX-License-Identifier: Apache-2.0

// A state is: the number of its entries, whether the input has ended, the entries; the number of waiting
// elements, those; the number of channels, those, what was made of them.
//
// An element begins with a byte of flags; behind it, of a record (v: a varint, s: a varint with its sign
// lowest, d: s, the difference to the element before that has one):
//
//   position d, [split v, ordinal 8 bytes], [event time d],
//   of an entry: attempt v (lowest bit: has a key), [key 8 bytes], [timeout left d], [back-off left v],
//     number of durations v, durations v, [number of results v] or [what it met 1 byte], value,
//     [results] or [kind, thing, message of the error]
//   of waiting input: 1 or 0 v (has a key), [key 8 bytes], value
//
// and of a watermark its time d.

#include "weir/entry_codec.hpp"

#include "stored_values.hpp"

#include "weir/state_error.hpp"
#include "weir/state_input.hpp"
#include "weir/state_output.hpp"

#include <limits>
#include <utility>

namespace weir {

namespace {

// The lowest two bits say what an element is.
constexpr unsigned unfinished = 0;
constexpr unsigned with_results = 1;
constexpr unsigned failed = 2;
constexpr unsigned control_element = 3;
constexpr unsigned what_mask = 3;

// Of a record.
constexpr unsigned runs = 1u << 2;
constexpr unsigned backs_off = 1u << 3;
constexpr unsigned hook_called = 1u << 4;
constexpr unsigned has_timeout = 1u << 5;
constexpr unsigned has_event_time = 1u << 6;
constexpr unsigned same_split = 1u << 7;

// Of a control element: its kind.
constexpr unsigned kind_shift = 2;

// Of a channel.
constexpr unsigned phase_mask = 3;
constexpr unsigned has_watermark = 1u << 2;
constexpr unsigned is_idle = 1;

/// Differences may go round: what is added on the way back does so too.
std::int64_t difference(std::int64_t a, std::int64_t b) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
std::int64_t sum(std::int64_t a, std::int64_t b) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

unsigned place_flags(const origin& from, event_time timestamp,
                     const detail::element_before& before) noexcept {
  unsigned flags = 0;
  if (timestamp.has_value())
    flags |= has_event_time;
  if (from.split == before.from.split && from.ordinal == before.from.ordinal)
    flags |= same_split;
  return flags;
}

} // namespace

// -- the writer --

stored_entry_writer::stored_entry_writer(state_blocks& to, const record_codec& in,
                                         const record_codec& out)
  : to_(std::make_unique<state_output>(to)),
    in_(in),
    out_(out) {}

stored_entry_writer::~stored_entry_writer() = default;

void stored_entry_writer::begin(std::size_t entries, bool input_ended) {
  to_->number(entries);
  to_->fixed(input_ended);
}

void stored_entry_writer::record(const held_record& what) {
  auto& to = *to_;
  auto flags = place_flags(what.from, what.timestamp, before_);
  flags |= what.why != nullptr ? failed : what.finished ? with_results : unfinished;
  if (what.running)
    flags |= runs;
  if (what.backoff_left)
    flags |= backs_off;
  if (what.timeout_left)
    flags |= *what.timeout_left == duration{0} ? hook_called : has_timeout;
  place(flags, what.from, what.timestamp);
  to.number(std::uint64_t{what.attempt} << 1 | (what.key != 0 ? 1 : 0));
  if (what.key != 0)
    to.fixed(what.key);
  if ((flags & has_timeout) != 0) {
    const std::int64_t left = what.timeout_left->count();
    to.signed_number(difference(left, std::exchange(before_.timeout_left, left)));
  }
  if (what.backoff_left)
    to.number(static_cast<std::uint64_t>(what.backoff_left->count()));
  to.number(what.durations.size());
  for (const auto took : what.durations)
    to.number(static_cast<std::uint64_t>(took.count()));
  if (what.why != nullptr)
    to.fixed(static_cast<std::uint8_t>(what.met));
  else if (what.finished)
    to.number(what.result_count);
  to.charge(in_.size);
  in_.save(to, what.value);
  if (what.why != nullptr)
    error_text(*what.why);
  else if (what.finished)
    results(what);
  auto& count = what.finished       ? counts_.finished
                : what.running      ? counts_.running
                : what.backoff_left ? counts_.backs_off
                                    : counts_.waits_for_call;
  ++count;
}

void stored_entry_writer::error_text(const error& why) {
  to_->text(why.kind());
  to_->text(why.thing());
  to_->text(why.message());
}

void stored_entry_writer::results(const held_record& of) {
  auto& to = *to_;
  to.charge(of.result_count * out_.size);
  const auto begun = to.written();
  for (std::size_t i = 0; i < of.result_count; ++i)
    out_.save(to, static_cast<const std::byte*>(of.results) + i * of.result_bytes_each);
  // A reader believes no number of elements for which there are no bytes. One it does: more follows.
  if (of.result_count > 1 && to.written() - begun < of.result_count)
    to.stores_nothing();
}

void stored_entry_writer::border(const control& what) {
  control_element(what);
  ++counts_.borders;
}

void stored_entry_writer::begin_waiting(std::size_t elements) {
  to_->number(elements);
}

void stored_entry_writer::waiting(const batch_base& in, batch_cursor taken) {
  while (!taken.at_end(in)) {
    if (taken.at_control(in)) {
      control_element(in.controls()[taken.control++].what);
      continue;
    }
    const auto from = taken.origins.at(in.origins(), taken.record);
    waiting(in.record_at(taken.record++), from);
  }
}

void stored_entry_writer::waiting(const record_view& what, const origin& from) {
  auto& to = *to_;
  place(place_flags(from, what.timestamp, before_), from, what.timestamp);
  to.number(what.key != 0 ? 1 : 0);
  if (what.key != 0)
    to.fixed(what.key);
  to.charge(in_.size);
  in_.save(to, what.value);
  ++counts_.waiting_input;
}

void stored_entry_writer::channels(const channel_states& said) {
  auto& to = *to_;
  const auto watermark = [&](unsigned flags, event_time at) {
    to.fixed(static_cast<std::uint8_t>(flags | (at.has_value() ? has_watermark : 0)));
    if (at.has_value())
      to.signed_number(at.ms());
  };
  to.number(said.channels.size());
  to.charge(said.channels.size() * sizeof(channel_states::channel));
  for (const auto& each : said.channels)
    watermark(static_cast<unsigned>(each.is), each.watermark);
  watermark(said.idle ? is_idle : 0, said.watermark);
}

void stored_entry_writer::finish() {
  to_->finish_checked();
}

void stored_entry_writer::place(unsigned flags, const origin& from, event_time timestamp) {
  auto& to = *to_;
  to.fixed(static_cast<std::uint8_t>(flags));
  to.signed_number(static_cast<std::int64_t>(from.position - before_.from.position));
  if ((flags & same_split) == 0) {
    to.number(from.split);
    to.fixed(from.ordinal);
  }
  before_.from = from;
  if (timestamp.has_value())
    to.signed_number(difference(timestamp.ms(), std::exchange(before_.event_ms, timestamp.ms())));
}

void stored_entry_writer::control_element(const control& what) {
  auto& to = *to_;
  to.fixed(static_cast<std::uint8_t>(weir::control_element
                                     | static_cast<unsigned>(what.kind()) << kind_shift));
  if (what.kind() == control_kind::watermark) {
    const auto ms = what.event_time().ms();
    to.signed_number(difference(ms, std::exchange(before_.event_ms, ms)));
  }
}

// -- the reader --

stored_entry_reader::stored_entry_reader(const state_blocks& from, stored_record_type in,
                                         stored_record_type out, std::string what,
                                         bool input_goes_on)
  : budget_(from.size()),
    from_(std::make_unique<state_input>(from.payloads(), budget_, std::move(what))),
    in_(in),
    out_(out),
    input_goes_on_(input_goes_on) {
  entries_left_ = from_->count();
  input_ended_ = from_->fixed<bool>() && !input_goes_on_;
}

stored_entry_reader::~stored_entry_reader() = default;

bool stored_entry_reader::next(std::variant<control, read_record>& into) {
  if (entries_left_ == 0)
    return false;
  --entries_left_;
  auto& from = *from_;
  const unsigned flags = from.fixed<std::uint8_t>();
  if ((flags & what_mask) == weir::control_element) {
    const auto border = read_control(flags);
    if (!border.is_border())
      from.damaged("holds an end of input among what was taken in");
    into = border;
    return true;
  }
  auto& record = into.emplace<read_record>();
  read_place(flags, record.from, record.timestamp);
  const auto attempt = from.number();
  if (attempt >> 1 > std::numeric_limits<std::uint32_t>::max())
    from.damaged("counts more attempts than there can be");
  record.attempt = static_cast<std::uint32_t>(attempt >> 1);
  record.running = (flags & runs) != 0;
  if (record.running && record.attempt == 0)
    from.damaged("holds a call that runs and was never made");
  record.key = read_key(attempt & 1);
  if ((flags & hook_called) != 0 && (flags & has_timeout) != 0)
    from.damaged("holds a timeout that has passed and has not");
  if ((flags & hook_called) != 0) {
    record.timeout_left = duration{0};
  } else if ((flags & has_timeout) != 0) {
    before_.timeout_left = sum(before_.timeout_left, from.signed_number());
    if (before_.timeout_left <= 0)
      from.damaged("holds a time that is less than nothing");
    record.timeout_left = duration{before_.timeout_left};
  }
  if ((flags & backs_off) != 0)
    record.backoff_left = read_time();
  const auto durations = from.number();
  if (durations > last_durations::size_max
      || durations > record.attempt - (record.running ? 1u : 0u))
    from.damaged("says how long more attempts took than there were");
  for (std::uint64_t i = 0; i < durations; ++i)
    record.durations.push_back(read_time());
  record.finished = (flags & what_mask) != unfinished;
  record.failed = (flags & what_mask) == failed;
  if (record.failed)
    record.met = read_action();
  else if (record.finished)
    record.results = from.count();
  return true;
}

void stored_entry_reader::read_value(void* raw) {
  load(in_, raw);
}

void stored_entry_reader::read_result(void* raw) {
  load(out_, raw);
}

error stored_entry_reader::read_error() {
  auto kind = from_->text();
  auto thing = from_->text();
  return {kind, std::move(thing), from_->text()};
}

void stored_entry_reader::read_waiting(batch_base& into) {
  stored_values value{*in_.codec};
  std::variant<control, waiting_record> each{control::end()};
  begin_waiting();
  while (next_waiting(each)) {
    if (const auto* what = std::get_if<control>(&each)) {
      into.append(*what);
      continue;
    }
    const auto& record = std::get<waiting_record>(each);
    value.reserve(1);
    load(in_, value.next());
    value.made();
    into.adopt(value.data(), record.timestamp, record.from, record.key);
  }
}

void stored_entry_reader::begin_waiting() {
  waiting_left_ = from_->count();
}

bool stored_entry_reader::next_waiting(std::variant<control, waiting_record>& into) {
  auto& from = *from_;
  while (waiting_left_ > 0) {
    --waiting_left_;
    const unsigned flags = from.fixed<std::uint8_t>();
    if ((flags & what_mask) == weir::control_element) {
      const auto what = read_control(flags);
      if (what.kind() == control_kind::end && input_goes_on_)
        continue;
      into = what;
      return true;
    }
    if ((flags & ~(has_event_time | same_split)) != 0)
      from.damaged("holds a call for a record that was not taken in");
    auto& record = into.emplace<waiting_record>();
    read_place(flags, record.from, record.timestamp);
    record.key = read_key(from.number());
    return true;
  }
  return false;
}

channel_states stored_entry_reader::read_channels() {
  auto& from = *from_;
  const auto watermark = [&](unsigned flags) {
    return (flags & has_watermark) != 0 ? read_event_time(from.signed_number()) : event_time{};
  };
  channel_states said;
  const auto channels = from.count();
  from.charge(channels * sizeof(channel_states::channel));
  said.channels.resize(channels);
  for (auto& each : said.channels) {
    const unsigned flags = from.fixed<std::uint8_t>();
    if ((flags & ~has_watermark) > static_cast<unsigned>(channel_states::phase::ended))
      from.damaged("holds a channel of which there is no such kind");
    each.is = static_cast<channel_states::phase>(flags & phase_mask);
    if (each.is == channel_states::phase::ended && input_goes_on_)
      each.is = channel_states::phase::active;
    each.watermark = watermark(flags);
  }
  const unsigned flags = from.fixed<std::uint8_t>();
  if ((flags & ~(is_idle | has_watermark)) != 0)
    from.damaged("holds a stream of which there is no such kind");
  said.idle = (flags & is_idle) != 0;
  said.watermark = watermark(flags);
  return said;
}

void stored_entry_reader::end() const {
  from_->end();
}

void stored_entry_reader::must_afford(std::size_t bytes) const {
  if (bytes > budget_.left())
    from_->damaged("asks for more memory than a state of its size may");
}

void stored_entry_reader::load(const stored_record_type& of, void* raw) {
  from_->charge(of.codec->size);
  of.codec->load(*from_, raw, of.version);
}

void stored_entry_reader::read_place(unsigned flags, origin& from, event_time& timestamp) {
  before_.from.position += static_cast<std::uint64_t>(from_->signed_number());
  if ((flags & same_split) == 0) {
    const auto split = from_->number();
    if (split > std::numeric_limits<std::uint32_t>::max())
      from_->damaged("holds a split of a source that cannot be");
    before_.from.split = static_cast<std::uint32_t>(split);
    before_.from.ordinal = from_->fixed<std::uint64_t>();
  }
  from = before_.from;
  timestamp = event_time::none();
  if ((flags & has_event_time) != 0) {
    before_.event_ms = sum(before_.event_ms, from_->signed_number());
    timestamp = read_event_time(before_.event_ms);
  }
}

control stored_entry_reader::read_control(unsigned flags) {
  switch (flags >> kind_shift) {
    case static_cast<unsigned>(control_kind::watermark):
      before_.event_ms = sum(before_.event_ms, from_->signed_number());
      return control::watermark(event_time{before_.event_ms});
    case static_cast<unsigned>(control_kind::idle):
      return control::idle();
    case static_cast<unsigned>(control_kind::active):
      return control::active();
    case static_cast<unsigned>(control_kind::end):
      return control::end();
    default:
      from_->damaged("holds an element of which there is no such kind");
  }
}

event_time stored_entry_reader::read_event_time(std::int64_t ms) const {
  const event_time at{ms};
  if (!at.has_value())
    from_->damaged("holds an event time that is none");
  return at;
}

key_hash stored_entry_reader::read_key(std::uint64_t has_key) {
  if (has_key > 1)
    from_->damaged("holds a key that is neither there nor missing");
  return has_key == 1 ? from_->fixed<key_hash>() : 0;
}

duration stored_entry_reader::read_time() {
  const auto n = from_->number();
  if (n > static_cast<std::uint64_t>(duration::max().count()))
    from_->damaged("holds a time that is less than nothing");
  return duration{static_cast<std::int64_t>(n)};
}

failure_action stored_entry_reader::read_action() {
  const auto met = from_->fixed<std::uint8_t>();
  if (met != static_cast<std::uint8_t>(failure_action::dead_letter)
      && met != static_cast<std::uint8_t>(failure_action::drop))
    from_->damaged("holds a failed record that met nothing");
  return static_cast<failure_action>(met);
}

error state_not_read(const error& why, const std::string& who, const stored_type_name& in,
                     const stored_type_name& out, std::optional<std::uint64_t> checkpoint) {
  if (!why.is(error_kind::damaged))
    return {why.kind(), why.thing().empty() ? who : why.thing(), why.message()};
  const auto text = [](const stored_type_name& of) {
    return of.name + " version " + std::to_string(of.version);
  };
  return {error_kind::incompatible, who,
          (checkpoint ? "checkpoint " + std::to_string(*checkpoint) : std::string{"its checkpoint"})
            + " holds its records as " + text(in) + " and its results as " + text(out)
            + ", and they cannot be read: "
            + (why.thing().empty() || why.thing() == who ? "" : why.thing() + ": ") + why.message()
            + "; its bytes are as they were written, so `serialize` of one of these types, or of one inside "
              "them, was probably changed without a new version (WEIR_STORED); put it back, or raise the "
              "version and read the older one too (WEIR_STORED_SINCE), let the operator's state go "
              "(drop_state), or start anew (fresh)"};
}

} // namespace weir
