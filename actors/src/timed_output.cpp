// SPDX-License-Identifier: Apache-2.0
#include "timed_output.hpp"

#include <algorithm>
#include <utility>

namespace weir {

timed_output::timed_output(std::unique_ptr<batch_base> prototype, std::int64_t staged_max,
                           output& to, taker take)
  : staging_(std::move(prototype)), staged_max_(staged_max), to_(to), take_(std::move(take)) {
  open_ = staging_.get();
}

void timed_output::open() {
  records_left_ = failed_ ? 0 : std::min(to_.records_left(), staged_max_);
  bytes_left_ = to_.bytes_left();
}

void timed_output::pass() {
  if (staging_->records() > 0) {
    failed_ = !take_(*staging_);
    staging_->clear();
  }
  open();
}

void timed_output::emit(const control& what) {
  pass();
  to_.emit(what);
}

} // namespace weir
