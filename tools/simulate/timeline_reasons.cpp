// SPDX-License-Identifier: Apache-2.0
#include "timeline_reasons.hpp"

#include <algorithm>

namespace weir::tool {

namespace {

using namespace simulation;

template <class... Ts>
struct overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
overloaded(Ts...) -> overloaded<Ts...>;

bool is_outcome(happening_kind what) {
  return what == happening_kind::answered || what == happening_kind::call_fails
         || what == happening_kind::times_out;
}

bool is_leaving(happening_kind what) {
  return what == happening_kind::leaves || what == happening_kind::leaves_without_results
         || what == happening_kind::leaves_as_dead_letter || what == happening_kind::is_dropped;
}

bool is_wait(happening_kind what) {
  return what == happening_kind::waits_for_room || what == happening_kind::waits_for_key
         || what == happening_kind::waits_for_call;
}

const char* leaving_text(happening_kind what) {
  switch (what) {
    case happening_kind::leaves_without_results:
      return "left without results";
    case happening_kind::leaves_as_dead_letter:
      return "a dead letter";
    case happening_kind::is_dropped:
      return "dropped";
    default:
      return "left";
  }
}

const char* outcome_text(happening_kind what) {
  switch (what) {
    case happening_kind::answered:
      return "answered";
    case happening_kind::call_fails:
      return "failed";
    default:
      return "timed out";
  }
}

std::string at(millis when) {
  return " at " + std::to_string(when);
}

/// What a record left as, where that is not what the service answers by default; empty elsewhere.
std::string results_text(const std::vector<std::int64_t>& results, std::int64_t record) {
  constexpr std::size_t shown_max = 6;
  const auto by_default = static_cast<std::int64_t>(2 * static_cast<std::uint64_t>(record));
  if (results == std::vector{by_default})
    return {};
  std::string text;
  const auto shown = std::min(results.size(), shown_max);
  for (std::size_t i = 0; i < shown; ++i)
    text += (i == 0 ? ": " : ", ") + std::to_string(results[i]);
  if (shown < results.size())
    text += " and " + std::to_string(results.size() - shown) + " more";
  return text;
}

std::string attempts_text(std::uint32_t attempts) {
  return std::to_string(attempts) + (attempts == 1 ? " attempt" : " attempts");
}

void append(std::string& to, const std::string& part) {
  if (!part.empty())
    to += (to.empty() ? "" : "; ") + part;
}

} // namespace

std::string element_name(const scenario& of, std::size_t element) {
  return std::visit(
    overloaded{[](const record_arrives& x) { return "record " + std::to_string(x.value); },
               [](const watermark_arrives& x) { return "watermark " + std::to_string(x.time); },
               [](const status_arrives& x) {
                 return std::string{x.idle ? "status idle" : "status active"};
               },
               [](const barrier_arrives& x) { return "barrier " + std::to_string(x.id); },
               [](const operator_restores& x) { return "restore " + std::to_string(x.id); },
               [](const end_arrives&) { return std::string{"end"}; }},
    of.input[element].what);
}

timeline_reasons::timeline_reasons(const scenario& of, const std::vector<happening>& log)
  : scenario_(of),
    log_(log),
    places_(of.input.size()) {
  for (std::size_t i = 0; i < log.size(); ++i) {
    if (log[i].what == happening_kind::ignored)
      continue;
    places_[log[i].element].push_back(i);
    job_failed_ = job_failed_ || log[i].what == happening_kind::fails_job;
  }
}

std::string timeline_reasons::sentence(std::size_t element) const {
  const auto& what = scenario_.input[element].what;
  if (std::holds_alternative<barrier_arrives>(what))
    return "waits for nothing";
  if (const auto* restore = std::get_if<operator_restores>(&what))
    return "goes on from barrier " + std::to_string(restore->id)
           + (restore->call_all ? ", every record as new" : "");
  std::string text;
  const auto lives = lives_of(element);
  for (std::size_t i = 0; i < lives.size(); ++i) {
    const auto& begin = log_[lives[i].front()];
    if (begin.what == happening_kind::is_restored)
      append(text, "back" + at(begin.at));
    // A life that a restore cut off is told by the next.
    if (i + 1 == lives.size() || is_leaving(log_[lives[i].back()].what))
      append(text, sentence(element, lives[i]));
  }
  return text;
}

std::vector<timeline_reasons::life> timeline_reasons::lives_of(std::size_t element) const {
  std::vector<life> lives;
  for (const auto place : places_[element]) {
    const auto what = log_[place].what;
    if (what == happening_kind::arrives || what == happening_kind::is_restored || lives.empty())
      lives.emplace_back();
    lives.back().push_back(place);
  }
  return lives;
}

std::string timeline_reasons::sentence(std::size_t element, const life& of) const {
  std::string text = std::holds_alternative<end_arrives>(scenario_.input[element].what)
                       ? end_of_input(of)
                       : waits(element, of);
  const auto last = log_[of.back()].what;
  if (last == happening_kind::is_lost)
    append(text, "lost in the restore" + at(log_[of.back()].at));
  else if (is_leaving(last) || last == happening_kind::fails_job)
    append(text, end(element, of));
  else
    append(text, unfinished(element, of));
  return text;
}

/// When the end is behind nothing that waits any more; nothing where that was before a restore.
std::string timeline_reasons::end_of_input(const life& of) const {
  if (of.size() > 1 && log_[of[0]].what == happening_kind::is_restored
      && log_[of[1]].what == happening_kind::held)
    return {};
  for (const auto place : of)
    if (log_[place].what == happening_kind::held || log_[place].what == happening_kind::leaves)
      return "the input has ended" + at(log_[place].at);
  return {};
}

/// The waits before its last call.
std::string timeline_reasons::waits(std::size_t element, const life& of) const {
  std::string text;
  for (std::size_t i = 0; i + 1 < of.size(); ++i) {
    const auto until = of[i + 1];
    const auto what = log_[of[i]].what;
    if (!is_wait(what) || log_[until].what == happening_kind::is_lost
        || log_[until].what == happening_kind::times_out)
      continue;
    const auto other = [&](const happening& x) { return x.element != element; };
    if (what == happening_kind::waits_for_room)
      append(text, "room" + at(log_[until].at) + ", when "
                     + name(cause(until, [&](const happening& x) {
                         return other(x) && is_leaving(x.what) && takes_room(x.element, until);
                       }))
                     + " left");
    else if (what == happening_kind::waits_for_key)
      append(text, "key free" + at(log_[until].at) + ", when "
                     + name(cause(until, [&](const happening& x) {
                         return other(x) && is_outcome(x.what) && same_key(element, x.element);
                       }))
                     + " was done");
    else
      append(text, "call free" + at(log_[until].at) + ", after that of "
                     + name(cause(until, [&](const happening& x) {
                         return other(x) && is_outcome(x.what);
                       })));
  }
  return text;
}

std::string timeline_reasons::end(std::size_t element, const life& of) const {
  const auto& left = log_[of.back()];
  std::string done = is_record(element) ? "finished before the barrier" : "";
  std::optional<std::size_t> held;
  for (const auto place : of) {
    if (is_outcome(log_[place].what))
      done = outcome_text(log_[place].what) + at(log_[place].at);
    if (log_[place].what == happening_kind::held)
      held = place;
  }
  if (left.what == happening_kind::fails_job)
    return done + ", which fails the job: " + left.error;
  const auto leaving = std::string{leaving_text(left.what)};
  const auto with = what_left(left);
  if (!held)
    return (done.empty() ? "nothing before it: " + leaving + at(left.at)
                         : done + ", " + leaving + " at once")
           + with;
  const auto whom = blocker(element, *held, of.back());
  return (done.empty() ? "" : done + ", ") + (whom ? "waited for " + name(whom) : "held") + ", "
         + leaving + at(left.at) + with;
}

std::string timeline_reasons::what_left(const happening& left) const {
  if (left.what == happening_kind::leaves_as_dead_letter)
    return ": " + left.error + ", " + attempts_text(left.attempt);
  const auto* record = std::get_if<record_arrives>(&scenario_.input[left.element].what);
  return record != nullptr && left.what == happening_kind::leaves
           ? results_text(left.results, record->value)
           : "";
}

std::string timeline_reasons::unfinished(std::size_t element, const life& of) const {
  if (job_failed_)
    return "had not left when the job failed";
  switch (log_[of.back()].what) {
    case happening_kind::waits_for_room:
      return "still waits for room";
    case happening_kind::waits_for_key:
      return "still waits for its key";
    case happening_kind::waits_for_call:
      return "still waits for a call";
    case happening_kind::held:
      return "still waits for " + name(lasting_blocker(element));
    default:
      return "its call is never answered";
  }
}

std::optional<std::size_t> timeline_reasons::cause(std::size_t place, const wanted& which) const {
  const auto when = log_[place].at;
  for (auto i = place; i-- > 0 && log_[i].at == when;)
    if (which(log_[i]))
      return log_[i].element;
  for (auto i = place + 1; i < log_.size() && log_[i].at == when; ++i)
    if (which(log_[i]))
      return log_[i].element;
  return std::nullopt;
}

std::optional<std::size_t> timeline_reasons::blocker(std::size_t element, std::size_t held,
                                                     std::size_t left) const {
  const auto mode = settings_at(left).mode;
  for (auto i = left; i-- > held + 1;)
    if (is_outcome(log_[i].what) && is_blocked_by(element, log_[i].element, mode))
      return log_[i].element;
  return std::nullopt;
}

std::optional<std::size_t> timeline_reasons::lasting_blocker(std::size_t element) const {
  const auto mode = settings_at(log_.size()).mode;
  for (auto other = element; other-- > 0;) {
    if (places_[other].empty() || !is_record(other) || !is_blocked_by(element, other, mode))
      continue;
    const auto last = log_[places_[other].back()].what;
    if (!is_leaving(last) && last != happening_kind::is_lost && last != happening_kind::held)
      return other;
  }
  return std::nullopt;
}

/// Whether the element cannot leave before the other, a record, is done.
bool timeline_reasons::is_blocked_by(std::size_t element, std::size_t other,
                                     scenario_mode mode) const {
  if (other >= element)
    return false;
  if (mode == scenario_mode::ordered || is_border(element))
    return true;
  if (mode == scenario_mode::key_ordered && same_key(element, other))
    return true;
  for (auto between = other + 1; between < element; ++between)
    if (is_border(between))
      return true;
  return false;
}

const scenario_operator& timeline_reasons::settings_at(std::size_t place) const {
  const auto* settings = &scenario_.with;
  for (std::size_t i = 0; i < place; ++i)
    if (const auto* how = std::get_if<operator_restores>(&scenario_.input[log_[i].element].what))
      if (how->with)
        settings = &*how->with;
  return *settings;
}

bool timeline_reasons::same_key(std::size_t a, std::size_t b) const {
  const auto* x = std::get_if<record_arrives>(&scenario_.input[a].what);
  const auto* y = std::get_if<record_arrives>(&scenario_.input[b].what);
  return x != nullptr && y != nullptr && (x->value - y->value) % 10 == 0;
}

bool timeline_reasons::is_record(std::size_t element) const {
  return std::holds_alternative<record_arrives>(scenario_.input[element].what);
}

bool timeline_reasons::is_border(std::size_t element) const {
  const auto& what = scenario_.input[element].what;
  return std::holds_alternative<watermark_arrives>(what)
         || std::holds_alternative<status_arrives>(what)
         || std::holds_alternative<end_arrives>(what);
}

/// In key order borders have no part in the capacity.
bool timeline_reasons::takes_room(std::size_t element, std::size_t place) const {
  return !is_border(element) || settings_at(place).mode != scenario_mode::key_ordered;
}

std::string timeline_reasons::name(std::optional<std::size_t> element) const {
  return element ? element_name(scenario_, *element) : "another";
}

} // namespace weir::tool
