// SPDX-License-Identifier: Apache-2.0
#include "checkpoints_command.hpp"

#include "checkpoint_text.hpp"
#include "command_output.hpp"
#include "duration_text.hpp"
#include "exit_code.hpp"

#include "weir/checkpoint_folders.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>
#include <vector>

namespace weir::tool {

namespace {

std::int64_t now_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

int say_no_folder(command_output& output, const error& why) {
  output.say(why.text());
  return exit_code::bad_usage;
}

int print(command_output& output, const std::string& text, const std::string& name) {
  return output.print(output.standard_output(), text, name) ? exit_code::done
                                                            : exit_code::not_written;
}

/// Says what was not looked into; whether there may be checkpoints in it.
bool say_not_found(command_output& output, const found_checkpoints& found) {
  for (const auto& each : found.passed_over)
    output.say("passed over: " + each.text());
  for (const auto& each : found.not_read)
    output.say(each.text());
  return !found.not_read.empty();
}

/// All that can be read; what cannot is said, and `damage` set.
std::vector<listed_checkpoint> read_all(command_output& output,
                                        const std::vector<checkpoint_folder>& folders,
                                        bool& damage) {
  std::vector<listed_checkpoint> all;
  for (const auto& folder : folders) {
    auto about = read_checkpoint_manifest(folder);
    if (!about) {
      output.say(about.why().text());
      damage = true;
    } else if (*about) {
      const auto bytes = state_bytes_of(**about);
      all.push_back({**std::move(about), bytes});
    }
  }
  return all;
}

} // namespace

int list_checkpoints(const checkpoints_arguments& arguments) {
  command_output output;
  const auto found = find_checkpoint_folders(arguments.path);
  if (!found)
    return say_no_folder(output, found.why());
  bool damage = say_not_found(output, *found);
  const auto all = read_all(output, found->all, damage);
  const int code = print(output, list_text(all, now_ms()), "the list");
  return damage ? exit_code::damaged : code;
}

int show_checkpoint(const checkpoints_arguments& arguments) {
  command_output output;
  const auto looked = find_checkpoint_folders(arguments.path);
  if (!looked)
    return say_no_folder(output, looked.why());
  // The newest one, or the one of this number, may be among them.
  if (say_not_found(output, *looked))
    return exit_code::damaged;
  const auto& folders = looked->all;
  const auto run_of
    = [](const checkpoint_folder& of) { return of.path.substr(0, of.path.rfind('/') + 1); };
  const auto job_of = [&](const checkpoint_folder& of) {
    const auto run = run_of(of);
    return run.substr(0, run.rfind('/', run.empty() ? 0 : run.size() - 2) + 1);
  };
  std::set<std::string> jobs;
  for (const auto& each : folders)
    jobs.insert(job_of(each));
  if (jobs.size() > 1) {
    output.say(arguments.path + ": has the checkpoints of " + counted_text(jobs.size(), "job")
               + "; name the folder of one, as " + *jobs.begin());
    return exit_code::bad_usage;
  }
  // Runs ascend.
  const auto last = folders.empty() ? std::string{} : run_of(folders.back());
  const checkpoint_folder* chosen = nullptr;
  for (const auto& each : folders)
    if (run_of(each) == last && (!arguments.id || each.checkpoint == *arguments.id))
      chosen = &each;
  if (chosen == nullptr) {
    output.say(arguments.path + ": has no checkpoint"
               + (arguments.id ? " " + std::to_string(*arguments.id) : std::string{}));
    return exit_code::bad_usage;
  }
  bool damage = false;
  const auto found = read_all(output, {*chosen}, damage);
  if (damage)
    return exit_code::damaged;
  if (found.empty()) {
    output.say(chosen->path + ": was taken away meanwhile; try again");
    return exit_code::bad_usage;
  }
  return print(output,
               arguments.json ? show_json(found.front()) : show_text(found.front(), now_ms()),
               "the checkpoint");
}

int verify_checkpoints(const checkpoints_arguments& arguments) {
  command_output output;
  const auto found = find_checkpoint_folders(arguments.path);
  if (!found)
    return say_no_folder(output, found.why());
  std::string sound;
  bool damage = say_not_found(output, *found);
  for (const auto& folder : found->all) {
    const auto about = verify_checkpoint(folder);
    if (!about) {
      output.say(about.why().text());
      damage = true;
    } else if (*about) {
      sound += folder.path + ": sound, " + counted_text(state_bytes_of(**about), "byte")
               + " of state in " + counted_text((*about)->files.size(), "file") + "\n";
    }
  }
  if (found->all.empty() && !damage)
    sound = arguments.path + ": has no checkpoint\n";
  const int code = print(output, sound, "the report");
  return damage ? exit_code::damaged : code;
}

} // namespace weir::tool
