// SPDX-License-Identifier: Apache-2.0
//
// base::Error says what went wrong in words for a person and with a code for a program. The codes are gRPC's
// canonical ones, so that every door translates them the same way: each has one HTTP status, one gRPC status, one
// exit code of the command line, and an answer to "may the sender try again?".
//
// The wording is not an interface: programs and tests look at the code.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace clew {

// Values equal gRPC's status codes. A new code needs a caller that would act on it differently.
enum class Code : uint8_t {
  Cancelled = 1,
  Unknown = 2,
  InvalidArgument = 3,
  DeadlineExceeded = 4,
  NotFound = 5,
  AlreadyExists = 6,
  PermissionDenied = 7,
  ResourceExhausted = 8,  // over a size limit: the same request can never succeed
  FailedPrecondition = 9,
  Aborted = 10,
  OutOfRange = 11,
  Unimplemented = 12,
  Internal = 13,
  Unavailable = 14,  // overload, full disk, failed sync: try again later
  DataLoss = 15,     // a checksum does not match
  Unauthenticated = 16,
};

struct CodeInfo {
  std::string_view name;  // as gRPC writes it, for example "INVALID_ARGUMENT"
  int http_status;
  int exit_code;
  bool retryable;  // may a sender try the very same request again?
};

// The row of `code` in the table above the definition. Never fails: an unknown value reads as Unknown.
const CodeInfo& info(Code code);

class Error {
 public:
  Error(Code code, std::string what) : code_(code), what_(std::move(what)) {}

  Code code() const { return code_; }
  const std::string& what() const { return what_; }

  // The same error with `context` in front: "while opening a.wal: no space left".
  Error with(std::string_view context) const { return {code_, std::string(context) + ": " + what_}; }

 private:
  Code code_;
  std::string what_;
};

}  // namespace clew
