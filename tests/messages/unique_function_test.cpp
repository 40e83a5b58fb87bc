// SPDX-License-Identifier: Apache-2.0

#include "weir/unique_function.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <memory>
#include <utility>

using weir::unique_function;

namespace {

/// Counts how many of it live, and whether it was made on the heap.
template <std::size_t Bytes>
struct counted {
  static inline int alive = 0;
  static inline int allocated = 0;

  static void* operator new(std::size_t size) {
    ++allocated;
    return ::operator new(size);
  }
  static void* operator new(std::size_t, void* place) noexcept { return place; }
  static void operator delete(void* p) { ::operator delete(p); }

  counted() { ++alive; }
  counted(counted&&) noexcept { ++alive; }
  ~counted() { --alive; }

  int operator()(int x) const { return x + 1; }

  std::array<char, Bytes> content{};
};

} // namespace

BOOST_AUTO_TEST_SUITE(unique_functions)

BOOST_AUTO_TEST_CASE(an_empty_one_is_false) {
  unique_function<void()> none;
  unique_function<void()> null{nullptr};
  BOOST_TEST(!none);
  BOOST_TEST(!null);
}

BOOST_AUTO_TEST_CASE(a_callable_that_can_only_be_moved_is_called_with_its_arguments) {
  auto owned = std::make_unique<int>(40);
  unique_function<int(std::unique_ptr<int>)> f
    = [owned = std::move(owned)](std::unique_ptr<int> x) { return *owned + *x; };
  BOOST_TEST(f(std::make_unique<int>(2)) == 42);
}

BOOST_AUTO_TEST_CASE(a_result_may_be_left_out) {
  int calls = 0;
  unique_function<void(int)> f = [&](int by) { return calls += by; };
  f(3);
  BOOST_TEST(calls == 3);
}

BOOST_AUTO_TEST_CASE(sixty_four_bytes_need_no_allocation_and_more_need_one) {
  using small = counted<64>;
  using large = counted<65>;
  static_assert(sizeof(small) == 64);
  {
    unique_function<int(int)> f = small{};
    unique_function<int(int)> g = large{};
    BOOST_TEST(f(1) == 2);
    BOOST_TEST(g(1) == 2);
    BOOST_TEST(small::alive == 1);
    BOOST_TEST(large::alive == 1);
  }
  BOOST_TEST(small::allocated == 0);
  BOOST_TEST(large::allocated == 1);
  BOOST_TEST(small::alive == 0);
  BOOST_TEST(large::alive == 0);
}

BOOST_AUTO_TEST_CASE(moving_leaves_the_source_empty_and_destroys_what_was_there) {
  auto watched = std::make_shared<int>(1);
  auto replaced = std::make_shared<int>(2);
  unique_function<int()> from = [watched] { return *watched; };
  unique_function<int()> to = [replaced] { return *replaced; };
  to = std::move(from);
  BOOST_TEST(!from);
  BOOST_TEST(to() == 1);
  BOOST_TEST(watched.use_count() == 2);
  BOOST_TEST(replaced.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(a_large_callable_survives_moves) {
  std::array<int, 100> numbers{};
  numbers[99] = 7;
  unique_function<int()> f = [numbers] { return numbers[99]; };
  auto g = std::move(f);
  auto h = std::move(g);
  BOOST_TEST(h() == 7);
}

BOOST_AUTO_TEST_CASE(reset_destroys_the_callable_at_once) {
  auto watched = std::make_shared<int>(1);
  unique_function<void()> f = [watched] {};
  f.reset();
  BOOST_TEST(!f);
  BOOST_TEST(watched.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(what_the_callable_throws_comes_out) {
  unique_function<void()> f = [] { throw 5; };
  BOOST_CHECK_THROW(f(), int);
}

BOOST_AUTO_TEST_SUITE_END()
