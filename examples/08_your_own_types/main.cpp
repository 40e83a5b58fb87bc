// SPDX-License-Identifier: Apache-2.0
//
// New here: records of types of your own. Any type will do that can be moved without an exception; it need
// be neither copyable nor known to weir. Where weir must know more, a free function in the type's own
// namespace says it: what messages call a record, how much memory it holds, what a key is made of.

#include "weir/weir.hpp"

#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace airport {

/// A key of two parts.
struct route {
  std::string from;
  std::string to;
};

/// Records of equal routes are called one after the other.
void add_key_bytes(weir::key_hasher& hash, const route& of) {
  hash.add(of.from);
  hash.add(of.to);
}

/// A suitcase owns a picture of itself: it can be moved, not copied.
struct suitcase {
  int tag = 0;
  route way;
  std::unique_ptr<std::vector<unsigned char>> picture;
};

/// What messages call it, in place of "record 0/2".
std::string record_name(const suitcase& of, const weir::origin&) {
  return "suitcase " + std::to_string(of.tag);
}

/// Counts against `capacity_bytes` and the bounds of batches.
std::size_t held_bytes(const suitcase& of) {
  return sizeof(of) + (of.picture == nullptr ? 0 : of.picture->size());
}

struct sorted {
  int tag = 0;
  std::string belt;
};

/// Suitcases that are made where they are needed: a source of your own for a type that cannot be copied.
class check_in final : public weir::source<suitcase> {
public:
  weir::expected<weir::poll_result> poll(weir::source_outputs& out) override {
    static const std::vector<route> ways{{"HAM", "LIS"}, {"HAM", "OSL"}, {"HAM", "LIS"}, {"HAM", "???"}};
    while (next_ < ways.size() && out.has_room()) {
      auto picture = std::make_unique<std::vector<unsigned char>>(100'000);
      suitcase made{static_cast<int>(next_ + 1), ways[next_], std::move(picture)};
      out.records.emit(std::move(made), weir::event_time::none(), weir::origin{next_, 0, 0});
      ++next_;
    }
    return weir::poll_result{next_ < ways.size() ? weir::poll_state::more : weir::poll_state::done, {}};
  }

private:
  std::uint64_t next_ = 0;
};

} // namespace airport

int main() {
  weir::environment env;
  const auto suitcases = env.from_source([] { return std::make_unique<airport::check_in>(); });
  const auto belts = weir::async_data_stream::key_ordered_wait(
    suitcases.key_by(&airport::suitcase::way),
    [](const airport::suitcase& of, weir::result_future<airport::sorted> done) {
      if (of.way.to == "???")
        done.fail({weir::error_kind::rejected, "sorter", "there is no such airport"});
      else
        done.complete({of.tag, "belt to " + of.way.to});
    },
    // Three pictures fill it: the fourth suitcase waits.
    {.name = "sorter", .timeout = std::chrono::seconds{10}, .capacity_bytes = 300'000});
  belts.sink_to([](const airport::sorted& of) {
    std::cout << of.tag << ": " << of.belt << std::endl;
  });

  // The last one fails the job, which says which suitcase it was.
  const auto result = env.execute("suitcases");
  std::cout << result.text() << '\n';
  return result.ok() ? 1 : 0;
}
