// SPDX-License-Identifier: Apache-2.0
#include "decode/otlp/span_sink.h"

#include "decode/otlp/limits.h"

namespace clew::decode::otlp {

SpanSink::SpanSink(model::SpanBatch& batch, size_t body_bytes)
    : batch_(batch), left_(body_bytes * kDecodedBytesPerBodyByte + kDecodedBytesFree) {}

void SpanSink::begin_resource(bool bad) {
  resource_ = {};
  resource_bad_ = bad;
  resource_row_ = kNoRow;
  begin_scope();
}

void SpanSink::begin_scope(bool bad) {
  scope_ = {};
  scope_bad_ = bad;
  scope_row_ = kNoRow;
}

void SpanSink::set_resource(const model::Resource& resource) {
  resource_ = resource;
  resource_.service_name = batch_.service_name(resource.attributes);
  if (resource_row_ != kNoRow) batch_.resources[resource_row_] = resource_;
}

void SpanSink::set_scope(const model::Scope& scope) {
  scope_ = scope;
  if (scope_row_ != kNoRow) batch_.scopes[scope_row_] = scope_;
}

bool SpanSink::add(model::SpanRow& span, std::optional<Reason> bad) {
  if (resource_bad_) bad = Reason::Resource;
  if (scope_bad_ && !resource_bad_) bad = Reason::Scope;
  if (bad) [[unlikely]] {
    batch_.rewind(mark_);
    left_ = left_at_mark_;
    verdict_.reject(*bad);
    return true;
  }
  if (!charge(kSpanCharge)) return false;
  if (resource_row_ == kNoRow) {
    resource_row_ = static_cast<uint32_t>(batch_.resources.size());
    batch_.resources.push_back(resource_);
  }
  if (scope_row_ == kNoRow) {
    scope_row_ = static_cast<uint32_t>(batch_.scopes.size());
    batch_.scopes.push_back(scope_);
  }
  span.resource = resource_row_;
  span.scope = scope_row_;
  batch_.add_span(span);
  ++verdict_.accepted;
  return true;
}

}  // namespace clew::decode::otlp
