// SPDX-License-Identifier: Apache-2.0
//
// What the spans of the shop say about themselves: names, attributes, events and status as OpenTelemetry's semantic
// conventions (1.34) have them. demo/traffic.cc decides what happens, this file in which words it is told.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "demo/drafts.h"
#include "demo/shop.h"

namespace clew::demo {

struct Message {
  std::string_view system = "";
  std::string_view topic = "";
  uint64_t id = 0;
  uint64_t partition = 0;
};

// What one customer wants.
struct Journey {
  uint64_t customer;
  uint64_t session;
  uint64_t order;
  uint64_t product;
  double amount;
  std::string_view currency;
  std::string_view payment;
  std::string_view user_agent;
  Message message = {};  // that a consumer works on
};

Journey new_journey(std::mt19937_64& random);

// A copy of a service on some node of the cluster; `number` makes it differ from the others.
Instance describe_instance(const Service& service, std::string_view version, uint64_t number);

std::string span_name(const Operation& operation);

struct Served {
  bool step_failed;  // what it needed
  bool own_failure;
};
void describe_served(SpanDraft& span, const Operation& operation, const Journey& journey, const Served& served);

struct Called {
  bool failed;
  uint32_t attempt;  // 0 is the first
};
void describe_call(SpanDraft& span, const Operation& operation, const Journey& journey, const Called& called);

// `hit`: of a cache.
void describe_query(SpanDraft& span, const Step& step, const Journey& journey, std::optional<bool> hit);
void describe_external(SpanDraft& span, const Step& step, const Journey& journey, bool failed);
void describe_message(SpanDraft& span, const Message& message);

}  // namespace clew::demo
