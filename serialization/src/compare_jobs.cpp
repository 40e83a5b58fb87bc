// SPDX-License-Identifier: Apache-2.0

#include "weir/compare_jobs.hpp"

#include "job_shape.hpp"

#include "weir/key_hash.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace weir {

namespace {

/// What an operator asks and makes of the answer: finished results keep the old one.
constexpr std::array<std::string_view, 5> of_answers{"into", "key", "query", "rows", "url"};
/// What records are ordered by; those that are held have it computed already.
constexpr std::string_view order_key = "order_key";

constexpr const char* start_anew = "or start anew (fresh)";

using place = std::size_t;

bool holds_records(stage_role role) {
  return role == stage_role::async_operator || role == stage_role::service;
}

std::string name_of(stage_role role) {
  switch (role) {
    case stage_role::source:
      return "source";
    case stage_role::sink:
      return "sink";
    case stage_role::service:
      return "service";
    case stage_role::async_operator:
      break;
  }
  return "operator";
}

std::string label(const manifest_stage& stage) {
  return name_of(stage.role) + " " + stage.name;
}

std::string records(std::uint64_t n) {
  return std::to_string(n) + (n == 1 ? " record" : " records");
}

std::string text(const stored_type_name& type) {
  return type.name + " version " + std::to_string(type.version);
}

/// The stages that records reach from each stage.
std::vector<std::set<place>> ways(std::size_t stages, const std::vector<manifest_edge>& edges) {
  std::vector<std::set<place>> behind(stages);
  for (place from = 0; from < stages; ++from) {
    std::vector<place> open{from};
    while (!open.empty()) {
      const auto at = open.back();
      open.pop_back();
      for (const auto& each : edges)
        if (each.from == at && each.to < stages && behind[from].insert(each.to).second)
          open.push_back(each.to);
    }
  }
  return behind;
}

class comparison {
public:
  comparison(const manifest& from, const job_description& to, const std::vector<std::string>& drop)
    : from_(from),
      to_(to),
      drop_(drop),
      behind_before_(ways(from.stages.size(), from.edges)),
      behind_now_(ways(to.stages.size(), to.edges)) {
    held_.resize(from.stages.size());
    for (const auto& each : from.instances)
      if (each.stage < held_.size())
        add(held_[each.stage], each.summary.entries);
  }

  job_changes run() {
    if (from_.job != to_.job)
      refuse("job " + to_.job, "the checkpoint is one of the job " + from_.job);
    check_drops();
    for (place before = 0; before < from_.stages.size(); ++before) {
      const auto& stage = from_.stages[before];
      if (const auto now = find(to_.stages, stage.name))
        check_stage(before, *now);
      else
        check_gone(before);
    }
    for (place now = 0; now < to_.stages.size(); ++now)
      if (!find(from_.stages, to_.stages[now].name))
        check_new(now);
    for (place before = 0; before < from_.stages.size(); ++before)
      if (kept(before) > 0)
        check_order(before);
    found_.reshaped = job_shape(from_.stages, from_.edges) != job_shape(to_.stages, to_.edges);
    return std::move(found_);
  }

private:
  static void add(entry_counts& sum, const entry_counts& of) {
    sum.running += of.running;
    sum.waits_for_call += of.waits_for_call;
    sum.backs_off += of.backs_off;
    sum.finished += of.finished;
    sum.borders += of.borders;
    sum.waiting_input += of.waiting_input;
  }

  static std::optional<place> find(const std::vector<manifest_stage>& stages,
                                   const std::string& name) {
    const auto at = std::find_if(stages.begin(), stages.end(),
                                 [&](const manifest_stage& each) { return each.name == name; });
    if (at == stages.end())
      return std::nullopt;
    return static_cast<place>(at - stages.begin());
  }

  bool is_dropped(const std::string& name) const {
    return std::find(drop_.begin(), drop_.end(), name) != drop_.end();
  }

  void refuse(std::string thing, std::string message) {
    found_.refusals.emplace_back(error_kind::incompatible, std::move(thing), std::move(message));
  }

  // -- stages that are gone or new --

  void check_drops() {
    for (const auto& name : drop_) {
      const auto before = find(from_.stages, name);
      std::string wrong;
      if (!before)
        wrong = "the checkpoint has no stage of this name; if its state was let go already, leave it out";
      else if (from_.stages[*before].role == stage_role::source)
        wrong = "it is a source, whose state is where it stands in its input";
      else if (from_.stages[*before].role == stage_role::sink && find(to_.stages, name))
        wrong = "it is a sink of the job, which shows what the checkpoint says";
      if (!wrong.empty())
        found_.refusals.emplace_back(error_kind::argument, "drop_state " + name, wrong);
    }
  }

  void check_gone(place before) {
    const auto& stage = from_.stages[before];
    if (stage.role == stage_role::source) {
      refuse(label(stage), std::string{"it is in the checkpoint but no longer in the job; bring it back, "}
                             + start_anew);
      return;
    }
    const auto held = holds_records(stage.role)
                        ? ", where it holds " + records(held_[before].records())
                        : std::string{};
    if (!is_dropped(stage.name)) {
      refuse(label(stage), "it is in the checkpoint" + held
                             + ", but no longer in the job; bring it back and let the job end, let its "
                               "state go (drop_state), "
                             + start_anew);
      return;
    }
    if (holds_records(stage.role)) {
      let_go(before);
      return;
    }
    const auto pending = pending_output_of(before);
    found_.warnings.push_back(label(stage) + ": its state is let go"
                              + (pending.empty() ? std::string{}
                                                 : "; its output stays as it is: what is hidden is not shown any "
                                                   "more (at the checkpoint, in the sink's words: "
                                                     + pending + ")"));
  }

  /// The first line of what a sink's instances said, and how many more there are. What the words mean is the
  /// sink's: some speak of what was visible already, and what was not may have been shown since.
  std::string pending_output_of(place before) const {
    std::string_view first;
    std::size_t lines = 0;
    for (const auto& each : from_.instances) {
      if (each.stage != before)
        continue;
      for (std::string_view rest = each.summary.pending_output; !rest.empty(); ++lines) {
        const auto end = std::min(rest.find('\n'), rest.size());
        if (lines == 0)
          first = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
    }
    return std::string{first} + (lines > 1 ? ", and " + std::to_string(lines - 1) + " more" : "");
  }

  void let_go(place before) {
    found_.warnings.push_back(label(from_.stages[before]) + ": its state is let go, "
                              + records(held_[before].records()) + " with it");
  }

  /// Records that an operator goes on with.
  std::uint64_t kept(place before) const {
    return is_dropped(from_.stages[before].name) ? 0 : held_[before].records();
  }

  void check_new(place now) {
    const auto& stage = to_.stages[now];
    if (!holds_records(stage.role)) {
      found_.notes.push_back(label(stage) + " is new"
                             + (stage.role == stage_role::source ? "; it is read from its beginning" : ""));
      return;
    }
    std::uint64_t past = 0;
    for (const auto each : behind_now_[now])
      if (const auto before = find(from_.stages, to_.stages[each].name))
        past += kept(*before);
    if (past > 0)
      found_.warnings.push_back(label(stage) + " is new and starts empty; " + records(past)
                                + " that operators behind it hold do not come through it");
    else
      found_.notes.push_back(label(stage) + " is new and starts empty");
  }

  // -- stages that are there still --

  void check_stage(place before, place now) {
    const auto& was = from_.stages[before];
    const auto& is = to_.stages[now];
    if (was.role != is.role) {
      refuse(label(is), "the checkpoint has a stage of another kind by this name, " + label(was)
                          + "; give it another name, "
                          + start_anew);
      return;
    }
    if (was.parallelism != is.parallelism)
      found_.notes.push_back(label(is) + ": its parallelism was " + std::to_string(was.parallelism)
                             + " and is " + std::to_string(is.parallelism));
    check_place(was, is);
    if (is.role == stage_role::source)
      check_source(was, is);
    if (holds_records(is.role) && is_dropped(was.name)) {
      let_go(before);
      return;
    }
    if (holds_records(is.role)) {
      check_types(was, is, now);
      check_keys(was, is, kept(before));
    }
    check_settings(was, is, held_[before]);
  }

  /// A sink without a place writes elsewhere than one that has one; a source may only not say what it reads.
  void check_place(const manifest_stage& was, const manifest_stage& is) {
    const bool says_both = !was.place.empty() && !is.place.empty();
    if (was.place == is.place || (is.role == stage_role::source && !says_both))
      return;
    if (is.role == stage_role::source)
      refuse(label(is), "it reads " + is.place + ", and the checkpoint says where in " + was.place
                          + " it stood; give it that again, " + start_anew);
    else
      refuse(label(is), "it writes to " + sink_place(is) + ", and what belongs to the checkpoint is in "
                          + sink_place(was) + "; give it that again, " + start_anew
                          + ": what is shown there stays");
  }

  static std::string sink_place(const manifest_stage& of) {
    return of.place.empty() ? "a place without a name (such as standard output)" : of.place;
  }

  void check_source(const manifest_stage& was, const manifest_stage& is) {
    if (was.records.empty() || is.records.empty() || was.records[0].name == is.records[0].name)
      return;
    refuse(label(is), "it gives records of the type " + is.records[0].name + " and gave those of "
                        + was.records[0].name + "; give it another name, " + start_anew);
  }

  void check_types(const manifest_stage& was, const manifest_stage& is, place now) {
    static constexpr std::array<const char*, 2> what{"its records", "its results"};
    for (std::size_t i = 0; i < what.size(); ++i) {
      if (i >= was.records.size() || i >= is.records.size()) {
        if (was.records.size() != is.records.size())
          refuse(label(is), std::string{what[i]} + " are stored in one of the two, the checkpoint and the "
                              "job, and not in the other; let the operator's state go (drop_state), "
                              + start_anew);
        return;
      }
      const auto& stored = was.records[i];
      const auto& read = is.records[i];
      const auto oldest = now < to_.oldest.size() && i < to_.oldest[now].size() ? to_.oldest[now][i]
                                                                                : read.version;
      if (stored.name != read.name)
        refuse(label(is), std::string{what[i]} + " are of the type " + read.name
                            + ", and those in the checkpoint of the type " + stored.name
                            + "; a type that was renamed keeps its name with WEIR_STORED_AS; undo the change "
                              "and let the job end, let the operator's state go (drop_state), "
                            + start_anew);
      else if (stored.version > read.version || stored.version < oldest)
        refuse(label(is), std::string{what[i]} + " were stored as " + text(stored)
                            + ", and this program reads "
                            + (oldest == read.version
                                 ? "version " + std::to_string(read.version)
                                 : "versions " + std::to_string(oldest) + " to "
                                     + std::to_string(read.version))
                            + "; run the program that wrote them and let the job end, let the operator's state "
                                "go (drop_state), "
                            + start_anew);
      else if (stored.version < read.version)
        found_.notes.push_back(label(is) + ": " + what[i] + " were stored as " + text(stored)
                               + " and are read as version " + std::to_string(read.version));
    }
  }

  void check_keys(const manifest_stage& was, const manifest_stage& is, std::uint64_t held) {
    const auto refuse_keys = [&](const std::string& what) {
      if (held > 0)
        refuse(label(is), what + ", and it holds " + records(held)
                            + " whose order could not be kept; undo the change and let the job end, let its "
                              "state go (drop_state), "
                            + start_anew);
      else
        found_.notes.push_back(label(is) + ": " + what);
    };
    if (was.key_groups == 0 && is.key_groups > 0)
      refuse_keys("records come to it by key, and did not");
    else if (was.key_groups > 0 && is.key_groups > 0
             && (was.key_groups != is.key_groups
                 || hash_of(was, order_key) != hash_of(is, order_key)))
      refuse_keys("records come to it by another key");
    else if (was.key_groups > 0 && is.key_groups == 0)
      found_.notes.push_back(label(is) + ": records came to it by key, and do no longer");
  }

  static std::optional<std::uint64_t> hash_of(const manifest_stage& stage, std::string_view key) {
    for (const auto& each : stage.settings)
      if (each.key == key)
        return each.hash;
    return std::nullopt;
  }

  void check_settings(const manifest_stage& was, const manifest_stage& is, const entry_counts& held) {
    std::set<std::string> keys;
    for (const auto* of : {&was, &is})
      for (const auto& each : of->settings)
        keys.insert(each.key);
    keys.erase(std::string{order_key});
    std::string changed;
    bool answers = false;
    for (const auto& key : keys) {
      if (hash_of(was, key) == hash_of(is, key))
        continue;
      changed += (changed.empty() ? "" : ", ") + key;
      answers = answers || std::find(of_answers.begin(), of_answers.end(), key) != of_answers.end();
    }
    if (changed.empty())
      return;
    if (answers && held.finished > 0)
      found_.warnings.push_back(label(is) + ": changed is " + changed + "; "
                                + records(held.finished) + " that it has finished keep the old answers");
    else
      found_.notes.push_back(label(is) + ": changed is " + changed);
  }

  // -- the order of stages --

  /// The held records of `before` have come through what was in front of it, and are to come through what
  /// was behind it.
  void check_order(place before) {
    const auto& stage = from_.stages[before];
    const auto now = find(to_.stages, stage.name);
    if (!now)
      return;
    const auto undo = std::string{"; undo the change and let the job end, let its state go (drop_state), "}
                      + start_anew;
    for (place other = 0; other < from_.stages.size(); ++other) {
      if (!holds_records(from_.stages[other].role) || other == before)
        continue;
      const auto other_now = find(to_.stages, from_.stages[other].name);
      if (!other_now)
        continue;
      const bool was_behind = behind_before_[before].count(other) > 0;
      const bool is_behind = behind_now_[*now].count(*other_now) > 0;
      const bool was_in_front = behind_before_[other].count(before) > 0;
      if (was_behind && !is_behind)
        refuse(label(stage), "it holds " + records(held_[before].records())
                               + " that would miss " + label(from_.stages[other])
                               + ", which was behind it and no longer is" + undo);
      else if (was_in_front && is_behind)
        refuse(label(stage), "it holds " + records(held_[before].records())
                               + " that would come through " + label(from_.stages[other])
                               + " twice, which was in front of it and is behind it" + undo);
      else if (!was_behind && is_behind)
        found_.warnings.push_back(label(from_.stages[other]) + " is now behind " + label(stage)
                                  + "; " + records(held_[before].records())
                                  + " that this holds come through it too");
    }
  }

  const manifest& from_;
  const job_description& to_;
  const std::vector<std::string>& drop_;
  /// By the place of a stage in the checkpoint.
  std::vector<entry_counts> held_;
  const std::vector<std::set<place>> behind_before_;
  const std::vector<std::set<place>> behind_now_;
  job_changes found_;
};

} // namespace

job_changes compare_jobs(const manifest& from, const job_description& to,
                         const std::vector<std::string>& drop_state) {
  return comparison{from, to, drop_state}.run();
}

setting_hash hashed_setting(std::string key, const std::string& value) {
  key_hasher of;
  of.add(key);
  of.add(value);
  return {std::move(key), of.result()};
}

} // namespace weir
