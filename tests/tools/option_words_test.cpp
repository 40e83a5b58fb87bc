// SPDX-License-Identifier: Apache-2.0

#include "option_words.hpp"

#include <boost/test/unit_test.hpp>

using weir::tool::text_of;
using weir::tool::with_option_names;

BOOST_AUTO_TEST_SUITE(option_words)

BOOST_AUTO_TEST_CASE(what_may_be_done_is_named_by_the_commands_options) {
  BOOST_TEST(with_option_names("start from an older one (from), or begin a fresh run (fresh)")
             == "start from an older one (--from), or begin a fresh run (--fresh)");
  BOOST_TEST(with_option_names("let its state go (drop_state), or start anew (fresh), fresh")
             == "let its state go (--drop-state), or start anew (--fresh), fresh");
  BOOST_TEST(with_option_names("let it be removed (remove_old_output)")
             == "let it be removed (--force)");
  BOOST_TEST(with_option_names("put aside (discard_newer_output) only where (from, fall_back)")
             == "put aside (--discard-newer-output) only where (--from)");
}

BOOST_AUTO_TEST_CASE(a_name_that_was_given_is_known_by_its_option) {
  BOOST_TEST(text_of({"argument", "drop_state origin", "the checkpoint has no stage of this name"})
             == "--drop-state origin: the checkpoint has no stage of this name (argument)");
  BOOST_TEST(with_option_names("x: drop_state origin") == "x: drop_state origin");
}

BOOST_AUTO_TEST_SUITE_END()
