// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Where the threads of a service put records for an operator, and its stages take them. Records lie in
/// batches behind one mutex, which is held for a push, with at most one message to each stage under way. A
/// feed is bounded: by the records that were pushed and that the operator has not taken in, and by their
/// bytes. Who finds no room stands in line, a thread or a coroutine, and is served in the order of coming:
/// room that appears is given to the first in line, so nobody is overtaken, and no record is moved from
/// before it is taken, unless its `held_bytes` throws. A coroutine that has left the line goes on when the
/// mutex is free, one after the other; one that goes on may destroy others that have not. A feed belongs to
/// one job at a time and is open while that runs.
///
/// The barrier of a checkpoint is put into all lanes in one go, so what is in front of it is what had been taken at
/// one moment, in all instances. It waits for nothing: a stage fetches what stands in front of it also when its
/// operator has no room.
///
/// Pushers call from any thread, and so may whoever ends the job; each lane is used by its stage. User code
/// is never run under the mutex, but for the move of a record and its `held_bytes`.
/// tests/threads/push_feed_test.cpp.

#include "weir/batch.hpp"
#include "weir/durability.hpp"
#include "weir/error.hpp"
#include "weir/ticket.hpp"
#include "weir/ticket_desk.hpp"

#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir {

/// What came of a push that does not wait.
enum class push_result : std::uint8_t {
  taken,
  /// There is no room just now.
  full,
  /// Nothing is taken any more, or not yet: no job runs, or its input has ended.
  closed,
};

struct push_options {
  /// Where the record comes from in the pusher's own count; absent: its number among the records that
  /// were pushed without a position into this service, from 0 on. A process that goes on from the checkpoint of
  /// another does not know which numbers that gave behind it, and begins at the next multiple of 2^32: a record that
  /// is pushed again has another number then. Two processes that crash one after the other, both in front of their
  /// first checkpoint, give the same. Give all records a position or none.
  std::optional<std::uint64_t> position{};
  event_time timestamp{};
};

/// How much may lie in each lane of a feed.
struct feed_limits {
  /// Records that were pushed and not taken in. > 0.
  std::size_t records = 100;
  /// Bytes that they hold; one record above it passes alone. > 0.
  std::size_t bytes = 64 * 1024 * 1024;
};

/// Where a feed stands at the barrier of a checkpoint: with what the run that goes on from it begins.
struct feed_cut {
  /// The number of the next record that is pushed without a position.
  std::uint64_t next_number = 0;
  /// Behind the highest position that was given; absent: none was.
  std::optional<std::uint64_t> resume_from{};
  /// The newest that was pushed; none: none was.
  event_time watermark{};
  /// Its pushers have ended the input.
  bool ended = false;

  friend bool operator==(const feed_cut&, const feed_cut&) = default;
};

/// How a run of a feed begins.
struct feed_run {
  /// Nobody waits, for room or for a ticket: the thread that would is the one that lets the clock run.
  bool in_virtual_time = false;
  /// The number of its first checkpoint. Absent: it makes none.
  std::optional<std::uint64_t> first_checkpoint{};
  /// Where it goes on; absent: it begins anew.
  std::optional<feed_cut> from{};
  /// Told from which position on, before anything is taken; may be null.
  std::function<void(std::optional<std::uint64_t>)> on_start{};
};

/// Any run: see `push_request`.
inline constexpr std::uint64_t any_run = UINT64_MAX;

/// A record that is to be pushed. It stays the pusher's, who is still there, until it is taken.
struct push_request {
  /// Points to an `In`.
  void* record = nullptr;
  push_options where{};
  /// Only of a feed with keys.
  key_hash key = 0;
  /// May be null.
  std::shared_ptr<ticket_state> ticket{};
  /// The run that it is for; to it every other is closed.
  std::uint64_t run = any_run;
};

struct waiting_push;

/// Requests in the order of their coming.
struct waiting_line {
  waiting_push* first = nullptr;
  waiting_push* last = nullptr;

  void push_back(waiting_push& what) noexcept;
  void remove(waiting_push& what) noexcept;
};

/// A request that stands in line.
struct waiting_push : push_request {
  enum class state : std::uint8_t { outside, in_line, taken, refused };

  explicit waiting_push(push_request what) : push_request(std::move(what)) {}
  waiting_push(waiting_push&&) = default;

  state is = state::outside;
  /// Goes on when it leaves the line; null: a thread waits.
  std::coroutine_handle<> coroutine;
  /// What the waiting thread waits on.
  std::condition_variable* come = nullptr;
  /// With `refused`.
  error why{};
  /// With `refused`: what the record threw when it was moved.
  std::exception_ptr thrown;
  /// Where it stands: in a line for room, or among the coroutines that are to go on. Null: nowhere.
  waiting_line* stands_in = nullptr;
  waiting_push* next = nullptr;
  waiting_push* previous = nullptr;
};

/// What lies in a feed for one instance. The feed's own, but for `desk`, which is its stage's.
struct push_lane {
  std::uint32_t number = 0;
  /// Full ones, oldest first, then the one that is being filled.
  std::deque<std::shared_ptr<batch_base>> full;
  std::shared_ptr<batch_base> open;
  std::vector<std::shared_ptr<batch_base>> spare;
  /// Those that were pushed since the stage last took a batch.
  std::vector<ticketed_record> tickets;
  ticket_desk desk;
  std::uint64_t pushed = 0;
  std::uint64_t admitted = 0;
  std::size_t bytes = 0;
  std::function<void()> wake;
  /// The stage knows that there is something, or a message says so.
  bool woken = false;
  /// That stand among `full`.
  std::size_t barriers = 0;
  /// Of the records that a checkpoint gave back and that were not taken in; `bytes` counts them while there are some.
  std::size_t restored_bytes = 0;
  std::uint64_t restored = 0;
  /// All lanes' of a run. Null: it makes no checkpoints.
  std::shared_ptr<weir::durability> durability;
};

class push_feed_base {
public:
  /// Tells a stage, under the feed's lock, that something lies in its lane.
  using wake_up = std::function<void()>;

  /// What a stage takes at once; null where nothing was there.
  struct taken_batch {
    std::shared_ptr<batch_base> of;
    /// There is more behind it.
    bool more = false;
  };

  /// What a pusher needs to know to begin.
  struct place {
    std::uint64_t run = 0;
    /// The first position that the run does not have; absent: it begins, or no positions were given.
    std::optional<std::uint64_t> resume_from{};
  };

  /// `thing` names the service in errors.
  push_feed_base(std::string thing, feed_limits limits, bool keyed);
  virtual ~push_feed_base() = default;
  push_feed_base(const push_feed_base&) = delete;
  push_feed_base& operator=(const push_feed_base&) = delete;

  // -- pushers --

  push_result try_push(push_request& what);

  /// Waits for room, until then at most. An error of the kinds `closed`, `timeout_error`, or `would_block`
  /// where it would have to wait on a thread that runs stages, or for a run in virtual time.
  expected<void> push(push_request what, duration at_most);

  /// Pushes, or puts the request in line. False where it did not come to that: see its state.
  bool stand_in_line(waiting_push& what);
  /// Takes the request out of the line, where it still is. Where it has left that, its coroutine does not go on
  /// if it has not begun to; what was taken stays taken.
  void leave_line(waiting_push& what) noexcept;

  /// Why nothing is taken of who pushes for this run, where that is so.
  error why_closed(std::uint64_t run = any_run) const;

  /// Of the present run, or of the last.
  place where() const;

  /// Behind all that has been pushed; watermarks with no record between them become one, and one that is not
  /// greater than all before it in this run, and in those that it goes on from, is dropped. Whether it was taken: not
  /// where the feed is closed. `run`: see `push_request`.
  bool push_watermark(event_time at, std::uint64_t run = any_run);

  /// Ends the input, behind all that has been pushed; who waits for room is refused. Whether it did: not
  /// where it had ended, or nothing runs. Coroutines go on inside; what they throw comes out when it is done.
  bool finish(std::uint64_t run = any_run) { return end_input(true, run); }

  // -- whoever runs the job --

  /// A run begins: the feed opens with so many lanes; where pushers had ended its input, it ends that again. Gives the
  /// number of the run. An error where another runs. What `on_start` throws comes out, and no run has begun.
  expected<std::uint64_t> open(std::uint32_t lanes, batch_limits batches, const feed_run& how = {});
  /// As `finish`, but of a job that is drained: whoever goes on from its last checkpoint takes more.
  bool drain() { return end_input(false, any_run); }
  /// Nothing more is taken; who waits for room is refused.
  void refuse(const error& why);
  /// The stages have ended: what is left is lost.
  void end_run(const error& why);

  /// Records that were taken since the run began, with those that it went on with; and those of them that no
  /// operator has taken in.
  std::uint64_t pushed(std::uint64_t run) const;
  std::uint64_t waiting(std::uint64_t run) const;

  // -- the stage of a lane --

  /// The lane of an instance of the present run.
  std::shared_ptr<push_lane> lane(std::uint32_t number) const;
  /// From now on `wake` is called when something comes; null: never more. Then the stage is to look.
  void listen(push_lane& of, wake_up wake);
  /// Takes the oldest batch. Where nothing is left, the next push wakes, unless the stage is `coming` by
  /// itself.
  taken_batch take(push_lane& from, bool coming);
  /// The stage has used up a batch of so many bytes; it says so before `admitted`.
  void give_back(push_lane& to, std::size_t bytes, std::shared_ptr<batch_base> empty);
  /// The operator has taken in so many records since the run began. Who stands in line gets the room that
  /// there is now; coroutines go on inside, and what they throw comes out.
  void admitted(push_lane& of, std::uint64_t records);

  // -- checkpoints; the stage of a lane --

  /// Before it takes anything: it goes on with so many records that had been pushed and not taken in.
  void restored(push_lane& to, std::uint64_t records, std::size_t bytes);
  /// Puts the barrier into all lanes of the run, and tells their stages. `last`: nothing is taken behind it; who waits
  /// for room is refused, and coroutines go on inside, what they throw is ignored. Absent: the run has ended.
  std::optional<feed_cut> begin_checkpoint(push_lane& of, std::uint64_t checkpoint, bool last);
  /// Takes all that stands in front of the newest barrier. Each is the last element of a batch.
  std::vector<std::shared_ptr<batch_base>> take_to_barrier(push_lane& from);

protected:
  virtual std::unique_ptr<batch_base> make_batch() const = 0;
  /// Moves the record into the batch. Either throws, or has done it.
  virtual void append(batch_base& to, const push_request& what, const origin& from) = 0;

  bool keyed() const noexcept { return keyed_; }

private:
  bool end_input(bool by_pushers, std::uint64_t run);
  expected<std::uint64_t> reserve(std::uint32_t lanes, batch_limits batches, const feed_run& how);
  void give_up_run() noexcept;
  void take_records_from_now_on();

  // -- under the lock --
  bool is_open_for(std::uint64_t run) const noexcept { return open_ && (run == any_run || run == run_); }
  error why_closed_for(std::uint64_t run) const;
  bool has_room(const push_lane& of) const noexcept;
  /// The lane that takes the request now, if any: none where others stand in line before it.
  push_lane* lane_for(const push_request& what) noexcept;
  std::size_t lane_of_key(key_hash key) const noexcept;
  waiting_line& line_for(const push_request& what) noexcept;
  void put(push_lane& to, push_request& what);
  /// Takes the request, refuses it, or finds no room: then it is `outside`.
  void decide(waiting_push& what);
  void append_to_all(const control& what);
  void put_barrier(push_lane& to, const control& barrier);
  void wake(push_lane& of);
  std::shared_ptr<batch_base> empty_batch(push_lane& of) const;
  /// Serves the line as far as the lane has room.
  void serve(push_lane& to, waiting_line& go_on);
  static void leave(waiting_push& what, waiting_push::state how, waiting_line& go_on) noexcept;
  void refuse_all(const error& why, waiting_line& go_on);

  // -- without it --
  /// Lets the coroutines go on; what one throws comes out when all have gone on.
  void resume(waiting_line& those);
  error closed(const std::string& message) const;

  const std::string thing_;
  const feed_limits limits_;
  const bool keyed_;

  mutable std::mutex mutex_;
  bool open_ = false;
  /// Why nothing is taken.
  error why_;
  bool running_ = false;
  bool in_virtual_time_ = false;
  std::uint64_t run_ = 0;
  batch_limits batches_;
  std::vector<std::shared_ptr<push_lane>> lanes_;
  /// One a lane where records have keys, else one.
  std::vector<waiting_line> lines_;
  std::size_t next_lane_ = 0;
  /// Where it stands now.
  feed_cut now_;
  /// Where the run began.
  std::optional<std::uint64_t> resume_from_;
  std::shared_ptr<weir::durability> durability_;
  /// The number of the first checkpoint that has what is pushed now.
  std::uint64_t next_checkpoint_ = 0;
};

template <class In>
class push_feed final : public push_feed_base {
public:
  using push_feed_base::push_feed_base;

private:
  std::unique_ptr<batch_base> make_batch() const override { return std::make_unique<batch<In>>(); }

  void append(batch_base& to, const push_request& what, const origin& from) override {
    auto& into = static_cast<batch<In>&>(to);
    auto& record = *static_cast<In*>(what.record);
    if (keyed())
      into.append(std::move(record), what.where.timestamp, from, what.key);
    else
      into.append(std::move(record), what.where.timestamp, from);
  }
};

} // namespace weir
