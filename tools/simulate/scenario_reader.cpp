// SPDX-License-Identifier: Apache-2.0
#include "scenario_reader.hpp"

#include "json_section.hpp"
#include "load_file.hpp"
#include "scenario_limits.hpp"

#include <charconv>
#include <map>

namespace weir::tool {

namespace {

using namespace simulation;
using namespace scenario_limits;

std::vector<std::int64_t> values(json_section& of, std::string_view name) {
  return of.integers(name, value_min, value_max).value_or(std::vector<std::int64_t>{});
}

// -- operator --

scenario_retry read_retry(json_section retry) {
  constexpr std::pair<std::string_view, retry_kind> kinds[]
    = {{"none", retry_kind::none},
       {"fixed", retry_kind::fixed},
       {"exponential", retry_kind::exponential}};
  scenario_retry what;
  if (retry.find("kind") == nullptr)
    retry.missing("kind");
  const auto kind = retry.choice("kind", kinds);
  if (!kind) {
    // Which keys there may be hangs on it.
    for (const auto* name : {"max_attempts", "if_result", "if_error", "delay_ms", "initial_ms",
                             "max_ms", "multiplier"})
      retry.find(name);
    retry.finish();
    return what;
  }
  what.kind = *kind;
  if (what.kind != retry_kind::none) {
    const auto attempts = retry.required_integer("max_attempts", 1, retries_max);
    what.max_attempts = static_cast<std::uint32_t>(attempts.value_or(1));
    constexpr std::pair<std::string_view, bool> results[] = {{"empty", true}};
    what.if_empty = retry.choice("if_result", results).value_or(false);
    what.if_error = retry.text("if_error");
  }
  if (what.kind == retry_kind::fixed)
    what.delay = retry.required_integer("delay_ms", 1, time_max).value_or(1);
  if (what.kind == retry_kind::exponential) {
    const auto initial = retry.required_integer("initial_ms", 1, time_max);
    const auto max = retry.required_integer("max_ms", 1, time_max);
    what.initial = initial.value_or(1);
    what.max = max.value_or(1);
    what.multiplier = retry.required_number("multiplier", 1);
    if (initial && max && *max < *initial)
      retry.wrong("max_ms",
                  "must be at least initial_ms, which is " + std::to_string(what.initial));
  }
  retry.finish();
  return what;
}

scenario_hook read_hook(json_section hook) {
  constexpr std::string_view kinds[] = {"fail", "emit", "error", "nothing"};
  scenario_hook what;
  hook.one_of(kinds);
  if (hook.find("emit") != nullptr) {
    what.kind = hook_kind::emit;
    what.emit = values(hook, "emit");
  }
  if (hook.find("error") != nullptr) {
    what.kind = hook_kind::error;
    what.error = hook.required_text("error");
  }
  if (hook.flag("nothing"))
    what.kind = hook_kind::nothing;
  hook.flag("fail");
  hook.finish();
  return what;
}

scenario_operator read_operator(json_section settings) {
  constexpr std::pair<std::string_view, scenario_mode> modes[]
    = {{"ordered", scenario_mode::ordered},
       {"unordered", scenario_mode::unordered},
       {"key_ordered", scenario_mode::key_ordered}};
  constexpr std::pair<std::string_view, scenario_failure_action> actions[]
    = {{"fail_job", scenario_failure_action::fail_job},
       {"drop", scenario_failure_action::drop},
       {"dead_letter", scenario_failure_action::dead_letter}};
  scenario_operator what;
  if (settings.find("mode") == nullptr)
    settings.missing("mode");
  what.mode = settings.choice("mode", modes).value_or(what.mode);
  if (const auto capacity = settings.integer("capacity", 1, capacity_max))
    what.capacity = static_cast<std::size_t>(*capacity);
  else if (settings.find("capacity") != nullptr)
    // Nothing is too much for what is not known.
    what.capacity = static_cast<std::size_t>(capacity_max);
  if (const auto calls = settings.integer("max_concurrent_calls", 1, capacity_max)) {
    what.max_concurrent_calls = static_cast<std::size_t>(*calls);
    if (*what.max_concurrent_calls > what.capacity)
      settings.wrong("max_concurrent_calls",
                     "must be at most capacity, which is " + std::to_string(what.capacity));
  }
  const auto timeout = settings.integer("timeout_ms", 0, time_max);
  const bool is_without = timeout ? *timeout == 0 : settings.find("timeout_ms") == nullptr;
  what.timeout = timeout.value_or(0);
  if (const auto* retry = settings.object("retry")) {
    what.retry = read_retry({*retry, settings.key_of("retry"), settings.mistakes()});
    if (what.retry.kind != retry_kind::none && is_without)
      settings.wrong("retry", "needs a timeout: timeout_ms must be > 0");
  }
  if (const auto* hook = settings.object("on_timeout"))
    what.on_timeout = read_hook({*hook, settings.key_of("on_timeout"), settings.mistakes()});
  what.on_failure = settings.choice("on_failure", actions).value_or(what.on_failure);
  settings.finish();
  return what;
}

// -- input --

class input_reader {
public:
  explicit input_reader(mistake_list& mistakes) : mistakes_(mistakes) {}

  std::vector<scenario_input> read(const json_node& list, const std::string& key) {
    std::vector<scenario_input> all;
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      if (list.items[i].kind != json_kind::object) {
        mistakes_.add(list.items[i], key_of_item(key, i), "must be an object");
        all_barriers_known_ = false;
      } else {
        all.push_back(read_line({list.items[i], key_of_item(key, i), mistakes_}));
      }
    }
    return all;
  }

private:
  scenario_input read_line(json_section line) {
    scenario_input what;
    if (const auto at = line.required_integer("at", 0, time_max)) {
      what.at = *at;
      if (what.at < last_at_)
        line.wrong("at", "must not be before the line in front of it, which is at "
                           + std::to_string(last_at_));
      last_at_ = std::max(last_at_, what.at);
    }
    read_element(line, what);
    line.finish();
    return what;
  }

  void read_element(json_section& line, scenario_input& what) {
    constexpr std::string_view kinds[]
      = {"record", "watermark", "status", "barrier", "restore", "end"};
    const auto found = line.one_of(kinds);
    if (!found) {
      // They belong to what it is, or to what it would be.
      for (const auto* name : {"ts", "how", "operator"})
        line.find(name);
      all_barriers_known_ = false;
      return;
    }
    const auto kind = *found;
    if (ended_ && kind != "barrier" && kind != "restore")
      line.wrong(kind, "comes after the end; only barriers and restores may");
    if (kind == "record")
      what.what = read_record(line);
    else if (kind == "watermark")
      what.what = watermark_arrives{line.integer(kind, value_min, value_max).value_or(0)};
    else if (kind == "status")
      what.what = read_status(line);
    else if (kind == "barrier")
      what.what = read_barrier(line);
    else if (kind == "restore")
      what.what = read_restore(line);
    else
      what.what = read_end(line);
  }

  static record_arrives read_record(json_section& line) {
    return {line.integer("record", value_min, value_max).value_or(0),
            line.integer("ts", value_min, value_max)};
  }

  static status_arrives read_status(json_section& line) {
    constexpr std::pair<std::string_view, bool> statuses[] = {{"idle", true}, {"active", false}};
    return {line.choice("status", statuses).value_or(false)};
  }

  barrier_arrives read_barrier(json_section& line) {
    const auto id = line.integer("barrier", value_min, value_max);
    if (id)
      ended_at_barrier_[*id] = ended_;
    else
      all_barriers_known_ = false;
    return {id.value_or(0)};
  }

  operator_restores read_restore(json_section& line) {
    constexpr std::pair<std::string_view, bool> ways[] = {{"resume", false}, {"call_all", true}};
    operator_restores what;
    // What it goes back to, where that is not known, may be before the end.
    bool ended = false;
    if (const auto id = line.integer("restore", value_min, value_max)) {
      what.id = *id;
      const auto found = ended_at_barrier_.find(*id);
      if (found != ended_at_barrier_.end())
        ended = found->second;
      else if (all_barriers_known_)
        line.wrong("restore", "must be the id of a barrier in a line before it");
    }
    ended_ = ended;
    what.call_all = line.choice("how", ways).value_or(false);
    if (const auto* settings = line.object("operator"))
      what.with = read_operator({*settings, line.key_of("operator"), mistakes_});
    return what;
  }

  end_arrives read_end(json_section& line) {
    line.flag("end");
    ended_ = ended_ || line.find("end")->flag;
    return {};
  }

  mistake_list& mistakes_;
  millis last_at_ = 0;
  bool ended_ = false;
  /// False once a line is wrong that may be one.
  bool all_barriers_known_ = true;
  /// Whether the input had ended at each barrier.
  std::map<std::int64_t, bool> ended_at_barrier_;
};

// -- service --

std::vector<scenario_answer> read_more_answers(const json_node& list, const std::string& key,
                                               mistake_list& mistakes);

scenario_answer read_answer(json_section answer, bool is_first) {
  scenario_answer what;
  int given = 0;
  for (const auto* name : {"emit", "error", "throw", "never"})
    given += answer.find(name) == nullptr ? 0 : 1;
  if (given > 1)
    answer.wrong_itself("must have at most one of \"emit\", \"error\", \"throw\" and \"never\"");
  const auto after = answer.integer("after", 0, time_max);
  what.after = after.value_or(1);
  what.emit = answer.integers("emit", value_min, value_max);
  what.error = answer.text("error");
  what.never = answer.flag("never");
  if (what.never && after)
    answer.wrong("after", "must be left out beside \"never\"");
  if (answer.find("throw") != nullptr) {
    what.throws = true;
    what.error = answer.text("throw");
    what.after = 0;
    if (!is_first)
      answer.wrong("throw", "must not be in \"twice\": only the call itself throws");
    if (after.value_or(0) != 0)
      answer.wrong("after", "must be 0 or left out beside \"throw\": it is the call that throws");
  }
  if (const auto* more = answer.array("twice")) {
    if (is_first)
      what.twice = read_more_answers(*more, answer.key_of("twice"), answer.mistakes());
    else
      answer.wrong("twice", "must not be in another \"twice\"");
  }
  answer.finish();
  return what;
}

std::vector<scenario_answer> read_answers(const json_node& list, const std::string& key,
                                          mistake_list& mistakes, bool first) {
  std::vector<scenario_answer> all;
  if (list.kind != json_kind::array || list.items.empty()) {
    mistakes.add(list, key, "must be a list of answers, at least one");
    return all;
  }
  for (std::size_t i = 0; i < list.items.size(); ++i)
    if (list.items[i].kind != json_kind::object)
      mistakes.add(list.items[i], key_of_item(key, i), "must be an object");
    else
      all.push_back(read_answer({list.items[i], key_of_item(key, i), mistakes}, first));
  return all;
}

std::vector<scenario_answer> read_more_answers(const json_node& list, const std::string& key,
                                               mistake_list& mistakes) {
  return list.items.empty() ? std::vector<scenario_answer>{}
                            : read_answers(list, key, mistakes, false);
}

/// The value that a key of `service` names, as `to_string` writes it.
std::optional<std::int64_t> value_of_key(const std::string& key) {
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(key.data(), key.data() + key.size(), value);
  if (code != std::errc{} || end != key.data() + key.size() || std::to_string(value) != key)
    return std::nullopt;
  return value;
}

void read_service(const json_node& service, const std::string& at, mistake_list& mistakes,
                  scenario& into) {
  for (std::size_t i = 0; i < service.keys.size(); ++i) {
    const auto& name = service.keys[i];
    const auto key = key_of_member(at, name);
    auto answers = read_answers(service.items[i], key, mistakes, true);
    if (const auto value = value_of_key(name))
      into.service[*value] = std::move(answers);
    else if (name == "otherwise")
      into.otherwise = std::move(answers);
    else
      mistakes.add(service.items[i], key, "must be under a record's value or \"otherwise\"", false);
  }
}

// -- scenario --

scenario read_scenario(const json_node& object, mistake_list& mistakes) {
  json_section top{object, "", mistakes};
  scenario what;
  what.name = top.required_text("name");
  if (const auto* settings = top.object("operator"))
    what.with = read_operator({*settings, "operator", mistakes});
  else if (top.find("operator") == nullptr)
    top.missing("operator");
  if (const auto* input = top.array("input"))
    what.input = input_reader{mistakes}.read(*input, "input");
  else if (top.find("input") == nullptr)
    top.missing("input");
  if (const auto* service = top.object("service"))
    read_service(*service, "service", mistakes, what);
  top.finish();
  return what;
}

} // namespace

read_file<scenario> parse_scenarios(std::string_view content, const std::string& path) {
  return parse_objects<scenario>(content, path, "scenario", read_scenario);
}

read_file<scenario> load_scenarios(const std::vector<std::string>& paths) {
  read_file<scenario> read;
  for (const auto& path : paths)
    load_objects<scenario>(path, "scenario", read_scenario, read);
  return read;
}

std::vector<mistake> repeated_names(const std::vector<found_scenario>& all) {
  std::vector<mistake> repeated;
  std::map<std::string_view, const found_scenario*> first;
  for (const auto& each : all)
    if (const auto [at, is_new] = first.emplace(each.what.name, &each); !is_new)
      repeated.push_back({each.where(), "name", '"' + printable(each.what.name) + '"',
                          "is the name of another scenario, at " + at->second->where()});
  return repeated;
}

} // namespace weir::tool
