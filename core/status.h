// Status and Result<T>: how every fallible function of redthread reports failure.
//
// A Status carries a code, chosen by what the caller should do next, and one sentence that names the input,
// the place in it and the limit that was broken. Exceptions never cross a folder.
#pragma once

#include <cassert>
#include <string>
#include <utility>
#include <variant>

namespace redthread {

enum class StatusCode {
  kOk,
  kInvalid,      // the input itself is wrong (a rule, a line, a flag): report it, go on with the rest
  kNotFound,     // the thing asked for does not exist
  kUnavailable,  // may work later: retry with backoff
  kDenied,       // no right to it: report, do not retry
  kIo,           // a read or write failed: what is behind it cannot be trusted
  kLimit,        // a configured limit was reached
  kCorrupt,      // stored bytes are not what was written
};

class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}

  static Status Ok() { return {}; }
  static Status Invalid(std::string m) { return {StatusCode::kInvalid, std::move(m)}; }
  static Status NotFound(std::string m) { return {StatusCode::kNotFound, std::move(m)}; }
  static Status Unavailable(std::string m) { return {StatusCode::kUnavailable, std::move(m)}; }
  static Status Denied(std::string m) { return {StatusCode::kDenied, std::move(m)}; }
  static Status Io(std::string m) { return {StatusCode::kIo, std::move(m)}; }
  static Status Limit(std::string m) { return {StatusCode::kLimit, std::move(m)}; }
  static Status Corrupt(std::string m) { return {StatusCode::kCorrupt, std::move(m)}; }

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  const std::string& message() const { return message_; }

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
};

// Either a value or the Status that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}  // NOLINT(google-explicit-constructor): `return value;`
  Result(Status status)
      : state_(std::move(status)) {  // NOLINT(google-explicit-constructor): `return status;`
    assert(!std::get<Status>(state_).ok());
  }

  bool ok() const { return std::holds_alternative<T>(state_); }
  // The failure; Ok when there is a value.
  Status status() const { return ok() ? Status::Ok() : std::get<Status>(state_); }

  T& value() & {
    assert(ok());
    return std::get<T>(state_);
  }
  const T& value() const& {
    assert(ok());
    return std::get<T>(state_);
  }
  T&& value() && {
    assert(ok());
    return std::get<T>(std::move(state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Status> state_;
};

// Returns from the enclosing function when `expr`, a Status, is not ok.
#define RT_RETURN_IF_ERROR(expr)             \
  do {                                       \
    ::redthread::Status rt_status_ = (expr); \
    if (!rt_status_.ok()) return rt_status_; \
  } while (false)

}  // namespace redthread
