// SPDX-License-Identifier: Apache-2.0
#include "delivery_port.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace weir {

namespace {

constexpr std::int64_t no_bound = INT64_MAX / 2;

/// A batch that one record with very many results has made greater is not worth keeping.
constexpr std::size_t reserved_max = 16'384;

step_failure failure_at(const batch_base& of, batch_cursor& at, std::string_view callback) {
  return {std::current_exception(), callback,
          "record " + at.origins.at(of.origins(), at.record).text()};
}

} // namespace

keeping_port::keeping_port(std::unique_ptr<batch_base> open, std::int64_t turn)
  : batch_(std::move(open)), turn_(turn) {
  open_ = batch_.get();
  share_out();
}

void keeping_port::share_out() noexcept {
  records_left_ = failure_ ? 0 : turn_;
  bytes_left_ = no_bound;
}

void keeping_port::clear() {
  records_ += batch_->records();
  batch_->clear();
  if (batch_->reserved() > reserved_max) {
    batch_ = batch_->fresh();
    open_ = batch_.get();
  }
  share_out();
}

delivery_port::delivery_port(std::unique_ptr<batch_base> open, delivery* to,
                             std::function<void(const control&)> on_control)
  : keeping_port(std::move(open), no_bound), to_(to), on_control_(std::move(on_control)) {}

void delivery_port::run_steps() {
  const auto dead_letters = beside_ == nullptr ? 0 : beside_->batch_->records();
  if (failure_ || (batch_->empty() && dead_letters == 0))
    return;
  const auto& controls = batch_->controls();
  for (std::size_t i = 0; i < controls.size() && !failure_; ++i) {
    // Each control element has been emitted to both.
    deliver(controls[i].before, beside_ == nullptr ? 0 : beside_->batch_->controls()[i].before);
    if (failure_ || !on_control_)
      continue;
    try {
      on_control_(controls[i].what);
    } catch (...) {
      failure_ = step_failure{std::current_exception(), "on_watermark", {}};
    }
  }
  if (!failure_)
    deliver(batch_->records(), dead_letters);
  at_ = {};
  clear();
  if (beside_ != nullptr) {
    beside_->at_ = {};
    beside_->forget_places();
    beside_->clear();
  }
}

void delivery_port::deliver(std::size_t results_end, std::size_t dead_letters_end) {
  while (!failure_ && (at_.record < results_end || (beside_ != nullptr && beside_->at_.record < dead_letters_end))) {
    auto end = results_end;
    if (beside_ != nullptr && beside_->at_.record < dead_letters_end)
      end = std::min(end, beside_->before_[beside_->at_.record]);
    try {
      if (at_.record < end && to_ != nullptr)
        to_->give(*batch_, at_, end);
      at_.record = end;
    } catch (...) {
      failure_ = failure_at(*batch_, at_, "on_result");
      return;
    }
    if (beside_ == nullptr || beside_->at_.record == dead_letters_end)
      continue;
    try {
      beside_->to_.give(*beside_->batch_, beside_->at_, beside_->at_.record + 1);
    } catch (...) {
      failure_ = failure_at(*beside_->batch_, beside_->at_, "on_dead_letter");
    }
  }
}

void dead_letter_port::forget_places() {
  before_.clear();
  if (before_.capacity() > reserved_max)
    before_.shrink_to_fit();
}

dead_letter_port::dead_letter_port(std::unique_ptr<batch_base> open, delivery& to,
                                   delivery_port& results)
  : keeping_port(std::move(open), 1), to_(to), results_(results) {
  results.stand_beside(*this);
}

} // namespace weir
