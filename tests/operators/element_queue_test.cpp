// SPDX-License-Identifier: Apache-2.0

/// All queues keep one contract; each has an order of its own. A small test machine lets leave
/// what may leave, so that a test says who finishes and looks at what came out.

#include "weir/element_queue.hpp"

#include <boost/mpl/list.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>

namespace {

using namespace weir;
using slots = std::vector<slot_index>;

template <class Queue>
struct queue_fixture {
  queue_fixture() { queue.grow(64); }

  slots leaving() {
    slots left;
    for (auto slot = queue.ready(); slot != no_slot; slot = queue.ready()) {
      left.push_back(slot);
      queue.pop();
    }
    return left;
  }

  Queue queue;
};

/// Every record has a key of its own.
template <class Queue>
struct apart : Queue {
  using Queue::Queue;
  void push_record(slot_index slot) { Queue::push_record(slot, hash_of_key(slot)); }
  bool passes_directly() const { return Queue::passes_directly(hash_of_key(-1)); }
};

/// `element_queue` in one mode, to hold the dispatcher to the same contract.
template <output_mode Mode>
struct dispatched : apart<element_queue> {
  dispatched() : apart(Mode) {}
};

using queues = boost::mpl::list<ordered_queue, unordered_queue, apart<key_ordered_queue>,
                                dispatched<output_mode::ordered>,
                                dispatched<output_mode::unordered>,
                                dispatched<output_mode::key_ordered>>;

} // namespace

#define CHECK_LEAVING(fixture, ...)                                                                \
  do {                                                                                             \
    const slots expected{__VA_ARGS__};                                                             \
    const auto left = (fixture).leaving();                                                         \
    BOOST_CHECK_EQUAL_COLLECTIONS(left.begin(), left.end(), expected.begin(), expected.end());     \
  } while (false)

// -- the contract of all --

BOOST_AUTO_TEST_SUITE(element_queue_contract)

BOOST_AUTO_TEST_CASE_TEMPLATE(nothing_leaves_an_empty_queue, Queue, queues) {
  queue_fixture<Queue> f;
  CHECK_LEAVING(f, );
  BOOST_TEST(f.queue.passes_directly());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_record_leaves_once_it_is_finished, Queue, queues) {
  queue_fixture<Queue> f;
  f.queue.push_record(7);
  CHECK_LEAVING(f, );
  f.queue.finish(7);
  CHECK_LEAVING(f, 7);
  CHECK_LEAVING(f, );
}

BOOST_AUTO_TEST_CASE_TEMPLATE(ready_names_the_same_element_until_it_is_popped, Queue, queues) {
  queue_fixture<Queue> f;
  f.queue.push_record(1);
  f.queue.push_record(2);
  f.queue.finish(1);
  BOOST_TEST(f.queue.ready() == 1u);
  f.queue.finish(2);
  BOOST_TEST(f.queue.ready() == 1u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_border_is_finished_from_birth, Queue, queues) {
  queue_fixture<Queue> f;
  f.queue.push_border(3);
  f.queue.push_border(4);
  CHECK_LEAVING(f, 3, 4);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(no_border_passes_a_record_before_it, Queue, queues) {
  queue_fixture<Queue> f;
  f.queue.push_record(1);
  f.queue.push_record(2);
  f.queue.push_border(3);
  f.queue.finish(1);
  CHECK_LEAVING(f, 1);
  f.queue.finish(2);
  CHECK_LEAVING(f, 2, 3);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(no_record_passes_a_border_before_it, Queue, queues) {
  queue_fixture<Queue> f;
  f.queue.push_record(1);
  f.queue.push_border(2);
  f.queue.push_record(3);
  f.queue.finish(3);
  CHECK_LEAVING(f, );
  f.queue.finish(1);
  CHECK_LEAVING(f, 1, 2, 3);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_slot_may_be_used_again, Queue, queues) {
  queue_fixture<Queue> f;
  for (int round = 0; round < 3; ++round) {
    f.queue.push_record(5);
    f.queue.push_border(6);
    f.queue.push_record(7);
    f.queue.finish(7);
    CHECK_LEAVING(f, );
    f.queue.finish(5);
    CHECK_LEAVING(f, 5, 6, 7);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(growing_keeps_what_is_queued, Queue, queues) {
  queue_fixture<Queue> f;
  f.queue.push_record(63);
  f.queue.push_border(0);
  f.queue.grow(1000);
  f.queue.push_record(999);
  f.queue.finish(999);
  f.queue.finish(63);
  CHECK_LEAVING(f, 63, 0, 999);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_finished_record_passes_directly_only_where_it_would_be_next, Queue,
                              queues) {
  queue_fixture<Queue> f;
  f.queue.push_border(1);
  BOOST_TEST(!f.queue.passes_directly());
  CHECK_LEAVING(f, 1);
  BOOST_TEST(f.queue.passes_directly());
  f.queue.push_record(2);
  f.queue.finish(2);
  BOOST_TEST(!f.queue.passes_directly());
  CHECK_LEAVING(f, 2);
  BOOST_TEST(f.queue.passes_directly());
}

BOOST_AUTO_TEST_SUITE_END()

// -- the order of each --

BOOST_FIXTURE_TEST_SUITE(ordered_queue_order, queue_fixture<ordered_queue>)

BOOST_AUTO_TEST_CASE(records_leave_as_they_arrived) {
  for (const slot_index slot : {10, 11, 12, 13})
    queue.push_record(slot);
  queue.finish(12);
  queue.finish(11);
  CHECK_LEAVING(*this, );
  queue.finish(10);
  CHECK_LEAVING(*this, 10, 11, 12);
  queue.finish(13);
  CHECK_LEAVING(*this, 13);
}

BOOST_AUTO_TEST_CASE(a_record_passes_nothing_that_runs) {
  queue.push_record(1);
  BOOST_TEST(!queue.passes_directly());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(unordered_queue_order, queue_fixture<unordered_queue>)

BOOST_AUTO_TEST_CASE(records_leave_as_they_finished) {
  for (const slot_index slot : {10, 11, 12})
    queue.push_record(slot);
  queue.finish(12);
  queue.finish(10);
  CHECK_LEAVING(*this, 12, 10);
  queue.finish(11);
  CHECK_LEAVING(*this, 11);
}

BOOST_AUTO_TEST_CASE(a_record_passes_others_that_run) {
  queue.push_record(1);
  BOOST_TEST(queue.passes_directly());
}

BOOST_AUTO_TEST_CASE(records_behind_a_border_keep_the_order_in_which_they_finished) {
  queue.push_record(1);
  queue.push_border(2);
  for (const slot_index slot : {3, 4, 5})
    queue.push_record(slot);
  queue.push_border(6);
  queue.push_record(7);
  for (const slot_index slot : {7, 5, 3, 4})
    queue.finish(slot);
  CHECK_LEAVING(*this, );
  queue.finish(1);
  CHECK_LEAVING(*this, 1, 2, 5, 3, 4, 6, 7);
}

BOOST_AUTO_TEST_CASE(a_record_that_joins_a_segment_with_finished_ones_comes_after_them) {
  queue.push_record(1);
  queue.push_border(2);
  queue.push_record(3);
  queue.finish(3);
  queue.push_record(4);
  queue.finish(4);
  queue.finish(1);
  CHECK_LEAVING(*this, 1, 2, 3, 4);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(key_ordered_queues)

BOOST_AUTO_TEST_CASE(a_great_backlog_leaves_in_the_time_of_a_small_one) {
  // GIVEN so many finished records, two of each key
  constexpr slot_index records = 1u << 17;
  key_ordered_queue queue;
  queue.grow(records);
  for (slot_index slot = 0; slot < records; ++slot)
    queue.push_record(slot, hash_of_key(slot % (records / 2)));
  for (slot_index slot = records; slot-- > 0;)
    queue.finish(slot);
  // WHEN all leave; looking for each one's place among the others took 20 s
  const auto began = std::chrono::steady_clock::now();
  std::size_t left = 0;
  for (; queue.ready() != no_slot; queue.pop())
    ++left;
  BOOST_TEST(left == records);
  BOOST_TEST((std::chrono::steady_clock::now() - began < std::chrono::seconds{10}));
}

BOOST_AUTO_TEST_SUITE_END()
