// SPDX-License-Identifier: Apache-2.0

/// The ways in which an async function may be written.

#include "weir/async_function.hpp"

#include <boost/test/unit_test.hpp>

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace {

using namespace weir;

/// What a function that takes an `int` and gives a `long` gives for 7, whichever form it has.
template <class F>
long result_for_7(F f) {
  using form = function_form_t<F>;
  static_assert(std::same_as<typename form::input_type, int>);
  static_assert(std::same_as<typename form::output_type, long>);
  auto function = detail::form_of(std::move(f));
  const auto port = completion_port<long>::make([] {});
  const typename completion_port<long>::scope here{*port, time_point{}};
  const call_id id{0, 0, 1};
  port->begin_call(id);
  function.async_invoke(7, {*port, id, time_point::max()});
  auto* given = port->end_call();
  BOOST_REQUIRE(given != nullptr);
  BOOST_REQUIRE(given->one() != nullptr);
  return *given->one();
}

struct by_rvalue : async_function<int, long> {
  void async_invoke(const int& x, result_future<long>&& done) noexcept { done.complete(x + 1L); }
};

struct coroutines : async_function<int, long> {
  task<long> async_invoke(const int& x) noexcept { co_return x + 1L; }
};

} // namespace

BOOST_AUTO_TEST_SUITE(function_forms)

BOOST_AUTO_TEST_CASE(lambdas_may_take_the_record_and_the_future_in_several_ways) {
  BOOST_TEST(result_for_7([](const int& x, result_future<long> done) { done.complete(x + 1L); }) == 8);
  BOOST_TEST(result_for_7([](int x, result_future<long> done) { done.complete(x + 1L); }) == 8);
  BOOST_TEST(result_for_7([](const int& x, result_future<long>&& done) { done.complete(x + 1L); }) == 8);
  BOOST_TEST(result_for_7([](int x, result_future<long>&& done) noexcept { done.complete(x + 1L); }) == 8);
  BOOST_TEST(result_for_7([n = 0L](const int& x, result_future<long> done) mutable noexcept {
               done.complete(x + ++n);
             }) == 8);
}

BOOST_AUTO_TEST_CASE(so_may_lambdas_that_are_coroutines) {
  BOOST_TEST(result_for_7([](const int& x) -> task<long> { co_return x + 1L; }) == 8);
  BOOST_TEST(result_for_7([](int x) noexcept -> task<long> { co_return x + 1L; }) == 8);
  BOOST_TEST(result_for_7([n = 0L](int x) mutable -> task<long> { co_return x + ++n; }) == 8);
}

BOOST_AUTO_TEST_CASE(and_classes) {
  BOOST_TEST(result_for_7(by_rvalue{}) == 8);
  BOOST_TEST(result_for_7(coroutines{}) == 8);
}

BOOST_AUTO_TEST_CASE(a_form_can_be_copied_where_the_function_can) {
  auto moved_only = [only = std::make_unique<long>(1)](int x) -> task<long> { co_return x + *only; };
  static_assert(!std::is_copy_constructible_v<function_form_t<decltype(moved_only)>>);
  auto copied = [plus = 1L](int x) -> task<long> { co_return x + plus; };
  static_assert(std::is_copy_constructible_v<function_form_t<decltype(copied)>>);
  static_assert(std::is_copy_constructible_v<function_form_t<coroutines>>);
}

BOOST_AUTO_TEST_SUITE_END()
