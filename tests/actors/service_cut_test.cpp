// SPDX-License-Identifier: Apache-2.0

#include "service_cut.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>

using weir::event_time;
using weir::feed_cut;
using weir::instance_summary;

BOOST_AUTO_TEST_SUITE(service_cuts)

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
  for (const auto& cut : {feed_cut{}, feed_cut{3, {}, event_time{-7}, false}, feed_cut{0, 0, {}, true},
                          feed_cut{UINT64_MAX, UINT64_MAX, event_time{INT64_MAX}, true}}) {
    instance_summary to;
    weir::write_cut(cut, to);
    BOOST_TEST((*weir::read_cut(to, "s") == cut));
  }
}

BOOST_AUTO_TEST_CASE(it_is_written_as_people_read_it) {
  instance_summary to;
  weir::write_cut({5, 70, event_time{9}, true}, to);
  BOOST_TEST((to.positions == std::vector<weir::split_position>{{0, "5"}, {1, "70"}}));
  BOOST_TEST((*to.times == weir::source_times{event_time::none(), event_time{9}, false, true}));
}

BOOST_AUTO_TEST_CASE(a_summary_that_says_nothing_is_a_beginning) {
  BOOST_TEST((*weir::read_cut({}, "s") == feed_cut{}));
}

BOOST_AUTO_TEST_CASE(what_is_no_number_is_damage) {
  for (const std::string text : {"", "-1", "1x", " 1", "18446744073709551616"}) {
    instance_summary from;
    from.positions = {{1, text}};
    BOOST_TEST(weir::read_cut(from, "s").why().text()
               == "service s: its checkpoint says that it stands at \"" + text
                    + "\" (1), which is none of its numbers (damaged)");
  }
  instance_summary from;
  from.positions = {{2, "1"}};
  BOOST_TEST(weir::read_cut(from, "s").why().is(weir::error_kind::damaged));
}

BOOST_AUTO_TEST_SUITE_END()
