// SPDX-License-Identifier: Apache-2.0
#include "model/testing/sample_batch.h"

#include <fmt/format.h>

#include <random>
#include <vector>

namespace clew::model::testing {
namespace {

class Sampler {
 public:
  explicit Sampler(uint32_t seed) : random_(seed) {}

  SpanBatch make(size_t spans) {
    for (int i = 0; i < 3; ++i) {
      Resource resource;
      resource.attributes = attributes();
      resource.dropped_attributes = below(2);
      resource.schema_url = text("schema", 2);
      resource.entity_refs = batch_.blobs.intern(below(2) == 0 ? "" : "refs");
      batch_.resources.push_back(resource);
      batch_.scopes.push_back({text("scope", 3), text("1.", 3), attributes(), below(2), text("schema", 2)});
    }
    for (size_t i = 0; i < spans; ++i) add_span();
    return std::move(batch_);
  }

 private:
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }
  StringId text(const char* stem, uint32_t kinds) {
    return batch_.strings.intern(fmt::format("{}{}", stem, below(kinds)));
  }

  AttributeSet attributes() {
    std::vector<KeyType> keys;
    std::vector<uint64_t> values;
    for (uint32_t i = 0, count = below(9); i < count; ++i) {
      const auto type = static_cast<ValueType>(below(kValueTypeCount));
      keys.push_back(KeyType::of(text("key", 12), type));
      values.push_back(value(type));
    }
    const AttributeSet set = {batch_.intern_shape(keys), static_cast<uint32_t>(batch_.slots.size())};
    for (const uint64_t slot : values) batch_.slots.push_back(slot);
    return set;
  }

  uint64_t value(ValueType type) {
    switch (type) {
      case ValueType::Empty:
        return 0;
      case ValueType::String:
        return text("value-ü", 100);
      case ValueType::Bool:
        return below(2);
      case ValueType::Int:
        return random_() >> below(64);
      case ValueType::Double:
        return random_();
      default:
        return batch_.blobs.intern(std::string(below(3), '\xff') + std::to_string(below(50)));
    }
  }

  void add_span() {
    for (uint32_t i = 0, count = below(3); i < count; ++i)
      batch_.events.push_back({time(), text("event", 4), attributes(), below(2)});
    for (uint32_t i = 0, count = below(3); i < count; ++i)
      batch_.links.push_back(
          {{random_(), random_()}, {random_()}, text("state=", 2), attributes(), below(2), below(1024)});
    SpanRow span = {.trace_id = {0, 1 + below(7)}, .span_id = {random_()}, .parent_span_id = {below(2) * random_()}};
    span.start = time();
    span.end = span.start + below(1'000'000);
    if (below(10) == 0) span.end = random_();
    span.name = text("name", 6);
    span.kind = static_cast<int32_t>(below(8)) - 1;
    span.status_code = static_cast<int32_t>(below(4)) - 1;
    span.flags = static_cast<uint32_t>(random_());
    span.resource = below(3);
    span.scope = below(3);
    span.attributes = attributes();
    if (below(3) == 0) span.rare = {text("state=", 3), text("message", 3), below(9), below(9), below(9)};
    batch_.add_span(span);
  }

  UnixNanos time() {
    return below(20) == 0 ? random_() : 1'700'000'000 * kNanosPerSecond + random_() % kNanosPerSecond;
  }

  std::mt19937_64 random_;
  SpanBatch batch_;
};

std::string describe_list(const SpanBatch& batch, const AttributeSet& set) {
  std::string out = "[";
  const auto keys = batch.keys(set);
  for (size_t i = 0; i < keys.size(); ++i) {
    const uint64_t slot = batch.slots[set.first_slot + i];
    out += fmt::format("{}:{}=", batch.strings.at(keys[i].key()), static_cast<int>(keys[i].type()));
    switch (keys[i].type()) {
      case ValueType::String:
        out += batch.strings.at(static_cast<StringId>(slot));
        break;
      case ValueType::Bytes:
      case ValueType::Array:
      case ValueType::KvList:
        out += batch.blobs.at(static_cast<BlobId>(slot));
        break;
      default:
        out += std::to_string(slot);
    }
    out += ' ';
  }
  return out + "]";
}

}  // namespace

SpanBatch sample_batch(uint32_t seed, size_t spans) { return Sampler(seed).make(spans); }

std::string describe(const SpanBatch& batch, size_t row) {
  const SpanRow span = batch.span(row);
  const Resource& resource = batch.resources[span.resource];
  const Scope& scope = batch.scopes[span.scope];
  std::string out = fmt::format(
      "span {} {} {} {} {} '{}' kind={} status={} flags={} {} state='{}' message='{}' dropped={},{},{}\n",
      span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), span.start, span.end,
      batch.strings.at(span.name), span.kind, span.status_code, span.flags, describe_list(batch, span.attributes),
      batch.strings.at(span.rare.trace_state), batch.strings.at(span.rare.status_message), span.rare.dropped_attributes,
      span.rare.dropped_events, span.rare.dropped_links);
  out += fmt::format("  resource {} dropped={} schema='{}' refs='{}' service='{}'\n",
                     describe_list(batch, resource.attributes), resource.dropped_attributes,
                     batch.strings.at(resource.schema_url), batch.blobs.at(resource.entity_refs),
                     batch.strings.at(batch.service_name(resource.attributes)));
  out += fmt::format("  scope '{}' '{}' {} dropped={} schema='{}'\n", batch.strings.at(scope.name),
                     batch.strings.at(scope.version), describe_list(batch, scope.attributes), scope.dropped_attributes,
                     batch.strings.at(scope.schema_url));
  for (uint32_t i = batch.events_begin(row); i < batch.events_end[row]; ++i) {
    const Event& event = batch.events[i];
    out += fmt::format("  event {} '{}' {} dropped={}\n", event.time, batch.strings.at(event.name),
                       describe_list(batch, event.attributes), event.dropped_attributes);
  }
  for (uint32_t i = batch.links_begin(row); i < batch.links_end[row]; ++i) {
    const Link& link = batch.links[i];
    out += fmt::format("  link {} {} '{}' {} dropped={} flags={}\n", link.trace_id.hex(), link.span_id.hex(),
                       batch.strings.at(link.trace_state), describe_list(batch, link.attributes),
                       link.dropped_attributes, link.flags);
  }
  return out;
}

std::string describe(const SpanBatch& batch) {
  std::string out;
  for (size_t row = 0; row < batch.span_count(); ++row) out += describe(batch, row);
  return out;
}

}  // namespace clew::model::testing
