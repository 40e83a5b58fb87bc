// SPDX-License-Identifier: Apache-2.0
#include "weir/virtual_job.hpp"

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
    : clock_(clock), keeper_(clock.system().system(), plan, settings(clock, environment, options)) {
    auto mistakes = keeper_.start([this](job_result how) { result_ = std::move(how); });
    started_ = mistakes.empty();
    if (started_) {
      clock.system().add_idler(this, [this](bool at_rest) {
        return keeper_.look_at_futures(clock_.system().now(), at_rest);
      });
    } else {
      result_.emplace();
      result_->end = job_end::failed;
      result_->why = std::move(mistakes);
    }
    clock_.run();
  }

  ~impl() {
    if (!result_)
      keeper_.cancel();
    clock_.run();
    // A sink that prepares may be waited for until its grace is over.
    for (int seconds = 0; !result_ && seconds < 10; ++seconds)
      clock_.advance(std::chrono::seconds{1});
    clock_.system().remove_idler(this);
  }

  static keeper_settings settings(virtual_clock& clock, const environment_options& environment,
                                  const run_options& options) {
    return {{.keep_partial = options.keep_partial,
             .seed = options.seed.value_or(0),
             .run = run_id::of_seed(options.seed.value_or(0)),
             .wait_for_fd =
               [](const fd_wait&, const std::function<void()>&) {
                 throw std::logic_error("it waits for a file descriptor, which a virtual job cannot");
               },
             .wall_clock = [&clock] { return clock.wall_time(); },
             .in_virtual_time = true,
             .log = environment.log},
            std::make_unique<queued_work>(clock.system())};
  }

  virtual_clock& clock_;
  std::optional<job_result> result_;
  bool started_ = false;
  job_keeper keeper_;
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

job_status virtual_job::status() const {
  return impl_->keeper_.status();
}

void virtual_job::drain(duration deadline) {
  if (!impl_->result_)
    impl_->keeper_.drain(deadline);
  impl_->clock_.run();
}

void virtual_job::cancel() {
  if (!impl_->result_)
    impl_->keeper_.cancel();
  impl_->clock_.run();
}

} // namespace weir::testing
