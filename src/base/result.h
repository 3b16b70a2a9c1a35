// SPDX-License-Identifier: Apache-2.0
//
// Result<T> is a value or an Error, and cannot be ignored: every operation that can fail for a reason outside the
// program returns one. Clew's own code neither throws nor catches, except in the adapters around a library that throws.
//
//   Result<File> open(std::string_view path);
//
//   Result<void> use() {
//     File file = TRY(open("a"));           // returns the Error to our caller
//     TRY(file.sync());
//     return {};
//   }
//
// MUST(expr) is for what cannot fail; say in a comment why it cannot.
#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/error.h"

namespace clew {

template <class T>
class [[nodiscard]] Result {
 public:
  using Value = T;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    CHECK(ok());
    return std::get<0>(state_);
  }
  const T& value() const& {
    CHECK(ok());
    return std::get<0>(state_);
  }
  T&& value() && {
    CHECK(ok());
    return std::get<0>(std::move(state_));
  }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }

  const Error& error() const& {
    CHECK(!ok());
    return std::get<1>(state_);
  }
  Error&& error() && {
    CHECK(!ok());
    return std::get<1>(std::move(state_));
  }

 private:
  std::variant<T, Error> state_;
};

// Success is one null pointer.
template <>
class [[nodiscard]] Result<void> {
 public:
  using Value = void;

  Result() = default;
  Result(Error error) : error_(std::make_unique<Error>(std::move(error))) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return error_ == nullptr; }
  explicit operator bool() const { return ok(); }
  void value() const { CHECK(ok()); }

  const Error& error() const& {
    CHECK(!ok());
    return *error_;
  }
  Error&& error() && {
    CHECK(!ok());
    return std::move(*error_);
  }

 private:
  std::unique_ptr<Error> error_;
};

}  // namespace clew

// Evaluates to the value of a Result, or returns its Error from the enclosing function.
#define TRY(expression) CLEW_TRY(expression, CLEW_UNIQUE(clew_result_, __COUNTER__))

// Evaluates to the value of a Result that cannot be an Error; stops the program if it is one.
#define MUST(expression) CLEW_MUST(expression, CLEW_UNIQUE(clew_result_, __COUNTER__))

// A name of its own for each use, so that one TRY may stand inside another.
#define CLEW_UNIQUE(name, number) CLEW_JOIN(name, number)
#define CLEW_JOIN(name, number) name##number

#define CLEW_TRY(expression, result)                    \
  __extension__({                                       \
    auto result = (expression);                         \
    if (!result.ok()) return std::move(result).error(); \
    std::move(result).value();                          \
  })

#define CLEW_MUST(expression, result)                                                         \
  __extension__({                                                                             \
    auto result = (expression);                                                               \
    if (!result.ok()) ::clew::detail::must_failed(result.error().what(), __FILE__, __LINE__); \
    std::move(result).value();                                                                \
  })
