// SPDX-License-Identifier: Apache-2.0

#include "weir/store_url.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <type_traits>
#include <utility>

namespace weir::testing {

BOOST_AUTO_TEST_SUITE(store_urls)

BOOST_AUTO_TEST_CASE(what_has_no_password_is_shown_as_it_is) {
  for (const std::string plain :
       {"sqlite:airports.db", "memory:a:b.csv", "redis://127.0.0.1:6379/0", "redis://[::1]:6379/0", "redis://user@host/0",
        "postgresql://localhost/geo?sslmode=require&user=me", "http://127.0.0.1:8080/a@b?c=d:e", "http://h/a:b@c",
        "none", "", ":", "a:"}) {
    const store_url url{plain};
    BOOST_TEST(url.shown() == plain);
    BOOST_TEST(url.reveal() == plain);
    BOOST_TEST(url.hidden_in("of " + plain) == "of " + plain);
  }
}

BOOST_AUTO_TEST_CASE(passwords_are_hidden) {
  const std::pair<const char*, const char*> all[] = {
    {"redis://:hunter2@host:6379/0", "redis://:***@host:6379/0"},
    {"redis://me:hunter2@host", "redis://me:***@host"},
    {"redis://me:hunter2@[::1]:6379", "redis://me:***@[::1]:6379"},
    {"redis://me:a@hunter2@host", "redis://me:***@host"},
    {"redis://me:hunter2/1@host/0", "redis://me:***@host/0"},
    {"postgresql://me:hunter2@a,b/geo?user=x", "postgresql://me:***@a,b/geo?user=x"},
    {"postgresql:///geo?password=hunter2", "postgresql:///geo?password=***"},
    {"postgresql:///geo?a=b&Password=hunter2&c=d", "postgresql:///geo?a=b&Password=***&c=d"},
    {"postgresql://u:hunter2@h/geo?sslpassword=hunter2", "postgresql://u:***@h/geo?sslpassword=***"},
    {"postgresql://u:hunter2@h/geo?password=hunter2&sslpassword=hunter2",
     "postgresql://u:***@h/geo?password=***&sslpassword=***"},
  };
  for (const auto& [whole, shown] : all) {
    const store_url url{whole};
    BOOST_TEST(url.shown() == shown);
    BOOST_TEST(url.reveal() == whole);
    for (const std::string word : {"a@hunter2", "hunter2/1", "hunter2"})
      if (url.reveal().find(word) != std::string::npos) {
        BOOST_TEST(url.hidden_in("cannot connect with " + word + "!") == "cannot connect with ***!", whole);
        break;
      }
  }
}

BOOST_AUTO_TEST_CASE(passwords_in_addresses_that_are_written_wrongly_are_hidden_too) {
  const std::pair<const char*, const char*> all[] = {
    {"redis://me:/x@host", "redis://me:***@host"},   {"redis://:#x@host", "redis://:***@host"},
    {"redis://:?x@host", "redis://:***@host"},       {"redis://:12/34@host", "redis://:***@host"},
    {"redis://u:p/w@x@host", "redis://u:***@host"},
  };
  for (const auto& [whole, shown] : all)
    BOOST_TEST(store_url{whole}.shown() == shown);
}

BOOST_AUTO_TEST_CASE(addresses_in_a_text_are_shown_as_they_may_be) {
  BOOST_TEST(without_passwords("--set pool.a.url=rediss://:hunter2@h and 'http://u:p@h/x'")
             == "--set pool.a.url=rediss://:***@h and 'http://u:***@h/x'");
  BOOST_TEST(without_passwords("[ \"redis://:a@h\", \"sqlite:x\" ]") == "[ \"redis://:***@h\", \"sqlite:x\" ]");
  BOOST_TEST(without_passwords("a://b c:// ://") == "a://b c:// ://");
}

BOOST_AUTO_TEST_CASE(a_library_may_repeat_a_password_as_it_reads_it) {
  const store_url url{"postgresql://me:hun%74er%322@h/geo"};
  BOOST_TEST(url.hidden_in("no such password: hunter22") == "no such password: ***");
  BOOST_TEST(store_url{"postgresql://me:50%@h"}.hidden_in("is 50%") == "is ***");
}

BOOST_AUTO_TEST_CASE(scheme_and_rest) {
  const store_url url{"memory:data/a:b.csv"};
  BOOST_TEST(url.scheme() == "memory");
  BOOST_TEST(url.rest() == "data/a:b.csv");
  BOOST_TEST(store_url{"none"}.scheme() == "");
  BOOST_TEST(store_url{"none"}.rest() == "none");
  BOOST_TEST(store_url{":x"}.scheme() == "");
  const store_url copy = url;
  BOOST_TEST(copy.scheme() == "memory");
}

BOOST_AUTO_TEST_CASE(a_secret_is_hidden_in_texts) {
  const secret word{"abc"};
  BOOST_TEST(word.hidden_in("abcabc, ab") == "******, ab");
  BOOST_TEST(secret{}.hidden_in("abc") == "abc");
  BOOST_TEST(secret{"*"}.hidden_in("a*b") == "a***b");
  BOOST_TEST((!std::is_convertible_v<std::string, secret>));
}

BOOST_AUTO_TEST_CASE(a_secret_that_went_on_is_nowhere_else) {
  secret from{"a word that does not fit inside a string object"};
  const secret to = std::move(from);
  BOOST_TEST(from.empty());
  BOOST_TEST(to.reveal() == "a word that does not fit inside a string object");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace weir::testing
