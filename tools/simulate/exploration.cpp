// SPDX-License-Identifier: Apache-2.0
#include "exploration.hpp"

#include "reference_model.hpp"
#include "timeline_reasons.hpp"
#include "trace_check.hpp"
#include "trace_checker.hpp"
#include "trace_text.hpp"

#include "weir/machine_simulation.hpp"

#include <algorithm>
#include <charconv>
#include <span>
#include <unordered_set>
#include <utility>

namespace weir::tool {

namespace {

using namespace simulation;

constexpr std::uint64_t seed_max = 1'000'000'000'000'000'000;

std::optional<std::uint64_t> seed_of(std::string_view text) {
  std::uint64_t seed = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (code != std::errc{} || end != text.data() + text.size() || seed > seed_max)
    return std::nullopt;
  return seed;
}

// -- orders --

/// Chance, the same on every machine.
class seeded_order {
public:
  explicit seeded_order(std::uint64_t seed) : state_(seed) {}

  std::size_t choose(std::span<const event_description> due) {
    const auto chosen = static_cast<std::size_t>(draw() % due.size());
    choices_.push_back({{due.begin(), due.end()}, chosen});
    return chosen;
  }

  const std::vector<event_choice>& choices() const noexcept { return choices_; }

  /// Equal orders have equal ones.
  std::size_t fingerprint() const {
    std::u32string places;
    for (const auto& each : choices_)
      places.push_back(static_cast<char32_t>(each.chosen));
    return std::hash<std::u32string>{}(places);
  }

private:
  // splitmix64
  std::uint64_t draw() {
    state_ += 0x9E37'79B9'7F4A'7C15;
    auto z = state_;
    z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9;
    z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EB;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
  std::vector<event_choice> choices_;
};

/// Makes choices that were made before.
class repeated_order {
public:
  explicit repeated_order(const std::vector<event_choice>& choices) : choices_(choices) {}

  std::size_t choose(std::span<const event_description> due) {
    const auto place = next_++;
    const bool same = place < choices_.size() && std::ranges::equal(choices_[place].due, due);
    if (same)
      return choices_[place].chosen;
    if (!differs_)
      differs_ = std::pair{place, event_choice{{due.begin(), due.end()}, 0}};
    return 0;
  }

  /// The first place at which something else was due, with what was due here.
  std::optional<std::pair<std::size_t, event_choice>> difference() const {
    if (!differs_ && next_ < choices_.size())
      return std::pair{next_, event_choice{}};
    return differs_;
  }

private:
  const std::vector<event_choice>& choices_;
  std::size_t next_ = 0;
  std::optional<std::pair<std::size_t, event_choice>> differs_;
};

/// Makes the model go the way that the operator's actor went.
class followed_order {
public:
  explicit followed_order(const std::vector<event_choice>& went) : went_(went) {}

  std::size_t choose(std::span<const event_description> due) {
    for (; next_ < went_.size(); ++next_) {
      const auto& event = went_[next_].due[went_[next_].chosen];
      const auto found = event.kind == event_kind::wake_up && event.at == due.front().at
                           ? std::ranges::find_if(due, is_timer)
                           : std::ranges::find(due, event);
      if (found != due.end()) {
        next_ += event.kind == event_kind::wake_up ? 0 : 1;
        return static_cast<std::size_t>(found - due.begin());
      }
      if (event.kind != event_kind::wake_up)
        break;
    }
    if (!differs_)
      differs_ = std::pair{next_, event_choice{{due.begin(), due.end()}, 0}};
    return 0;
  }

  /// The first place at which the model could not follow, with what was due here.
  const std::optional<std::pair<std::size_t, event_choice>>& difference() const { return differs_; }

private:
  static bool is_timer(const event_description& of) {
    return of.kind == event_kind::timeout || of.kind == event_kind::back_off_end;
  }

  const std::vector<event_choice>& went_;
  std::size_t next_ = 0;
  std::optional<std::pair<std::size_t, event_choice>> differs_;
};

// -- as text --

std::string name_of(const scenario& of, const event_description& event) {
  const auto element
    = event.kind == event_kind::room || event.kind == event_kind::wake_up ? std::string{}
                                                                           : element_name(of, event.line);
  const auto attempt = event.attempts > 1 ? ", attempt " + std::to_string(event.attempts) : "";
  switch (event.kind) {
    case event_kind::completion:
      return "answer to " + element + attempt;
    case event_kind::timeout:
      return "timeout of " + element;
    case event_kind::back_off_end:
      return "end of back-off of " + element;
    case event_kind::wake_up:
      return "wake-up of the actor";
    case event_kind::input:
      return "input of " + element;
    case event_kind::room:
      break;
  }
  return "room downstream";
}

std::string list_of(const scenario& of, std::span<const event_description> events,
                    std::size_t but = SIZE_MAX) {
  std::string text;
  for (std::size_t i = 0; i < events.size(); ++i)
    if (i != but)
      text += (text.empty() ? "" : "; ") + name_of(of, events[i]);
  return text.empty() ? "nothing" : text;
}

/// Where several events might have been next.
std::string order_text(const scenario& of, std::vector<event_choice> order) {
  constexpr std::size_t lines_max = 20;
  std::erase_if(order, [](const event_choice& each) { return each.due.size() < 2; });
  std::string text;
  for (std::size_t i = 0; i < order.size() && i < lines_max; ++i)
    text += "  at " + std::to_string(order[i].due.front().at) + " first: "
            + name_of(of, order[i].due[order[i].chosen]) + ", before: "
            + list_of(of, order[i].due, order[i].chosen) + "\n";
  if (order.size() > lines_max)
    text += "  and so on, " + std::to_string(order.size() - lines_max) + " more\n";
  return text;
}

std::string due_text(const scenario& of, const std::vector<event_choice>& machines,
                     const std::pair<std::size_t, event_choice>& models) {
  const auto& [place, model] = models;
  const auto& machine = place < machines.size() ? machines[place] : event_choice{};
  const auto& known = machine.due.empty() ? model.due : machine.due;
  return "  at " + std::to_string(known.front().at) + " may be next, for the operator: "
         + list_of(of, machine.due) + "; for the model: " + list_of(of, model.due) + "\n";
}

std::string quoted(const std::string& path) {
  constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789_-+=./,:@%";
  if (!path.empty() && path.find_first_not_of(plain) == path.npos)
    return path;
  std::string text = "'";
  for (const char c : path)
    text += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return text + "'";
}

std::string count_text(std::uint64_t n, const char* noun) {
  return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
}

} // namespace

expected<seed_range> parse_seeds(std::string_view text) {
  const error wrong{error_kind::argument, "seeds",
                    "must be how many, as in 1000, or the first and the last, as in 17..40; at most 10^18"};
  const auto dots = text.find("..");
  const auto first = dots == text.npos ? std::uint64_t{1} : seed_of(text.substr(0, dots));
  const auto last = seed_of(dots == text.npos ? text : text.substr(dots + 2));
  if (!first || !last || *last < *first)
    return wrong;
  return seed_range{*first, *last};
}

expected<trace> run_on_machine(const scenario& what, const event_chooser& choose) {
  return simulate(what, {.choose = choose});
}

namespace {

template <class Order>
std::string mistakes_against(const scenario& what, const trace& came,
                             const std::vector<event_choice>& order,
                             trace (*model)(const scenario&, const event_chooser&)) {
  std::string text;
  if (const auto broken = first_violation(what, came))
    text += "  a promise is broken: " + *broken + "\n";
  Order same{order};
  const auto expected
    = model(what, [&](std::span<const event_description> due) { return same.choose(due); });
  const auto difference
    = difference_text(expected, came) + account_difference_text(expected, came);
  const auto other_due = same.difference();
  if (difference.empty() && !other_due)
    return text;
  text += "  it is not what the model does, which is what is expected:\n";
  return text + (other_due ? due_text(what, order, *other_due) : "") + difference;
}

/// What the model counts, if the actor counted no more.
std::uint64_t late_of_model(const scenario& of, const std::vector<event_choice>& order,
                            std::uint64_t counted) {
  followed_order same{order};
  const auto expected = run_reference_model_asking(
    of, [&](std::span<const event_description> due) { return same.choose(due); });
  return expected.account ? std::max(counted, expected.account->late_completions) : counted;
}

/// `every_seed`: chance decides more than the order of events.
template <class Run, class Judge>
expected<exploration> explore_with(const scenario& what, const seed_range& seeds, const Run& run,
                                   const Judge& judge, bool every_seed) {
  exploration done;
  std::unordered_set<std::size_t> orders;
  std::unordered_set<std::size_t> traces;
  for (auto seed = seeds.first;; ++seed) {
    seeded_order order{seed};
    const auto came
      = run(seed, [&](std::span<const event_description> due) { return order.choose(due); });
    if (!came)
      return came.why();
    ++done.runs;
    done.has_choices = every_seed || !order.choices().empty();
    // An order that was seen gives the trace that was seen.
    if (orders.insert(order.fingerprint()).second || every_seed) {
      traces.insert(std::hash<std::string>{}(trace_json(*came)));
      if (auto wrong = judge(what, *came, order.choices()); !wrong.empty())
        done.found = found_violation{seed, std::move(wrong), order.choices()};
    }
    if (done.found || !done.has_choices || seed >= seeds.last)
      break;
  }
  done.orders = orders.size();
  done.traces = traces.size();
  return done;
}

} // namespace

std::string mistakes_of(const scenario& what, const trace& came,
                        const std::vector<event_choice>& order) {
  return mistakes_against<repeated_order>(what, came, order, run_reference_model);
}

expected<exploration> explore(const scenario& what, const seed_range& seeds,
                              const scenario_runner& run) {
  const auto run_it
    = [&](std::uint64_t, const event_chooser& choose) { return run(what, choose); };
  return explore_with(what, seeds, run_it, mistakes_of, false);
}

expected<exploration> explore_actors(const scenario& what, const seed_range& seeds,
                                     const actor_runner& run) {
  const auto run_it
    = [&](std::uint64_t seed, const event_chooser& choose) { return run(what, choose, seed); };
  const auto judge = [](const scenario& of, trace came, const std::vector<event_choice>& order) {
    // An actor that has ended, or was taken away, counts no answers that come after.
    if (came.account)
      came.account->late_completions = late_of_model(of, order, came.account->late_completions);
    return mistakes_against<followed_order>(of, came, order, run_reference_model_asking);
  };
  auto done = explore_with(what, seeds, run_it, judge, true);
  if (done)
    done->on_actors = true;
  return done;
}

std::string exploration_text(const scenario& of, const exploration& what, const std::string& file) {
  if (const auto& found = what.found) {
    const auto seed = std::to_string(found->seed);
    return of.name + ": with seed " + seed + " the operator breaks its rules\n" + found->what
           + order_text(of, found->order) + "  again: weir simulate --explore "
           + (what.on_actors ? "--actors " : "") + "--seeds " + seed + ".." + seed + " " + quoted(file)
           + "\n";
  }
  if (!what.has_choices)
    return of.name + ": no two events fall together; one order, 1 trace\n";
  return of.name + ": " + count_text(what.runs, "seed") + ", " + count_text(what.orders, "order")
         + ", " + count_text(what.traces, "trace") + "\n";
}

} // namespace weir::tool
