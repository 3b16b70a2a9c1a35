// SPDX-License-Identifier: Apache-2.0
//
// SpanSink is the part of decoding OTLP traces that does not depend on the encoding: which resource and scope a span
// belongs to, the rules for ids, the verdict, and the account of memory.
//
// A resource or scope enters the batch with its first good span, so that a batch has none without spans. What it says
// may be handed over before its spans or after them, as the fields of the message come.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "decode/verdict.h"
#include "model/span_batch.h"

namespace clew::decode::otlp {

class SpanSink {
 public:
  // `body_bytes` bounds the memory of the batch; see limits.h.
  SpanSink(model::SpanBatch& batch, size_t body_bytes);

  // From here on spans belong to a new resource (scope); `bad` refuses them all.
  void begin_resource(bool bad = false);
  void begin_scope(bool bad = false);
  // What the present resource (scope) is.
  void set_resource(const model::Resource& resource);
  void set_scope(const model::Scope& scope);

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

  Verdict& verdict() { return verdict_; }

 private:
  static constexpr uint32_t kNoRow = UINT32_MAX;

  model::SpanBatch& batch_;
  size_t left_;
  model::SpanBatch::Mark mark_{};
  size_t left_at_mark_ = 0;
  Verdict verdict_;
  model::Resource resource_;
  model::Scope scope_;
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
