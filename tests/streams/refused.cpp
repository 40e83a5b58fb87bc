// SPDX-License-Identifier: Apache-2.0

// Programs that are right, and where REFUSED is defined the same with a mistake: see
// support/refused_test.sh.

#include "weir/weir.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

/// Each place has a type of its own: an assertion in a template fails once for each type.
template <int>
struct place {
  int x = 0;
};

template <int N>
weir::source_stream<place<N>> places(weir::environment& env) {
  return env.from_source(weir::collection_source<place<N>>{{place<N>{}}});
}

template <class F>
void look_up(weir::environment& env, F f) {
  const auto of = env.from_source(weir::collection_source<int>{{1}});
  weir::async_data_stream::ordered_wait(of, f, {.name = "lookup", .timeout = 1s});
}

struct calls : weir::async_function<int, int> {
  void async_invoke(const int& x, weir::result_future<int> done) { done.complete(x); }
};

struct with_hooks : calls {
  void timeout(const int&, weir::result_future<int> done) { done.complete(0); }
  std::optional<int> fallback(const int&, const weir::error&) { return 0; }
};

struct coroutine : weir::async_function<int, int> {
  weir::task<int> async_invoke(const int& x) { co_return x; }
};

#ifdef REFUSED

class hidden_timeout : public calls {
  void timeout(const int&, weir::result_future<int> done) { done.complete(0); }
};

class hidden_fallback : public coroutine {
  std::optional<int> fallback(const int&, const weir::error&) { return 0; }
};

struct other_timeout : calls {
  void timeout(const int&) {}
};

struct silent_open : calls {
  void open(weir::function_context&) {}
};

class derives_privately : weir::async_function<int, int> {
public:
  void async_invoke(const int& x, weir::result_future<int> done) { done.complete(x); }
};

#endif

} // namespace

void right() {
  weir::environment env;
  look_up(env, calls{});
  look_up(env, with_hooks{});
  look_up(env, coroutine{});
  places<0>(env).map([](const place<0>& p) { return p.x; });
  places<1>(env).flat_map([](place<1>&& p) { return std::vector<int>{p.x}; });
  weir::error_of_kind({weir::error_kind::miss, "odd"});
  const weir::failure_rule rules[]
    = {{weir::error_kind::miss, weir::failure_action::drop}, {"odd", weir::failure_action::drop}};
  static_cast<void>(rules);
}

#ifdef REFUSED
void wrong() {
  weir::environment env;
  // refused: a timeout hook must be public, and callable as
  look_up(env, hidden_timeout{});
  // refused: a timeout hook must be public, and callable as
  look_up(env, other_timeout{});
  // refused: a fallback must be public, callable as
  look_up(env, hidden_fallback{});
  // refused: open must be public, and is weir::expected<void> open(weir::function_context&)
  look_up(env, silent_open{});
  // refused: must derive from weir::async_function<In, Out> publicly
  look_up(env, derives_privately{});
  // refused: the function takes another type of record than the stream has
  look_up(env, [](const std::string&, weir::result_future<int>) {});
  // refused: key_ordered_wait takes a keyed stream: put key_by(...) in front of it
  weir::async_data_stream::key_ordered_wait(places<2>(env), calls{}, {.name = "x", .timeout = 1s});
  // refused: the function of map takes another type of record
  places<3>(env).map([](const std::string& x) { return x; });
  // refused: the function of filter is bool(const T&)
  places<4>(env).filter([](const place<4>&) { return std::string{}; });
  // refused: the function of flat_map gives a range of records
  places<5>(env).flat_map([](const place<5>& p) { return p; });
  // refused: this type cannot be a key
  places<6>(env).key_by([](const place<6>& p) { return p; });
  // refused: the sink takes another type of record
  places<7>(env).sink_to([](const std::string&) {});
  // refused: the callback takes another type than this service gives
  weir::async_service::ordered(env, calls{}, {.name = "service", .timeout = 1s},
                               {.on_result = [](const std::string&) {}});
}
#endif
