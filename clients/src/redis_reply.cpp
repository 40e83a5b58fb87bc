// SPDX-License-Identifier: Apache-2.0

#include "redis_reply.hpp"

#include <hiredis/hiredis.h>
#include <new>

namespace weir::detail {

namespace {

/// Where the reply of a task is written to.
redis_reply* place_of(const redisReadTask* task) noexcept {
  if (task->parent == nullptr)
    return static_cast<redis_reply*>(task->privdata);
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
    auto* const of = place_of(task);
    of->what = redis_reply::kind::list;
    of->list.clear();
    of->list.resize(static_cast<std::size_t>(elements < 0 ? 0 : elements));
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

redis_replies::redis_replies(std::size_t bytes_max)
  : bytes_max_(bytes_max),
    reader_(::redisReaderCreateWithFunctions(&functions)) {
  if (reader_ == nullptr)
    throw std::bad_alloc{};
  reader_->privdata = &root_;
  // It would give its buffer back and take a new one for each reply that is not small.
  reader_->maxbuf = 0;
}

redis_replies::~redis_replies() = default;

void redis_replies::feed(std::string_view bytes) {
  if (::redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK)
    throw std::bad_alloc{};
}

expected<redis_reply*> redis_replies::next() {
  void* reply = nullptr;
  if (::redisReaderGetReply(reader_.get(), &reply) != REDIS_OK)
    return error{error_kind::connection_lost, "redis", std::string{"what came is no reply: "} + reader_->errstr};
  if (reply == nullptr && reader_->len - reader_->pos > bytes_max_)
    return error{error_kind::connection_lost, "redis",
                 "a reply is larger than the " + std::to_string(bytes_max_ >> 20) + " MiB that are taken"};
  return static_cast<redis_reply*>(reply);
}

} // namespace weir::detail
