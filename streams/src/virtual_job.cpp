// SPDX-License-Identifier: Apache-2.0
#include "weir/virtual_job.hpp"

#include "prepared_start.hpp"

#include "weir/job_keeper.hpp"
#include "weir/queued_work.hpp"
#include "weir/virtual_system.hpp"

#include <stdexcept>
#include <utility>

namespace weir::testing {

class virtual_job::impl {
public:
  impl(virtual_clock& clock, const job_plan& plan, const environment_options& environment,
       const run_options& options)
    : clock_(clock) {
    auto prepared = prepare_start(plan, environment, options, run_id::of_seed(options.seed.value_or(0)));
    how_ = std::move(prepared.how);
    result_ = std::move(prepared.ended);
    if (!result_)
      start(plan, options, std::move(prepared.settings));
    clock_.run();
  }

  ~impl() {
    if (!result_)
      keeper_->cancel();
    clock_.run();
    // A sink that prepares may be waited for until its grace is over.
    for (int seconds = 0; !result_ && seconds < 10; ++seconds)
      clock_.advance(std::chrono::seconds{1});
    clock_.system().remove_idler(this);
  }

  void start(const job_plan& plan, const run_options& options, keeper_settings settings) {
    settings.seed = options.seed.value_or(0);
    settings.run = run_id::of_seed(settings.seed);
    settings.wait_for_fd = [](const fd_wait&, const std::function<void()>&) {
      throw std::logic_error("it waits for a file descriptor, which a virtual job cannot");
    };
    settings.wall_clock = [this] { return clock_.wall_time(); };
    settings.in_virtual_time = true;
    settings.on = std::make_unique<queued_work>(clock_.system());
    keeper_.emplace(clock_.system().system(), plan, std::move(settings));
    if (auto mistakes = keeper_->start([this](job_result how) { result_ = std::move(how); });
        !mistakes.empty()) {
      result_ = not_started(std::move(mistakes));
      return;
    }
    clock_.system().add_idler(this, [this](bool at_rest) {
      return keeper_->look_at_futures(clock_.system().now(), at_rest);
    });
  }

  virtual_clock& clock_;
  job_start how_;
  std::optional<job_result> result_;
  /// Absent where nothing was started.
  std::optional<job_keeper> keeper_;
};

virtual_job::virtual_job(virtual_clock& clock, const environment& env, std::string name,
                         const run_options& options) {
  auto plan = env.plan();
  plan.name = std::move(name);
  impl_ = std::make_unique<impl>(clock, plan, env.options(), options);
}

virtual_job::~virtual_job() = default;

const std::optional<job_result>& virtual_job::result() const {
  return impl_->result_;
}

const job_start& virtual_job::how_started() const {
  return impl_->how_;
}

job_status virtual_job::status() const {
  return impl_->keeper_ ? impl_->keeper_->status() : status_of(impl_->how_);
}

void virtual_job::drain(duration deadline) {
  if (!impl_->result_)
    impl_->keeper_->drain(deadline);
  impl_->clock_.run();
}

void virtual_job::stop() {
  if (!impl_->result_)
    impl_->keeper_->stop();
  impl_->clock_.run();
}

void virtual_job::cancel() {
  if (!impl_->result_)
    impl_->keeper_->cancel();
  impl_->clock_.run();
}

} // namespace weir::testing
