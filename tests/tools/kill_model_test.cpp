// SPDX-License-Identifier: Apache-2.0

// Output that is as it must be, and the same with one thing wrong: each wrong must be named, or a test
// that kills a job shows nothing.

#include "kill_model.hpp"

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <ostream>
#include <utility>

namespace weir::tool::testing {

std::ostream& operator<<(std::ostream& out, promised_order order) {
  return out << static_cast<int>(order);
}

} // namespace weir::tool::testing

using namespace weir::tool::testing;

namespace {

const promised_order all_orders[]
  = {promised_order::of_input, promised_order::of_each_customer, promised_order::any};

/// What a job came to, by lines, to be spoilt.
struct spoilt_output {
  explicit spoilt_output(promised_order order)
    : world(make_world(7, 1'000)),
      model(world, order),
      records(model.records()) {
    for (std::size_t i = 0; i < world.lines.size(); ++i) {
      const auto& line = world.lines[i];
      if (!line.is_order || !world.customers.contains(line.customer))
        letters.push_back(nlohmann::ordered_json{
          {"record", line.text},
          {"error", line.is_order ? "miss" : "bad_record"},
          {"message", "whatever"},
          {"attempts", line.is_order ? 1 : 0},
          {"durations_ms", nlohmann::ordered_json::array()},
          {"stage", line.is_order ? "customer" : "source"},
          {"file", "in.ndjson"},
          {"line", i + 1},
          {"offset",
           line.offset}}.dump());
    }
  }

  std::string fault(progress_so_far how_far = progress_so_far::done) const {
    visible_output what{{}, {}, hidden};
    for (const auto& each : records)
      what.records += each + "\n";
    what.records += cut;
    for (const auto& each : letters)
      what.dead_letters += each + "\n";
    return model.fault_of(what, how_far);
  }

  /// Whether the first thing that is wrong is named in these words.
  bool is_named(const std::string& words, progress_so_far how_far = progress_so_far::done) const {
    return fault(how_far).find(words) != std::string::npos;
  }

  /// The customer of the record at `index`.
  std::string customer_of(std::size_t index) const {
    return nlohmann::json::parse(records[index])["customer"];
  }

  /// What came in, and what was added to it.
  std::string question(std::size_t index) const {
    return records[index].substr(0, records[index].find(",\"who\""));
  }
  std::string answers(std::size_t index) const {
    return records[index].substr(question(index).size());
  }

  std::ptrdiff_t letters_with(const std::string& error) const {
    return std::count_if(letters.begin(), letters.end(), [&](const auto& each) {
      return each.find("\"error\":\"" + error + "\"") != each.npos;
    });
  }

  /// The first record behind `index` that is of the same customer, or of another one.
  std::size_t next_of_same(std::size_t index, bool same) const {
    auto at = index + 1;
    while ((customer_of(at) == customer_of(index)) != same)
      ++at;
    return at;
  }

  kill_world world;
  kill_model model;
  std::vector<std::string> records;
  std::vector<std::string> letters;
  std::vector<std::string> hidden;
  std::string cut;
};

} // namespace

BOOST_AUTO_TEST_SUITE(kill_models)

BOOST_DATA_TEST_CASE(what_is_right_has_no_fault, all_orders, order) {
  const spoilt_output output{order};
  BOOST_TEST(output.fault() == "");
  BOOST_TEST(output.fault(progress_so_far::under_way) == "");
  // And there is much in it that could be wrong.
  BOOST_TEST(output.records.size() > 800u);
  BOOST_TEST(output.letters_with("miss") > 20);
  BOOST_TEST(output.letters_with("bad_record") > 3);
  const auto without_offers
    = std::count_if(output.records.begin(), output.records.end(),
                    [](const auto& each) { return each.ends_with("\"offers\":[]}"); });
  BOOST_TEST(without_offers > 20);
}

BOOST_AUTO_TEST_CASE(a_record_is_its_line_with_what_the_store_has) {
  kill_world world;
  world.lines = {{"{\"order\":1, \"customer\":\"c\",\"product\":\"p\"}", 0, true, "c", "p"}};
  world.customers["c"] = {"\"C\"", 3};
  world.offers["p"] = {{10, "a"}, {20, "b"}};
  const kill_model model{world, promised_order::any};
  BOOST_REQUIRE(model.records().size() == 1u);
  BOOST_TEST(
    model.records()[0]
    == "{\"order\":1, \"customer\":\"c\",\"product\":\"p\",\"who\":{\"name\":\"\\\"C\\\"\","
       "\"tier\":3},\"offers\":[{\"price\":10,\"shop\":\"a\"},{\"price\":20,\"shop\":\"b\"}]}");
}

BOOST_AUTO_TEST_CASE(the_same_seed_makes_the_same_world) {
  BOOST_TEST(make_world(3, 50).input() == make_world(3, 50).input());
  BOOST_TEST(make_world(3, 50).input() != make_world(4, 50).input());
}

BOOST_DATA_TEST_CASE(a_line_that_is_doubled_is_named, all_orders, order) {
  for (const std::size_t gap : {1u, 100u}) {
    spoilt_output output{order};
    output.records.insert(output.records.begin() + 300 + gap, output.records[300]);
    BOOST_TEST(output.is_named(" came out twice"), output.fault());
  }
}

BOOST_DATA_TEST_CASE(a_line_that_is_missing_is_named, all_orders, order) {
  spoilt_output output{order};
  output.records.erase(output.records.begin() + 300);
  BOOST_TEST(output.is_named(order == promised_order::any ? " did not come out" : " was due"),
             output.fault());
  // The last one is not due before the end.
  spoilt_output short_output{order};
  short_output.records.pop_back();
  BOOST_TEST(short_output.is_named(" did not come out"), short_output.fault());
  BOOST_TEST(short_output.fault(progress_so_far::under_way) == "");
}

BOOST_DATA_TEST_CASE(two_lines_that_are_swapped_are_named_where_order_is_promised, all_orders,
                     order) {
  for (const bool same_customer : {true, false}) {
    spoilt_output output{order};
    std::swap(output.records[300], output.records[output.next_of_same(300, same_customer)]);
    const bool breaks_promise = order == promised_order::of_input
                                || (order == promised_order::of_each_customer && same_customer);
    BOOST_TEST(output.is_named(" was due") == breaks_promise, output.fault());
    BOOST_TEST(output.fault().empty() == !breaks_promise);
  }
}

BOOST_DATA_TEST_CASE(a_line_with_the_answer_of_another_key_is_named, all_orders, order) {
  spoilt_output output{order};
  const auto other = output.next_of_same(300, false);
  output.records[300] = output.question(300) + output.answers(other);
  BOOST_TEST(output.is_named(" and must be "), output.fault());
}

BOOST_DATA_TEST_CASE(a_line_that_is_moved_to_another_key_is_named, all_orders, order) {
  spoilt_output output{order};
  auto& line = output.records[300];
  const auto other = output.customer_of(output.next_of_same(300, false));
  const auto own = "\"customer\":\"" + output.customer_of(300) + "\"";
  line.replace(line.find(own), own.size(), "\"customer\":\"" + other + "\"");
  BOOST_TEST(output.is_named(" and must be "), output.fault());
}

BOOST_DATA_TEST_CASE(a_line_that_is_cut_is_named, all_orders, order) {
  spoilt_output output{order};
  output.cut = output.records.back().substr(0, 20);
  output.records.pop_back();
  BOOST_TEST(output.is_named("the last line is cut: "), output.fault());
  BOOST_TEST(output.is_named("is cut: ", progress_so_far::under_way));
  spoilt_output inside{order};
  inside.records[300].resize(20);
  BOOST_TEST(inside.is_named("no record comes out as "), inside.fault());
}

BOOST_DATA_TEST_CASE(a_line_of_nobody_is_named, all_orders, order) {
  spoilt_output output{order};
  output.records.insert(output.records.begin() + 300, "{\"order\":1000000}");
  BOOST_TEST(output.is_named("no record comes out as {\"order\":1000000}"), output.fault());
}

BOOST_DATA_TEST_CASE(a_record_with_a_dead_letter_must_not_come_out, all_orders, order) {
  spoilt_output output{order};
  const auto record = nlohmann::json::parse(output.letters[1])["record"].get<std::string>();
  output.records.insert(output.records.begin() + 5, record);
  BOOST_TEST(output.is_named("no record comes out as "), output.fault());
}

BOOST_DATA_TEST_CASE(dead_letters_come_once_in_any_order, all_orders, order) {
  spoilt_output output{order};
  std::swap(output.letters[0], output.letters[1]);
  BOOST_TEST(output.fault() == "");
  output.letters.push_back(output.letters[0]);
  BOOST_TEST(output.is_named(" came twice"), output.fault());
  output.letters.resize(output.letters.size() - 2);
  BOOST_TEST(output.is_named(" did not come"), output.fault());
  BOOST_TEST(output.fault(progress_so_far::under_way) == "");
}

BOOST_DATA_TEST_CASE(a_dead_letter_that_says_something_else_is_named, all_orders, order) {
  for (const auto& [own, other] :
       {std::pair{"\"miss\"", "\"injected\""},
        std::pair{"\"stage\":\"customer\"", "\"stage\":\"offers\""},
        std::pair{"\"line\":", "\"line\":9"}, std::pair{"\"offset\":", "\"offset\":9"}}) {
    spoilt_output output{order};
    auto& letter
      = *std::find_if(output.letters.begin(), output.letters.end(),
                      [&](const auto& each) { return each.find("\"miss\"") != each.npos; });
    letter.replace(letter.find(own), std::string{own}.size(), other);
    BOOST_TEST(output.is_named("no record makes the dead letter "), output.fault());
  }
  spoilt_output output{order};
  output.letters[0].resize(30);
  BOOST_TEST(output.is_named("no dead letter is written as "), output.fault());
}

BOOST_DATA_TEST_CASE(a_hidden_file_must_not_be_left_at_the_end, all_orders, order) {
  spoilt_output output{order};
  output.hidden = {".part-0000000003-0000.ndjson"};
  BOOST_TEST(output.is_named("the hidden file .part-0000000003-0000.ndjson is left"),
             output.fault());
  BOOST_TEST(output.fault(progress_so_far::under_way) == "");
}

BOOST_DATA_TEST_CASE(no_output_at_all_is_named, all_orders, order) {
  spoilt_output output{order};
  output.records.clear();
  output.letters.clear();
  BOOST_TEST(output.is_named(" did not come out"), output.fault());
}

BOOST_AUTO_TEST_SUITE_END()
