// SPDX-License-Identifier: Apache-2.0

#include "operator_dealer.hpp"

#include "shares.hpp"
#include "stored_values.hpp"

#include "weir/key_hash.hpp"
#include "weir/state_error.hpp"

#include <algorithm>
#include <deque>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

namespace weir {

namespace {

/// Makes what is left of a row of watermarks of which none may be greater than `most`.
class lowered_watermarks {
public:
  explicit lowered_watermarks(event_time most) noexcept : most_(most) {}

  /// None: it says nothing new.
  event_time lower(event_time at) noexcept {
    at = std::min(at, most_);
    if (at <= last_)
      return event_time::none();
    return last_ = at;
  }

private:
  event_time most_;
  event_time last_ = event_time::none();
};

/// What is found out of an old instance before anything is dealt.
struct surveyed_instance {
  const state_blocks* bytes = nullptr;
  bool input_ended = false;
  std::uint64_t records = 0;
  std::uint64_t waiting = 0;
  std::uint64_t borders = 0;
  std::uint64_t waiting_controls = 0;
  std::vector<event_time> watermarks{};
  std::vector<event_time> waiting_watermarks{};
  /// Taken in, or waiting to be.
  bool has_ended = false;
  channel_states said{};
};

/// What there is for a new instance, before it is written.
struct dealt_counts {
  std::uint64_t entries = 0;
  std::uint64_t waiting = 0;
};

/// Deals what the instances of one operator hold.
class operator_dealer {
public:
  operator_dealer(operator_dealing how, std::vector<const state_blocks*> old,
                  std::shared_ptr<block_pool> pool)
    : how_(std::move(how)),
      pool_(std::move(pool)),
      value_(*how_.in.codec),
      results_(*how_.out.codec) {
    for (const auto* each : old)
      olds_.push_back({each});
    others_ = olds_.size() != how_.instances;
    dealt_.resize(how_.instances);
  }

  std::vector<dealt_state> deal() {
    for (std::size_t old = 0; old < olds_.size(); ++old)
      survey(old);
    find_watermark();
    count();
    for (std::uint32_t i = 0; i < how_.instances; ++i) {
      made_.push_back({state_blocks{pool_}, {}});
      writers_.emplace_back(made_.back().held, *how_.in.codec, *how_.out.codec);
      writers_[i].begin(dealt_[i].entries, ended(i));
    }
    write();
    for (std::uint32_t i = 0; i < how_.instances; ++i) {
      writers_[i].channels(channels_of(i));
      writers_[i].finish();
      made_[i].counts = writers_[i].counts();
    }
    writers_.clear();
    return {std::make_move_iterator(made_.begin()), std::make_move_iterator(made_.end())};
  }

private:
  using any_entry = std::variant<control, read_record>;
  using any_waiting = std::variant<control, waiting_record>;

  /// Where one instance's state is read.
  struct section {
    section(const operator_dealer& of, std::size_t old)
      : reader(*of.olds_[old].bytes, of.how_.in, of.how_.out,
               "operator " + of.how_.name + " (instance " + std::to_string(old) + ")",
               of.how_.input_goes_on) {}

    stored_entry_reader reader;
  };

  // -- first all is read: so what is damaged is known before anything is made of it --

  void survey(std::size_t number) {
    auto& old = olds_[number];
    if (old.bytes == nullptr) {
      old.said.channels.resize(how_.inputs_before.channels);
      return;
    }
    try {
      read_all(number);
    } catch (const state_error& thrown) {
      const auto stored = [](const stored_record_type& of) {
        return stored_type_name{of.codec->name, of.version};
      };
      throw state_error{state_not_read(thrown.why(), "operator " + how_.name, stored(how_.in),
                                       stored(how_.out), how_.checkpoint)};
    }
    if (old.said.channels.size() != how_.inputs_before.channels)
      refuse(error_kind::damaged, "its state has " + std::to_string(old.said.channels.size())
                                    + " input channels, and its job gave it "
                                    + std::to_string(how_.inputs_before.channels));
    if (how_.is_keyed && !how_.has_same_keys && old.records + old.waiting > 0)
      refuse(error_kind::incompatible,
             "it holds records that were shared out by other keys than they are now");
  }

  void read_all(std::size_t number) {
    auto& old = olds_[number];
    section of{*this, number};
    auto& from = of.reader;
    old.has_ended = old.input_ended = from.input_ended();
    any_entry entry{control::end()};
    while (from.next(entry)) {
      if (const auto* border = std::get_if<control>(&entry)) {
        ++old.borders;
        if (border->kind() == control_kind::watermark)
          old.watermarks.push_back(border->event_time());
        continue;
      }
      const auto& record = std::get<read_record>(entry);
      read(from, record);
      ++old.records;
      if (others_ && how_.is_keyed)
        ++dealt_[by_key(record.key)].entries;
    }
    any_waiting waits{control::end()};
    from.begin_waiting();
    while (from.next_waiting(waits)) {
      if (const auto* what = std::get_if<control>(&waits)) {
        ++old.waiting_controls;
        if (what->kind() == control_kind::watermark)
          old.waiting_watermarks.push_back(what->event_time());
        old.has_ended = old.has_ended || what->kind() == control_kind::end;
        continue;
      }
      read_value(from);
      ++old.waiting;
      if (others_ && how_.is_keyed)
        ++dealt_[by_key(std::get<waiting_record>(waits).key)].waiting;
    }
    old.said = from.read_channels();
    from.end();
  }

  [[noreturn]] void refuse(std::string_view kind, std::string why) const {
    throw state_error{{kind, "operator " + how_.name, std::move(why)}};
  }

  void find_watermark() {
    least_time least;
    for (const auto& each : olds_)
      least.add(each.said.watermark, !each.has_ended && !each.said.idle);
    watermark_ = least.get();
  }

  // -- what becomes of control elements --

  /// None: it goes.
  std::optional<control> kept(const control& what, lowered_watermarks& watermarks) const {
    if (!how_.reshaped)
      return what;
    if (what.kind() != control_kind::watermark)
      return std::nullopt;
    const auto at = watermarks.lower(what.event_time());
    return at.has_value() ? std::optional{control::watermark(at)} : std::nullopt;
  }

  bool holds_watermarks() const noexcept {
    return std::any_of(olds_.begin(), olds_.end(), [](const surveyed_instance& each) {
      return !each.watermarks.empty() || !each.waiting_watermarks.empty();
    });
  }

  /// How many control elements an instance keeps, of those that it has taken in and of the others.
  dealt_counts kept_by(const surveyed_instance& old) const noexcept {
    if (!how_.reshaped)
      return {old.borders, old.waiting_controls};
    lowered_watermarks watermarks{watermark_};
    const auto count = [&](const std::vector<event_time>& of) {
      return static_cast<std::uint64_t>(std::count_if(
        of.begin(), of.end(), [&](event_time each) { return watermarks.lower(each).has_value(); }));
    };
    const auto entries = count(old.watermarks);
    return {entries, count(old.waiting_watermarks)};
  }

  void count() {
    if (!others_) {
      for (std::size_t i = 0; i < olds_.size(); ++i) {
        const auto controls = kept_by(olds_[i]);
        dealt_[i] = {olds_[i].records + controls.entries, olds_[i].waiting + controls.waiting};
      }
      return;
    }
    for (const auto& each : olds_) {
      records_ += each.records;
      waiting_ += each.waiting;
    }
    // Where none is held all have left.
    last_watermark_ = holds_watermarks() ? watermark_ : event_time::none();
    for (std::uint32_t i = 0; i < how_.instances; ++i) {
      if (!how_.is_keyed) {
        const auto share = [&](std::uint64_t all) {
          return share_begin(all, i + 1, how_.instances) - share_begin(all, i, how_.instances);
        };
        dealt_[i] = {share(records_), share(waiting_)};
      }
      dealt_[i].waiting += last_watermark_.has_value() ? 1 : 0;
    }
  }

  // -- then all is read once more and written --

  void write() {
    std::deque<section> sections;
    std::vector<lowered_watermarks> watermarks(olds_.size(), lowered_watermarks{watermark_});
    contiguous_shares entry_shares{records_, how_.instances};
    contiguous_shares waiting_shares{waiting_, how_.instances};
    const auto target = [&](std::size_t old, key_hash key, contiguous_shares& shares) {
      if (!others_)
        return static_cast<std::uint32_t>(old);
      return how_.is_keyed ? by_key(key) : shares.next();
    };
    for (std::size_t old = 0; old < olds_.size(); ++old)
      if (olds_[old].bytes != nullptr)
        write_entries(sections.emplace_back(*this, old).reader, old, watermarks[old],
                      [&](key_hash key) { return target(old, key, entry_shares); });
    for (std::uint32_t i = 0; i < how_.instances; ++i)
      writers_[i].begin_waiting(dealt_[i].waiting);
    auto from = sections.begin();
    for (std::size_t old = 0; old < olds_.size(); ++old)
      if (olds_[old].bytes != nullptr)
        write_waiting((from++)->reader, old, watermarks[old],
                      [&](key_hash key) { return target(old, key, waiting_shares); });
    if (last_watermark_.has_value())
      for (auto& each : writers_)
        each.waiting(control::watermark(last_watermark_));
  }

  template <class Target>
  void write_entries(stored_entry_reader& from, std::size_t old, lowered_watermarks& watermarks,
                     Target target) {
    any_entry entry{control::end()};
    while (from.next(entry)) {
      if (const auto* border = std::get_if<control>(&entry)) {
        if (const auto what = others_ ? std::nullopt : kept(*border, watermarks))
          writers_[old].border(*what);
        continue;
      }
      const auto& record = std::get<read_record>(entry);
      const auto why = read(from, record);
      held_record what;
      static_cast<held_facts&>(what) = record;
      what.value = value_.data();
      if (record.failed) {
        what.why = &why;
        what.met = record.met;
      } else if (record.finished) {
        what.results = results_.data();
        what.result_count = results_.size();
      }
      what.result_bytes_each = how_.out.codec->size;
      writers_[target(record.key)].record(what);
    }
  }

  template <class Target>
  void write_waiting(stored_entry_reader& from, std::size_t old, lowered_watermarks& watermarks,
                     Target target) {
    any_waiting waits{control::end()};
    from.begin_waiting();
    while (from.next_waiting(waits)) {
      if (const auto* control_element = std::get_if<control>(&waits)) {
        if (const auto what = others_ ? std::nullopt : kept(*control_element, watermarks))
          writers_[old].waiting(*what);
        continue;
      }
      const auto& record = std::get<waiting_record>(waits);
      read_value(from);
      writers_[target(record.key)].waiting({value_.data(), record.timestamp, record.key},
                                           record.from);
    }
  }

  /// Reads what stands behind a record; its error, where it failed.
  error read(stored_entry_reader& from, const read_record& record) {
    read_value(from);
    results_.clear();
    if (record.failed)
      return from.read_error();
    from.must_afford(record.results * how_.out.codec->size);
    results_.reserve(record.results);
    while (results_.size() < record.results) {
      from.read_result(results_.next());
      results_.made();
    }
    return {};
  }

  void read_value(stored_entry_reader& from) {
    value_.reserve(1);
    from.read_value(value_.next());
    value_.made();
  }

  std::uint32_t by_key(key_hash key) const noexcept {
    return instance_of_group(key_group(key), how_.instances);
  }

  // -- what stands behind the records --

  bool ended(std::uint32_t instance) const noexcept {
    if (!how_.reshaped)
      return olds_[instance].input_ended;
    const auto is_known = [&](const stage_input& now) { return input_before(now) != nullptr; };
    return std::all_of(olds_.begin(), olds_.end(),
                       [](const surveyed_instance& each) { return each.input_ended; })
           && std::all_of(how_.inputs_now.all.begin(), how_.inputs_now.all.end(), is_known);
  }

  /// The input that it was; null where it is new.
  const stage_input* input_before(const stage_input& now) const noexcept {
    const stage_input* similar = nullptr;
    for (const auto& each : how_.inputs_before.all) {
      if (each.is(now))
        return &each;
      if (each.has_same_sender(now))
        similar = &each;
    }
    return similar;
  }

  channel_states channels_of(std::uint32_t instance) const {
    channel_states said;
    if (!how_.reshaped) {
      said = olds_[instance].said;
      for (const auto& now : how_.inputs_now.all)
        if (const auto* before = input_before(now))
          std::copy_n(olds_[instance].said.channels.begin()
                        + static_cast<std::ptrdiff_t>(before->first),
                      now.channels, said.channels.begin() + static_cast<std::ptrdiff_t>(now.first));
      return said;
    }
    said.watermark = watermark_;
    for (const auto& now : how_.inputs_now.all)
      said.channels.resize(said.channels.size() + now.channels, {begin_of(now)});
    return said;
  }

  /// What all channels of an input have said; at least what the stage goes by already: a channel that stood
  /// behind that would not be waited for.
  event_time begin_of(const stage_input& now) const {
    const auto* before = input_before(now);
    if (before == nullptr)
      return watermark_;
    least_time least;
    for (const auto& old : olds_)
      for (std::size_t i = 0; i < before->channels; ++i) {
        const auto& of = old.said.channels[before->first + i];
        least.add(of.watermark, of.is == channel_states::phase::active);
      }
    return std::max(least.get(), watermark_);
  }

  const operator_dealing how_;
  std::shared_ptr<block_pool> pool_;
  std::vector<surveyed_instance> olds_;
  /// Whether the stage has another number of instances than it had.
  bool others_ = false;
  std::uint64_t records_ = 0;
  std::uint64_t waiting_ = 0;
  event_time watermark_ = event_time::none();
  /// That stands behind all; none where it is not needed.
  event_time last_watermark_ = event_time::none();
  std::vector<dealt_counts> dealt_;
  /// Those of the record that is read; they keep their memory.
  stored_values value_;
  stored_values results_;
  std::deque<dealt_state> made_;
  std::deque<stored_entry_writer> writers_;
};

} // namespace

std::vector<dealt_state> deal_operator(operator_dealing how, std::vector<const state_blocks*> old,
                                       std::shared_ptr<block_pool> pool) {
  return operator_dealer{std::move(how), std::move(old), std::move(pool)}.deal();
}

} // namespace weir
