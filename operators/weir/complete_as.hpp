// SPDX-License-Identifier: Apache-2.0
#pragma once

/// For adapters of clients: what a client gave completes a call. Any thread.

#include "weir/error.hpp"
#include "weir/result_future.hpp"

#include <concepts>
#include <utility>
#include <vector>

namespace weir {

template <class Out, std::convertible_to<Out> T>
void complete_as(result_future<Out>& done, T result) {
  done.complete(std::move(result));
}

/// Any number of results, which stay together.
template <class Out>
void complete_as(result_future<Out>& done, std::vector<Out> results) {
  done.complete(std::move(results));
}

template <class Out, class T>
void complete_as(result_future<Out>& done, expected<T> result) {
  if (result)
    complete_as(done, *std::move(result));
  else
    done.fail(std::move(result).why());
}

} // namespace weir
