// SPDX-License-Identifier: Apache-2.0

#include "weir/directory_store.hpp"

#include "../support/memory_files.hpp"
#include "../support/seeds.hpp"
#include "../support/temp_folder.hpp"
#include "store_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace {

using names = std::set<std::string>;
using files_pointer = std::shared_ptr<weir::testing::memory_files>;

constexpr auto run_1 = "cp/flights/run-0000000001";

struct directory_fixture : weir::testing::store_fixture {
  files_pointer files = std::make_shared<weir::testing::memory_files>();

  /// What went wrong, or nothing.
  std::string try_to_claim() {
    store = weir::directory_store("cp", files);
    const auto claimed = store->claim("flights");
    return claimed ? std::string{} : claimed.why().text();
  }

  void claim() { BOOST_TEST_REQUIRE(try_to_claim() == ""); }

  /// It lies there whole, and may be gone after a loss of power.
  void fail_last_sync_of(std::uint64_t id) {
    const auto whole = std::string{run_1} + "/chk-00000000" + std::to_string(id);
    for (std::uint64_t n = 1; n < 100; ++n) {
      files->fail_call(n, EIO);
      const bool written = try_to_write(id).empty();
      files->heal();
      if (!written && files->has(whole))
        return;
      BOOST_TEST_REQUIRE(store->remove(1, id).has_value());
    }
    BOOST_TEST_REQUIRE(false);
  }

  /// What lies about and is no checkpoint and no run, each with a space behind it.
  std::string unfinished() const {
    std::string all;
    for (const auto& run : files->names("cp/flights")) {
      all += run.ends_with(".tmp") ? run + " " : "";
      for (const auto& each : files->names("cp/flights/" + run))
        all += each.ends_with(".tmp") ? each + " " : "";
    }
    return all;
  }

  /// All that `runs` lists is whole, and nothing unfinished lies about.
  void check_all() {
    const auto found = store->runs();
    BOOST_TEST_REQUIRE(found.has_value());
    for (const auto& run : *found)
      for (const auto id : run.checkpoints)
        BOOST_TEST(fault_of(id, run.number) == "");
    BOOST_TEST(unfinished() == "");
  }

  /// As a job does behind a checkpoint of run 2: only the newest of them stays.
  void prune() {
    static_cast<void>(store->remove_unfinished());
    const auto found = store->runs();
    if (!found)
      return;
    for (const auto& run : *found) {
      if (run.number < 2)
        static_cast<void>(store->remove_run(run.number));
      for (std::size_t i = 0; run.number == 2 && i + 1 < run.checkpoints.size(); ++i)
        static_cast<void>(store->remove(2, run.checkpoints[i]));
    }
  }

  /// Lets `what` be stopped in front of each of its calls, in new files made by `before`; then the
  /// process or the machine dies, a new one claims the store, and `look` sees what is there.
  /// `done`: nothing had stopped it.
  void stop_everywhere(const std::function<void()>& before, const std::function<void()>& what,
                       const std::function<void(bool done)>& look) {
    for (std::uint64_t n = 1, stopped = 1; stopped != 0; ++n)
      for (std::uint64_t seed = 0; seed < 6; ++seed) {
        files = std::make_shared<weir::testing::memory_files>();
        claim();
        before();
        files->stop_at_call(n);
        what();
        stopped = files->was_met() ? 1 : 0;
        if (seed == 5)
          files->end_process();
        else
          files->lose_power(seed);
        claim();
        look(stopped == 0);
        check_all();
      }
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(directory_store, directory_fixture)

BOOST_AUTO_TEST_CASE(what_is_written_is_loaded) {
  claim();
  BOOST_TEST(runs() == "");
  write(0);
  write(17);
  BOOST_TEST(runs() == "1: 0 17\n");
  check_all();
  const auto about = store->about(1, 17);
  BOOST_TEST_REQUIRE(about.has_value());
  BOOST_TEST_REQUIRE(about->files.size() == 2u);
  BOOST_TEST(about->files[0].name == "origin.state");
  BOOST_TEST(about->files[1].name == "destination%2F2.state");
  BOOST_TEST((files->names(std::string{run_1} + "/chk-0000000017")
              == names{"MANIFEST", "origin.state", "destination%2F2.state"}));
  // Nothing is held at the beginning, so there are no files for it.
  BOOST_TEST((files->names(std::string{run_1} + "/chk-0000000000") == names{"MANIFEST"}));
}

BOOST_AUTO_TEST_CASE(its_size_is_that_of_its_files) {
  claim();
  auto what = checkpoint(1, 17);
  const auto bytes = store->write(what);
  BOOST_TEST_REQUIRE(bytes.has_value());
  std::uint64_t sum = 0;
  for (const auto& name : files->names(std::string{run_1} + "/chk-0000000017"))
    sum += files->text(std::string{run_1} + "/chk-0000000017/" + name).size();
  BOOST_TEST(*bytes == sum);
  // The manifest was told which files there are.
  BOOST_TEST(what.about.files.size() == 2u);
}

BOOST_AUTO_TEST_CASE(runs_and_checkpoints_come_in_order) {
  claim();
  write(3, 12);
  write(10, 2);
  write(9, 2);
  write(0, 2);
  BOOST_TEST(runs() == "2: 0 9 10\n12: 3\n");
  BOOST_TEST(store->remove(2, 9).has_value());
  BOOST_TEST(store->remove(2, 9).has_value());
  BOOST_TEST(store->remove(7, 1).has_value());
  BOOST_TEST(runs() == "2: 0 10\n12: 3\n");
  BOOST_TEST(store->remove_run(2).has_value());
  BOOST_TEST(store->remove_run(2).has_value());
  BOOST_TEST(runs() == "12: 3\n");
  BOOST_TEST((files->names("cp/flights") == names{"LOCK", "run-0000000012"}));
  write(0, 2);
  BOOST_TEST(runs() == "2: 0\n12: 3\n");
}

BOOST_AUTO_TEST_CASE(what_was_set_aside_is_no_checkpoint_and_still_there) {
  claim();
  write(0);
  write(17);
  BOOST_TEST(store->set_aside(1, 17).has_value());
  BOOST_TEST(runs() == "1: 0\n");
  BOOST_TEST(files->has(std::string{run_1} + "/chk-0000000017.corrupt/MANIFEST"));
  claim();
  BOOST_TEST(files->has(std::string{run_1} + "/chk-0000000017.corrupt/MANIFEST"));
}

BOOST_AUTO_TEST_CASE(a_number_that_comes_again_can_be_set_aside_again) {
  claim();
  const auto chk = std::string{run_1} + "/chk-0000000017";
  std::set<std::string> aside;
  for (const std::string mark : {".corrupt", ".corrupt.2", ".corrupt.3"}) {
    write(17);
    files->put(chk + "/MANIFEST", mark);
    BOOST_TEST_REQUIRE(store->set_aside(1, 17).has_value());
    aside.insert("chk-0000000017" + mark);
    BOOST_TEST((files->names(run_1) == aside));
    BOOST_TEST(files->text(chk + mark + "/MANIFEST") == mark);
  }
  BOOST_TEST(runs() == "");
  store.reset();
  files->lose_power(0);
  BOOST_TEST((files->names(run_1) == aside));
}

BOOST_AUTO_TEST_CASE(equal_checkpoints_have_equal_bytes) {
  std::map<std::string, std::string> first;
  for (int round = 0; round < 2; ++round) {
    files = std::make_shared<weir::testing::memory_files>();
    claim();
    write(17);
    std::map<std::string, std::string> found;
    for (const auto& name : files->names(std::string{run_1} + "/chk-0000000017"))
      found[name] = files->text(std::string{run_1} + "/chk-0000000017/" + name);
    if (round == 0)
      first = found;
    BOOST_TEST((found == first));
  }
}

BOOST_AUTO_TEST_CASE(names_become_names_of_files) {
  BOOST_TEST(weir::file_name_of("flights") == "flights");
  BOOST_TEST(weir::file_name_of("a/b c.d") == "a%2Fb%20c.d");
  BOOST_TEST(weir::file_name_of("..") == "%2E.");
  BOOST_TEST(weir::file_name_of("50%") == "50%25");
  BOOST_TEST(weir::file_name_of("\xc3\xa4") == "%C3%A4");
}

BOOST_AUTO_TEST_CASE(stages_with_long_names_have_files_of_their_own) {
  claim();
  auto what = checkpoint(1, 17);
  what.about.stages[1].name = std::string(400, 'x') + "1";
  what.about.stages[2].name = std::string(400, 'x') + "2";
  BOOST_TEST(store->write(what).has_value());
  const auto loaded = store->load(1, 17);
  BOOST_TEST_REQUIRE(loaded.has_value());
  BOOST_TEST(loaded->states.size() == 3u);
}

// -- who has it --

BOOST_AUTO_TEST_CASE(a_store_that_is_in_use_names_its_user) {
  claim();
  const auto first = store;
  BOOST_TEST(try_to_claim().starts_with("cp/flights: is in use by process "));
  // Another job has a folder of its own.
  store = weir::directory_store("cp", files);
  BOOST_TEST(store->claim("other").has_value());
}

BOOST_AUTO_TEST_CASE(a_folder_that_was_moved_or_replaced_gets_no_more_checkpoints) {
  const weir::testing::temp_folder folder;
  for (const std::string moved : {"cp", "cp/flights"}) {
    store = weir::directory_store(folder.path("cp"));
    BOOST_TEST_REQUIRE(store->claim("flights").has_value());
    write(17);
    const auto said = folder.path("cp/flights") + ": has been moved or replaced while the job";
    std::filesystem::rename(folder.path(moved), folder.path("elsewhere"));
    BOOST_TEST(try_to_write(18).starts_with(said));
    // Another process takes its place.
    if (moved == "cp/flights")
      std::filesystem::create_directory(folder.path(moved));
    auto second = weir::directory_store(folder.path("cp"));
    BOOST_TEST_REQUIRE(second->claim("flights").has_value());
    BOOST_TEST(try_to_write(18).starts_with(said));
    second.reset();
    std::filesystem::remove_all(folder.path(moved));
    std::filesystem::rename(folder.path("elsewhere"), folder.path(moved));
    write(18);
    BOOST_TEST(runs() == "1: 17 18\n");
    store.reset();
    std::filesystem::remove_all(folder.path("cp"));
  }
}

BOOST_AUTO_TEST_CASE(a_lock_that_was_taken_away_and_made_anew_is_anothers) {
  const weir::testing::temp_folder folder;
  store = weir::directory_store(folder.path("cp"));
  BOOST_TEST_REQUIRE(store->claim("flights").has_value());
  std::filesystem::remove(folder.path("cp/flights/LOCK"));
  write(17);
  const auto second = weir::directory_store(folder.path("cp"));
  BOOST_TEST_REQUIRE(second->claim("flights").has_value());
  BOOST_TEST(
    try_to_write(18).starts_with(folder.path("cp/flights") + ": is in use by another process"));
}

BOOST_AUTO_TEST_CASE(a_relative_path_begins_where_the_process_was) {
  const weir::testing::temp_folder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  store = weir::directory_store("cp");
  const bool claimed = store->claim("flights").has_value();
  std::filesystem::current_path(before);
  BOOST_TEST_REQUIRE(claimed);
  write(17);
  BOOST_TEST(fault_of(17) == "");
  std::filesystem::rename(folder.path("cp"), folder.path("elsewhere"));
  BOOST_TEST(try_to_write(18).starts_with("cp/flights: has been moved or replaced"));
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_locked_is_refused) {
  for (const int code : {EIO, ENOLCK, ENOSYS, EOPNOTSUPP}) {
    files = std::make_shared<weir::testing::memory_files>();
    claim();
    const auto said = files->transcript();
    const auto before_lock = std::string_view{said}.substr(0, said.find("lock cp/flights/LOCK"));
    const auto call = std::count(before_lock.begin(), before_lock.end(), '\n') + 1;
    files = std::make_shared<weir::testing::memory_files>();
    files->fail_call(static_cast<std::uint64_t>(call), code);
    const auto why = try_to_claim();
    BOOST_TEST_REQUIRE(files->was_met());
    BOOST_TEST(why.starts_with("cp/flights/LOCK: cannot be locked: "));
    const auto advice = "name a folder for the checkpoints on a file system that has locks";
    BOOST_TEST((why.find(advice) != std::string::npos) == (code != EIO), why);
    // Who does not have the lock changes nothing.
    BOOST_TEST(files->text("cp/flights/LOCK") == "");
  }
}

BOOST_AUTO_TEST_CASE(a_lock_that_is_no_file_is_refused_and_nothing_behind_it_is_touched) {
  const weir::testing::temp_folder folder;
  const auto lock = folder.path("cp/flights/LOCK");
  std::filesystem::create_directories(folder.path("cp/flights"));
  folder.write("victim", "of another");
  const auto refused = [&](const std::string& why) {
    store = weir::directory_store(folder.path("cp"));
    const auto claimed = store->claim("flights");
    BOOST_TEST_REQUIRE(!claimed.has_value());
    BOOST_TEST(claimed.why().text() == lock + ": " + why);
    BOOST_TEST(folder.read("victim") == "of another");
    BOOST_TEST((folder.names() == names{"cp", "victim"}));
    std::filesystem::remove(lock);
  };
  const std::string is_link = "is a symbolic link, which is not followed to what may be another's; "
                              "remove it (io)";
  for (const std::string to : {"victim", "none"}) {
    std::filesystem::create_symlink(folder.path(to), lock);
    refused(is_link);
  }
  std::filesystem::create_symlink(lock, lock);
  refused(is_link);
  std::filesystem::create_directory(lock);
  refused("is no file; remove it (io)");
  BOOST_TEST_REQUIRE(::mkfifo(lock.c_str(), 0600) == 0);
  refused("is no file; remove it (io)");
  store = weir::directory_store(folder.path("cp"));
  BOOST_TEST(store->claim("flights").has_value());
}

BOOST_AUTO_TEST_CASE(a_real_folder_will_do) {
  const weir::testing::temp_folder folder;
  const auto path = folder.path("cp");
  store = weir::directory_store(path);
  BOOST_TEST(store->claim("flights").has_value());
  write(17);
  BOOST_TEST(fault_of(17) == "");
  auto second = weir::directory_store(path);
  BOOST_TEST(second->claim("flights").why().text().find("is in use by process ")
             != std::string::npos);
  store.reset();
  BOOST_TEST(second->claim("flights").has_value());
  BOOST_TEST(second->remove_run(1).has_value());
  BOOST_TEST((folder.names("cp/flights") == names{"LOCK"}));
}

BOOST_AUTO_TEST_CASE(what_it_has_not_named_is_left_alone) {
  claim();
  write(17);
  files->put("cp/flights/run-notes.tmp/of_a_person", "");
  files->put("cp/flights/run-1.tmp/of_a_person", "");
  files->put("cp/flights/run-list", "");
  files->put(std::string{run_1} + "/chk-before-the-move.tmp/of_a_person", "");
  claim();
  BOOST_TEST(files->has("cp/flights/run-notes.tmp/of_a_person"));
  BOOST_TEST(files->has("cp/flights/run-1.tmp/of_a_person"));
  BOOST_TEST(files->has("cp/flights/run-list"));
  BOOST_TEST(files->has(std::string{run_1} + "/chk-before-the-move.tmp/of_a_person"));
  BOOST_TEST(runs() == "1: 17\n");
}

BOOST_AUTO_TEST_CASE(a_file_or_a_link_in_its_way_goes_and_nothing_behind_it) {
  const weir::testing::temp_folder folder;
  folder.write("another's", "");
  store = weir::directory_store(folder.path("cp"));
  BOOST_TEST_REQUIRE(store->claim("flights").has_value());
  write(17);
  const auto run = folder.path(run_1);
  std::filesystem::create_directory_symlink(folder.path(), run + "/chk-0000000018.tmp");
  std::filesystem::create_directory_symlink(folder.path(), run + "/chk-0000000019.tmp");
  folder.write(std::string{run_1} + "/chk-0000000020.tmp", "");
  write(18);
  write(20);
  BOOST_TEST(store->remove(1, 19).has_value());
  BOOST_TEST((folder.names() == names{"another's", "cp"}));
  BOOST_TEST(
    (folder.names(run_1) == names{"chk-0000000017", "chk-0000000018", "chk-0000000020"}));
}

BOOST_AUTO_TEST_CASE(what_hinders_a_claim_is_named) {
  files->put("file", "");
  store = weir::directory_store("file", files);
  BOOST_TEST(store->claim("flights").why().thing() == "file");
  store = weir::directory_store("none/cp", files);
  BOOST_TEST(store->claim("flights").why().text().find("its parent folder is missing")
             != std::string::npos);
  store = weir::directory_store("cp", files);
  BOOST_TEST(store->claim("").why().is(weir::error_kind::argument));
  BOOST_TEST(store->claim(std::string(300, 'x')).why().is(weir::error_kind::argument));
}

// -- damage --

BOOST_AUTO_TEST_CASE(damage_is_named_with_its_file) {
  claim();
  write(17);
  const auto chk = std::string{run_1} + "/chk-0000000017";
  for (const std::string name : {"origin.state", "destination%2F2.state", "MANIFEST"}) {
    const auto bytes = files->text(chk + "/" + name);
    auto other = bytes;
    other[other.size() / 2] ^= 4;
    files->put(chk + "/" + name, other);
    BOOST_TEST(fault_of(17).starts_with(chk + "/" + name + ": "));
    BOOST_TEST(fault_of(17).find("(damaged)") != std::string::npos);
    files->put(chk + "/" + name, bytes);
    BOOST_TEST(fault_of(17) == "");
  }
  // It is still what there is: to go back to an older one would be to go back silently.
  const auto bytes = files->text(chk + "/MANIFEST");
  files->put(chk + "/MANIFEST", "");
  BOOST_TEST(runs() == "1: 17\n");
  files->put(chk + "/MANIFEST", bytes);
}

BOOST_AUTO_TEST_CASE(files_that_were_exchanged_are_noticed) {
  claim();
  write(17);
  write(18);
  const auto of = [&](std::string_view chk, std::string_view name) {
    return std::string{run_1} + "/" + std::string{chk} + "/" + std::string{name};
  };
  const auto one = of("chk-0000000017", "origin.state");
  const auto bytes = files->text(one);
  for (const auto& other :
       {of("chk-0000000018", "origin.state"), of("chk-0000000017", "destination%2F2.state")}) {
    files->put(one, files->text(other));
    BOOST_TEST(fault_of(17).starts_with(one + ": is the file of another stage"));
  }
  files->put(one, bytes);
  const auto about = of("chk-0000000017", "MANIFEST");
  files->put(about, files->text(of("chk-0000000018", "MANIFEST")));
  BOOST_TEST(fault_of(17).starts_with(about + ": is the file of another stage"));
}

BOOST_AUTO_TEST_CASE(a_checkpoint_of_another_job_is_noticed) {
  claim();
  write(17);
  const auto other = weir::directory_store("cp", files);
  BOOST_TEST(other->claim("other").has_value());
  files->put("cp/other/run-0000000001/chk-0000000017/MANIFEST",
             files->text(std::string{run_1} + "/chk-0000000017/MANIFEST"));
  BOOST_TEST(other->about(1, 17).why().text().find("does not belong here") != std::string::npos);
}

// -- stops and losses of power --

BOOST_AUTO_TEST_CASE(a_write_that_is_stopped_leaves_the_old_one_or_both) {
  std::set<std::string> seen;
  bool written = false;
  stop_everywhere([&] { write(17); }, [&] { written = try_to_write(18) == ""; },
                  [&](bool done) {
                    seen.insert(runs());
                    if (done)
                      BOOST_TEST(written);
                    if (written)
                      BOOST_TEST(runs() == "1: 17 18\n");
                  });
  BOOST_TEST((seen == names{"1: 17\n", "1: 17 18\n"}));
}

BOOST_AUTO_TEST_CASE(a_new_run_that_is_stopped_leaves_the_old_one_or_both) {
  std::set<std::string> seen;
  bool written = false;
  stop_everywhere([&] { write(17); }, [&] { written = try_to_write(0, 2) == ""; },
                  [&](bool) {
                    seen.insert(runs());
                    if (written)
                      BOOST_TEST(runs() == "1: 17\n2: 0\n");
                  });
  BOOST_TEST((seen == names{"1: 17\n", "1: 17\n2: 0\n"}));
}

BOOST_AUTO_TEST_CASE(a_removal_that_is_stopped_leaves_nothing_half_removed) {
  std::set<std::string> seen;
  bool removed = false;
  const auto before = [&] {
    write(17);
    write(18);
  };
  stop_everywhere(
    before, [&] { removed = store->remove(1, 17).has_value(); },
    [&](bool) {
      seen.insert(runs());
      if (removed)
        BOOST_TEST(runs() == "1: 18\n");
    });
  BOOST_TEST((seen == names{"1: 17 18\n", "1: 18\n"}));
}

BOOST_AUTO_TEST_CASE(a_runs_removal_that_is_stopped_leaves_nothing_half_removed) {
  std::set<std::string> seen;
  const auto before = [&] {
    write(17);
    write(18);
    write(0, 2);
  };
  stop_everywhere(
    before, [&] { static_cast<void>(store->remove_run(1)); }, [&](bool) { seen.insert(runs()); });
  BOOST_TEST((seen == names{"1: 17 18\n2: 0\n", "2: 0\n"}));
}

// The process dies while it removes, and the machine while the next one removes the rest.
BOOST_AUTO_TEST_CASE(a_removal_that_is_stopped_twice_leaves_nothing_half_removed) {
  const auto stop_twice = [&](const std::function<void()>& remove) {
    for (std::uint64_t n = 1, stopped = 1; stopped != 0; ++n)
      for (std::uint64_t m = 1, again = 1; again != 0; ++m)
        for (std::uint64_t seed = 1; seed <= std::max<std::uint64_t>(1, 4 / weir::testing::one_seed_of);
             ++seed) {
          files = std::make_shared<weir::testing::memory_files>();
          claim();
          write(17);
          write(18);
          write(0, 2);
          files->stop_at_call(n);
          remove();
          stopped = files->was_met() ? 1 : 0;
          files->end_process();
          files->stop_at_call(m);
          static_cast<void>(try_to_claim());
          again = files->was_met() ? 1 : 0;
          files->lose_power(seed == 1 ? 0 : seed);
          claim();
          check_all();
        }
  };
  stop_twice([&] { static_cast<void>(store->remove(1, 17)); });
  stop_twice([&] { static_cast<void>(store->remove_run(1)); });
}

BOOST_AUTO_TEST_CASE(a_claim_that_is_stopped_can_be_repeated) {
  for (std::uint64_t n = 1, stopped = 1; stopped != 0; ++n) {
    files = std::make_shared<weir::testing::memory_files>();
    claim();
    write(17);
    files->stop_at_call(14);
    static_cast<void>(try_to_write(18));
    files->end_process();
    files->stop_at_call(n);
    static_cast<void>(try_to_claim());
    stopped = files->was_met() ? 1 : 0;
    files->lose_power(n);
    claim();
    BOOST_TEST(runs() == "1: 17\n");
    check_all();
  }
}

// Each sync in its place, and what it costs to leave it out.
BOOST_AUTO_TEST_CASE(every_sync_is_needed) {
  const auto losses_without = [&](const std::function<bool(const std::string&)>& which) {
    std::uint64_t losses = 0;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      files = std::make_shared<weir::testing::memory_files>();
      files->leave_out_syncs(which);
      claim();
      write(17);
      files->lose_power(seed);
      claim();
      losses += fault_of(17).empty() ? 0 : 1;
    }
    return losses;
  };
  const auto is = [](std::string path) {
    return [path = std::move(path)](const std::string& each) { return each == path; };
  };
  const auto temporary = std::string{run_1} + "/chk-0000000017.tmp";
  BOOST_TEST(losses_without([](const std::string&) { return false; }) == 0u);
  BOOST_TEST(losses_without(is(temporary + "/origin.state")) > 0u);
  BOOST_TEST(losses_without(is(temporary + "/destination%2F2.state")) > 0u);
  BOOST_TEST(losses_without(is(temporary + "/MANIFEST")) > 0u);
  BOOST_TEST(losses_without(is(temporary)) > 0u);
  BOOST_TEST(losses_without(is(run_1)) > 0u);
  BOOST_TEST(losses_without(is("cp/flights")) > 0u);
  BOOST_TEST(losses_without(is("cp")) > 0u);
  BOOST_TEST(losses_without(is("")) > 0u);
}

BOOST_AUTO_TEST_CASE(the_sync_of_a_removal_is_needed) {
  const auto losses = [&](bool left_out) {
    std::uint64_t count = 0;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      files = std::make_shared<weir::testing::memory_files>();
      claim();
      write(17);
      files->leave_out_syncs([&](const std::string& path) { return left_out && path == run_1; });
      BOOST_TEST(store->remove(1, 17).has_value());
      files->lose_power(seed);
      claim();
      count += runs().empty() || fault_of(17).empty() ? 0 : 1;
    }
    return count;
  };
  BOOST_TEST(losses(false) == 0u);
  BOOST_TEST(losses(true) > 0u);
}

// A later sync that succeeds says nothing of a name whose sync has failed.
BOOST_AUTO_TEST_CASE(a_removal_that_failed_and_is_done_again_leaves_nothing_half_removed) {
  const std::function<bool()> remove_one = [&] { return store->remove(1, 18).has_value(); };
  const std::function<bool()> remove_all = [&] { return store->remove_run(1).has_value(); };
  const std::function<bool()> remove_left = [&] { return store->remove_unfinished().has_value(); };
  for (const auto& [first, second] :
       {std::pair{remove_one, remove_one}, std::pair{remove_one, remove_left},
        std::pair{remove_all, remove_all}, std::pair{remove_all, remove_left}})
    for (std::uint64_t n = 1, met = 1; met != 0; ++n)
      for (std::uint64_t seed = 0; seed < 12; ++seed) {
        files = std::make_shared<weir::testing::memory_files>();
        claim();
        write(17);
        write(18);
        files->fail_call(n, EIO);
        static_cast<void>(first());
        met = files->was_met() ? 1 : 0;
        files->heal();
        BOOST_TEST(second());
        const auto left = runs();
        files->lose_power(seed);
        claim();
        BOOST_TEST(runs() == left);
        check_all();
      }
}

// Who goes on from a checkpoint shows what belongs to it, for good.
BOOST_AUTO_TEST_CASE(what_was_loaded_is_there_after_a_loss_of_power) {
  const auto load_newest = [&] {
    const auto found = store->runs();
    BOOST_TEST_REQUIRE(found.has_value());
    BOOST_TEST_REQUIRE(!found->empty());
    const std::pair newest{found->back().number, found->back().checkpoints.back()};
    BOOST_TEST(fault_of(newest.second, newest.first) == "");
    return newest;
  };
  std::set<std::uint64_t> loaded;
  for (const std::uint64_t run : {1, 2})
    for (std::uint64_t n = 1, met = 1; met != 0; ++n)
      for (const bool is_stopped : {true, false})
        for (std::uint64_t seed = 0; seed < 4; ++seed) {
          files = std::make_shared<weir::testing::memory_files>();
          claim();
          write(17);
          // GIVEN a write that was stopped in front of any of its calls, or of which any has failed
          if (is_stopped)
            files->stop_at_call(n);
          else
            files->fail_call(n, EIO);
          static_cast<void>(try_to_write(18, run));
          met = files->was_met() ? 1 : 0;
          if (is_stopped) {
            files->end_process();
            claim();
          }
          files->heal();
          // WHEN the newest one is gone on from
          const auto [number, id] = load_newest();
          loaded.insert(id);
          // THEN no loss of power takes it away
          files->lose_power(seed);
          claim();
          BOOST_TEST(fault_of(id, number) == "");
        }
  BOOST_TEST((loaded == std::set<std::uint64_t>{17, 18}));
}

BOOST_AUTO_TEST_CASE(a_start_that_is_stopped_goes_on_from_the_same_or_the_one_before) {
  for (std::uint64_t n = 1, stopped = 1; stopped != 0; ++n)
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
      files = std::make_shared<weir::testing::memory_files>();
      claim();
      write(17);
      fail_last_sync_of(18);
      files->stop_at_call(n);
      const bool loaded = fault_of(18).empty();
      stopped = files->was_met() ? 1 : 0;
      files->lose_power(seed);
      claim();
      BOOST_TEST(fault_of(17) == "");
      if (loaded)
        BOOST_TEST(runs() == "1: 17 18\n");
      check_all();
    }
}

BOOST_AUTO_TEST_CASE(what_may_not_be_on_the_disk_is_not_gone_on_from) {
  claim();
  write(17);
  fail_last_sync_of(18);
  const auto before = files->calls();
  BOOST_TEST(fault_of(18) == "");
  const auto calls = files->calls() - before;
  std::uint64_t refused = 0;
  for (std::uint64_t n = 1; n <= calls; ++n) {
    files = std::make_shared<weir::testing::memory_files>();
    claim();
    write(17);
    fail_last_sync_of(18);
    files->fail_call(n, EIO);
    const auto why = fault_of(18);
    refused += why.starts_with("cp/flights") ? 1 : 0;
    files->heal();
    // The next start in this process finds it, or the one before.
    if (runs() == "1: 17 18\n") {
      BOOST_TEST(fault_of(18) == "");
      files->lose_power(0);
      claim();
      BOOST_TEST(fault_of(18) == "");
    }
    BOOST_TEST(fault_of(17) == "");
  }
  BOOST_TEST(refused > 3u);
}

// -- errors --

BOOST_AUTO_TEST_CASE(whatever_call_of_a_write_fails_the_old_one_is_there_and_the_next_succeeds) {
  for (const int code : {EIO, ENOSPC})
    for (std::uint64_t n = 1, met = 1; met != 0; ++n) {
      files = std::make_shared<weir::testing::memory_files>();
      claim();
      write(17);
      files->fail_call(n, code);
      const auto why = try_to_write(18);
      met = files->was_met() ? 1 : 0;
      files->heal();
      if (why.empty()) {
        BOOST_TEST(runs() == "1: 17 18\n");
      } else {
        BOOST_TEST(why.starts_with("cp/flights"));
        // Whole where the last sync alone has failed.
        BOOST_TEST((runs() == "1: 17\n" || runs() == "1: 17 18\n"));
      }
      BOOST_TEST(unfinished() == "");
      BOOST_TEST(fault_of(17) == "");
      BOOST_TEST(try_to_write(19) == "");
      check_all();
      claim();
      check_all();
    }
}

// So a disk that is full would stay full.
BOOST_AUTO_TEST_CASE(what_could_not_be_removed_goes_behind_the_next_checkpoint) {
  std::set<std::string> left;
  for (std::uint64_t n = 1, met = 1; met != 0; ++n) {
    files = std::make_shared<weir::testing::memory_files>();
    claim();
    write(17);
    write(0, 2);
    write(1, 2);
    // GIVEN removals one of whose calls fails
    files->fail_call(n, EIO);
    prune();
    met = files->was_met() ? 1 : 0;
    files->heal();
    left.insert(unfinished());
    // WHEN old ones are removed again, THEN what is left of them goes as well
    prune();
    BOOST_TEST(unfinished() == "");
    BOOST_TEST(runs() == "2: 1\n");
    check_all();
  }
  BOOST_TEST((left == names{"", "chk-0000000000.tmp ", "run-0000000001.tmp "}));
}

BOOST_AUTO_TEST_CASE(one_leftover_that_stays_hinders_no_other_ones_removal) {
  claim();
  write(17);
  files->put_folder("cp/flights/run-0000000000.tmp/x");
  files->put_folder(std::string{run_1} + "/chk-0000000015.tmp");
  files->put_folder(std::string{run_1} + "/chk-0000000016.tmp");
  for (const std::uint64_t call : {2, 3, 4}) {
    files->fail_call(call, EIO);
    BOOST_TEST(!store->remove_unfinished().has_value());
    BOOST_TEST_REQUIRE(files->was_met());
  }
  BOOST_TEST(unfinished() == "run-0000000000.tmp ");
  BOOST_TEST(store->remove_unfinished().has_value());
  check_all();
}

BOOST_AUTO_TEST_CASE(what_may_be_on_the_disk_is_no_leftover) {
  const auto whole = std::string{run_1} + "/chk-0000000018";
  for (std::uint64_t n = 1, left = 0; left == 0; ++n) {
    BOOST_TEST_REQUIRE(n < 100u);
    files = std::make_shared<weir::testing::memory_files>();
    claim();
    write(17);
    // GIVEN a checkpoint whose last sync has failed, and then the renames that were to mend it
    fail_last_sync_of(18);
    files->fail_call(n, EIO);
    static_cast<void>(fault_of(18));
    files->heal();
    left = files->has(whole) ? 0 : 1;
    // THEN it stays
    BOOST_TEST(store->remove_unfinished().has_value());
    BOOST_TEST(files->has(left == 0 ? whole : whole + ".tmp"));
  }
}

BOOST_AUTO_TEST_CASE(what_may_be_on_the_disk_and_is_removed_leaves_nothing_either) {
  for (std::uint64_t n = 1, met = 1; met != 0; ++n) {
    files = std::make_shared<weir::testing::memory_files>();
    claim();
    write(17);
    fail_last_sync_of(18);
    files->fail_call(n, EIO);
    static_cast<void>(store->remove(1, 18));
    met = files->was_met() ? 1 : 0;
    files->heal();
    BOOST_TEST(store->remove_unfinished().has_value());
    check_all();
  }
}

// A sync that has failed says nothing of what a later one that succeeds has found.
BOOST_AUTO_TEST_CASE(what_is_written_behind_a_sync_that_failed_is_durable) {
  for (std::uint64_t n = 1, met = 1; met != 0; ++n)
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
      files = std::make_shared<weir::testing::memory_files>();
      claim();
      write(17);
      files->fail_call(n, EIO);
      static_cast<void>(try_to_write(0, 2));
      met = files->was_met() ? 1 : 0;
      files->heal();
      write(1, 2);
      files->lose_power(seed);
      claim();
      BOOST_TEST(fault_of(1, 2) == "");
      check_all();
    }
}

BOOST_AUTO_TEST_CASE(a_write_that_fails_can_be_tried_again_under_its_number) {
  claim();
  files->fail_call(8, ENOSPC);
  BOOST_TEST(try_to_write(17) != "");
  BOOST_TEST(try_to_write(17) == "");
  BOOST_TEST(fault_of(17) == "");
}

BOOST_AUTO_TEST_CASE(writes_that_are_cut_short_are_gone_on_with) {
  for (std::uint64_t n = 1, met = 1; met != 0; ++n) {
    files = std::make_shared<weir::testing::memory_files>();
    claim();
    files->halve_write(n);
    write(17);
    met = files->was_met() ? 1 : 0;
    BOOST_TEST(fault_of(17) == "");
  }
}

BOOST_AUTO_TEST_CASE(a_state_that_could_never_be_read_fails_a_write_and_the_old_one_stays) {
  constexpr std::size_t mib = 1024 * 1024;
  store = weir::directory_store("cp", files, mib);
  BOOST_TEST_REQUIRE(store->claim("flights").has_value());
  write(17);
  auto what = checkpoint(1, 18);
  what.states[1].bytes = blocks_of(std::string(2 * mib, 'x'));
  const auto written = store->write(what);
  BOOST_TEST_REQUIRE(!written.has_value());
  BOOST_TEST(written.why().thing() == std::string{run_1} + "/chk-0000000018.tmp/origin.state");
  BOOST_TEST(written.why().text().find("more than the 1048576 that are read") != std::string::npos);
  BOOST_TEST(runs() == "1: 17\n");
  BOOST_TEST(fault_of(17) == "");
  check_all();
}

BOOST_AUTO_TEST_CASE(a_full_disk_fails_a_write_and_nothing_else) {
  for (std::uint64_t n = 1, met = 1; met != 0; ++n) {
    files = std::make_shared<weir::testing::memory_files>();
    claim();
    write(17);
    files->halve_write(n, ENOSPC);
    const auto why = try_to_write(18);
    met = files->was_met() ? 1 : 0;
    if (!why.empty())
      BOOST_TEST(why.find("No space left on device") != std::string::npos);
    BOOST_TEST(unfinished() == "");
    files->heal();
    BOOST_TEST(fault_of(17) == "");
    BOOST_TEST(try_to_write(19) == "");
    BOOST_TEST(fault_of(19) == "");
  }
}

BOOST_AUTO_TEST_SUITE_END()
