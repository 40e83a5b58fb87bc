// SPDX-License-Identifier: Apache-2.0

#include "weir/state_blocks.hpp"

#include "../support/allocations.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

struct blocks_fixture {
  std::shared_ptr<weir::block_pool> pool = std::make_shared<weir::block_pool>();
  weir::state_blocks blocks{pool};

  void put(std::string text) {
    while (!text.empty()) {
      const auto room = blocks.room();
      const auto now = std::min(room.size(), text.size());
      std::memcpy(room.data(), text.data(), now);
      blocks.filled(now);
      text.erase(0, now);
    }
  }

  std::string text() const {
    std::string all;
    for (const auto& each : blocks.payloads())
      all.append(reinterpret_cast<const char*>(each.data()), each.size());
    return all;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(state_blocks, blocks_fixture)

BOOST_AUTO_TEST_CASE(bytes_go_over_blocks) {
  BOOST_TEST(blocks.size() == 0u);
  BOOST_TEST(blocks.count() == 0u);
  std::string all;
  for (int i = 0; i < 30'000; ++i)
    all += std::to_string(i) + ",";
  put(all);
  BOOST_TEST(blocks.size() == all.size());
  BOOST_TEST(blocks.count()
             == (all.size() + weir::block_payload_bytes - 1) / weir::block_payload_bytes);
  BOOST_TEST(text() == all);
}

BOOST_AUTO_TEST_CASE(a_full_block_has_no_empty_one_behind_it) {
  put(std::string(weir::block_payload_bytes, 'x'));
  BOOST_TEST(blocks.count() == 1u);
  BOOST_TEST(blocks.size() == weir::block_payload_bytes);
  put("y");
  BOOST_TEST(blocks.count() == 2u);
  BOOST_TEST(blocks.payload(1).size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_block_has_its_header_in_front_of_its_payload) {
  put("abc");
  const auto whole = blocks.block(0);
  BOOST_TEST(whole.size() == weir::block_header_bytes + 3);
  BOOST_TEST(static_cast<const void*>(whole.data() + weir::block_header_bytes)
             == static_cast<const void*>(blocks.payload(0).data()));
}

BOOST_AUTO_TEST_CASE(blocks_come_back_to_the_pool_and_are_used_again) {
  put(std::string(3 * weir::block_payload_bytes, 'x'));
  const auto* first = blocks.block(2).data();
  blocks.clear();
  BOOST_TEST(pool->kept() == 3u);
  BOOST_TEST(blocks.size() == 0u);
  const auto before = weir::testing::allocations();
  put("y");
  BOOST_TEST(static_cast<const void*>(blocks.block(0).data()) == static_cast<const void*>(first));
  put(std::string(2 * weir::block_payload_bytes, 'x'));
  // The row itself may have been kept, the blocks surely are.
  BOOST_TEST(weir::testing::allocations() - before < 3u);
  BOOST_TEST(pool->kept() == 0u);
}

BOOST_AUTO_TEST_CASE(who_moves_a_state_takes_its_blocks) {
  put("abc");
  weir::state_blocks other{std::move(blocks)};
  BOOST_TEST(other.size() == 3u);
  blocks = std::move(other);
  BOOST_TEST(text() == "abc");
  weir::state_blocks more{pool};
  blocks = std::move(more);
  BOOST_TEST(blocks.size() == 0u);
  BOOST_TEST(pool->kept() == 1u);
}

BOOST_AUTO_TEST_CASE(the_pool_never_refuses_and_does_not_keep_what_was_needed_once) {
  constexpr auto beyond = weir::block_pool::kept_min + 10;
  put(std::string(beyond * weir::block_payload_bytes, 'x'));
  BOOST_TEST(blocks.count() == beyond);
  blocks.clear();
  BOOST_TEST(pool->kept() == weir::block_pool::kept_min);
}

BOOST_AUTO_TEST_CASE(the_pool_keeps_what_is_needed_again_and_again) {
  const auto fill = [&](std::size_t count) {
    put(std::string(count * weir::block_payload_bytes, 'x'));
    blocks.clear();
    return pool->kept();
  };
  fill(300);
  BOOST_TEST(fill(330) == 300u);
  BOOST_TEST(fill(330) == 330u);
  // THEN a state of this size needs no new block
  const auto before = weir::testing::allocations();
  fill(330);
  BOOST_TEST(weir::testing::allocations() - before < 50u);
  // AND one that has become small does not keep them for ever
  BOOST_TEST(fill(3) == weir::block_pool::kept_min);
}

BOOST_AUTO_TEST_CASE(threads_share_a_pool) {
  {
    std::vector<std::jthread> threads;
    for (char c : {'a', 'b', 'c'})
      threads.emplace_back([this, c] {
        for (int round = 0; round < 200; ++round) {
          weir::state_blocks own{pool};
          for (int i = 0; i < 3; ++i) {
            const auto room = own.room();
            std::memset(room.data(), c, room.size());
            own.filled(room.size());
          }
          const auto payload = own.payload(1);
          if (static_cast<char>(payload.front()) != c || static_cast<char>(payload.back()) != c)
            std::abort();
        }
      });
  }
  BOOST_TEST(pool->kept() <= 9u);
  BOOST_TEST(pool->kept() >= 3u);
}

BOOST_AUTO_TEST_SUITE_END()
