// SPDX-License-Identifier: Apache-2.0
#include "decode/otlp/span_sink.h"

#include <utility>

#include "decode/otlp/limits.h"

namespace clew::decode::otlp {
namespace {

// Groups begin in the order in which the known bad ones are listed, so one look at the next of them decides.
bool is_next(const std::vector<uint32_t>& known, size_t& passed, uint32_t ordinal) {
  if (passed == known.size() || known[passed] != ordinal) return false;
  ++passed;
  return true;
}

}  // namespace

SpanSink::SpanSink(model::SpanBatch& batch, size_t body_bytes, const BadGroups& known)
    : batch_(batch), left_(body_bytes * kDecodedBytesPerBodyByte + kDecodedBytesFree), known_(known) {}

bool SpanSink::begin_resource() {
  resource_bad_ = is_next(known_.resources, known_resources_passed_, resource_count_);
  resource_row_ = kNoRow;
  ++resource_count_;
  return charge(kResourceCharge);
}

bool SpanSink::begin_scope() {
  scope_bad_ = is_next(known_.scopes, known_scopes_passed_, scope_count_);
  scope_row_ = kNoRow;
  ++scope_count_;
  return charge(kScopeCharge);
}

void SpanSink::end_resource(const model::Resource& resource, bool bad) {
  if (bad && !resource_bad_) found_.resources.push_back(resource_count_ - 1);
  if (resource_row_ == kNoRow) return;
  batch_.resources[resource_row_] = resource;
  batch_.resources[resource_row_].service_name = batch_.service_name(resource.attributes);
}

void SpanSink::end_scope(const model::Scope& scope, bool bad) {
  if (bad && !scope_bad_) found_.scopes.push_back(scope_count_ - 1);
  if (scope_row_ != kNoRow) batch_.scopes[scope_row_] = scope;
}

bool SpanSink::found_bad_groups(BadGroups& bad) const {
  if (found_.empty()) return false;
  bad = found_;
  return true;
}

bool SpanSink::add(model::SpanRow& span, std::optional<Reason> bad) {
  if (scope_bad_) bad = Reason::Scope;
  if (resource_bad_) bad = Reason::Resource;
  if (bad) [[unlikely]] {
    batch_.rewind(mark_);
    left_ = left_at_mark_;
    verdict_.reject(*bad);
    return true;
  }
  if (!charge(kSpanCharge)) return false;
  if (resource_row_ == kNoRow) {
    resource_row_ = static_cast<uint32_t>(batch_.resources.size());
    batch_.resources.push_back({});
  }
  if (scope_row_ == kNoRow) {
    scope_row_ = static_cast<uint32_t>(batch_.scopes.size());
    batch_.scopes.push_back({});
  }
  span.resource = resource_row_;
  span.scope = scope_row_;
  batch_.add_span(span);
  ++verdict_.accepted;
  return true;
}

Verdict SpanSink::take_verdict(uint64_t string_table_references) {
  verdict_.string_table_references = string_table_references;
  verdict_.explain();
  return std::move(verdict_);
}

}  // namespace clew::decode::otlp
