// SPDX-License-Identifier: Apache-2.0
//
// SpanSink is the part of decoding OTLP traces that does not depend on the encoding: which resource and scope a span
// belongs to, the rules for ids, the verdict, and the account of memory.
//
// A resource or scope enters the batch with its first good span, so that a batch has none without spans. What it says
// may stand behind its spans in the request, and if it is bad they are refused. Looking for it first would step over
// every span, one cache miss each, to find what is hardly ever there. So a decoder takes everything in the order in
// which it comes and trusts; if resources or scopes turn out bad, it starts again knowing which:
//
//   BadGroups bad;
//   for (;;) {
//     SpanSink sink(batch, body.size(), bad);
//     … begin_resource, begin_scope, begin_span, add, end_scope(scope, is_bad), end_resource(resource, is_bad) …
//     if (!sink.found_bad_groups(bad)) break;
//     batch = {};
//   }
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "decode/verdict.h"
#include "model/span_batch.h"

namespace clew::decode::otlp {

// The resources and scopes of a request that cannot be kept, by their order of appearance.
struct BadGroups {
  std::vector<uint32_t> resources, scopes;

  bool empty() const { return resources.empty() && scopes.empty(); }
};

class SpanSink {
 public:
  // `body_bytes` bounds the memory of the batch; see limits.h. `known` must outlive the sink.
  SpanSink(model::SpanBatch& batch, size_t body_bytes, const BadGroups& known);

  // The spans between belong to the resource (scope), which is described at its end. False if the batch takes more
  // than allowed.
  [[nodiscard]] bool begin_resource();
  [[nodiscard]] bool begin_scope();
  void end_resource(const model::Resource& resource, bool bad);
  void end_scope(const model::Scope& scope, bool bad);

  // True, with `bad` extended, if spans were taken that must not be kept.
  bool found_bad_groups(BadGroups& bad) const;

  // A span begins: the events and links that now enter the batch are its own.
  void begin_span() {
    mark_ = batch_.mark();
    left_at_mark_ = left_;
  }
  // Ends the span: it is added, or, if there is a reason against it, its children are taken out again. False if the
  // batch takes more than allowed.
  [[nodiscard]] bool add(model::SpanRow& span, std::optional<Reason> bad);

  // Counts bytes that the batch takes; false once they are more than allowed.
  [[nodiscard]] bool charge(size_t bytes) {
    if (bytes > left_) return false;
    left_ -= bytes;
    return true;
  }

  // What became of the spans; for the second time nothing.
  Verdict take_verdict(uint64_t string_table_references);

 private:
  static constexpr uint32_t kNoRow = UINT32_MAX;

  model::SpanBatch& batch_;
  size_t left_;
  model::SpanBatch::Mark mark_{};
  size_t left_at_mark_ = 0;
  Verdict verdict_;
  const BadGroups& known_;
  BadGroups found_;
  uint32_t resource_count_ = 0;  // begun so far
  uint32_t scope_count_ = 0;
  size_t known_resources_passed_ = 0;
  size_t known_scopes_passed_ = 0;
  bool resource_bad_ = false;
  bool scope_bad_ = false;
  uint32_t resource_row_ = kNoRow;
  uint32_t scope_row_ = kNoRow;
};

// What one span, event, link and attribute take of a batch.
constexpr size_t kSpanCharge = 104;
constexpr size_t kEventCharge = sizeof(model::Event);
constexpr size_t kLinkCharge = sizeof(model::Link);
// A slot, and a key in a shape of its own.
constexpr size_t kAttributeCharge = sizeof(uint64_t) + sizeof(model::KeyType);
constexpr size_t kResourceCharge = sizeof(model::Resource);
constexpr size_t kScopeCharge = sizeof(model::Scope);

// The id in `bytes`; nothing if the length is wrong. Zero is an id here.
inline std::optional<model::TraceId> trace_id_of(Bytes bytes) {
  if (bytes.size() != model::TraceId::kBytes) return std::nullopt;
  return model::TraceId::from_bytes(bytes.data());
}
inline std::optional<model::SpanId> span_id_of(Bytes bytes) {
  if (bytes.size() != model::SpanId::kBytes) return std::nullopt;
  return model::SpanId::from_bytes(bytes.data());
}

}  // namespace clew::decode::otlp
