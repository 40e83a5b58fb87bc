// SPDX-License-Identifier: Apache-2.0

#include "redis_reply.hpp"

#include <hiredis/hiredis.h>
#include <new>

namespace weir::detail {

namespace {

/// Where the reply of a task is written to.
redis_reply* place_of(const redisReadTask* task) noexcept {
  if (task->parent == nullptr)
    return &static_cast<redis_replies::reading*>(task->privdata)->root;
  return &static_cast<redis_reply*>(task->parent->obj)->list[static_cast<std::size_t>(task->idx)];
}

// The parser is C: nothing may be thrown through it, and null means that there is no memory.

void* make_string(const redisReadTask* task, char* bytes, std::size_t size) noexcept {
  try {
    auto* const of = place_of(task);
    of->what = task->type == REDIS_REPLY_ERROR    ? redis_reply::kind::error
               : task->type == REDIS_REPLY_STATUS ? redis_reply::kind::status
                                                  : redis_reply::kind::string;
    of->text.assign(bytes, size);
    return of;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void* make_list(const redisReadTask* task, int elements) noexcept {
  try {
    const auto size = static_cast<std::size_t>(elements < 0 ? 0 : elements);
    if (size > static_cast<const redis_replies::reading*>(task->privdata)->elements_max)
      return nullptr;
    auto* const of = place_of(task);
    of->what = redis_reply::kind::list;
    of->list.clear();
    of->list.resize(size);
    return of;
  } catch (const std::exception&) {
    return nullptr;
  }
}

void* make_integer(const redisReadTask* task, long long value) noexcept {
  auto* const of = place_of(task);
  of->what = redis_reply::kind::integer;
  of->integer = value;
  return of;
}

void* make_nil(const redisReadTask* task) noexcept {
  auto* const of = place_of(task);
  of->what = redis_reply::kind::nil;
  return of;
}

/// What was read belongs to its reader.
void free_nothing(void*) noexcept {}

redisReplyObjectFunctions functions{make_string, make_list, make_integer, make_nil, free_nothing};

} // namespace

void redis_replies::reader_deleter::operator()(redisReader* of) const noexcept {
  ::redisReaderFree(of);
}

redis_replies::redis_replies()
  : reader_(::redisReaderCreateWithFunctions(&functions)) {
  if (reader_ == nullptr)
    throw std::bad_alloc{};
  reader_->privdata = &reading_;
  // It would give its buffer back and take a new one for each reply that is not small.
  reader_->maxbuf = 0;
}

redis_replies::~redis_replies() = default;

void redis_replies::feed(std::string_view bytes) {
  if (::redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK)
    throw std::bad_alloc{};
  unfinished_bytes_ += bytes.size();
}

expected<redis_reply*> redis_replies::next(std::size_t bytes_max) {
  // The shortest element has four bytes.
  reading_.elements_max = bytes_max / 4;
  const auto too_large = [&] {
    return error{error_kind::rejected, "redis",
                 "the answer has more than " + std::to_string(bytes_max >> 20) + " MiB; ask for less"};
  };
  void* reply = nullptr;
  if (::redisReaderGetReply(reader_.get(), &reply) != REDIS_OK)
    return reader_->err == REDIS_ERR_OOM
             ? too_large()
             : error{error_kind::connection_lost, "redis", std::string{"what came is no reply: "} + reader_->errstr};
  if (reply != nullptr)
    unfinished_bytes_ = reader_->len - reader_->pos;
  else if (unfinished_bytes_ > bytes_max)
    return too_large();
  return static_cast<redis_reply*>(reply ? &reading_.root : nullptr);
}

} // namespace weir::detail
