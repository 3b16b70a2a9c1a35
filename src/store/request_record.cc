// SPDX-License-Identifier: Apache-2.0
#include "store/request_record.h"

#include <xxhash.h>

#include "codec/varint.h"
#include "model/batch_codec.h"

namespace clew::store {
namespace {

constexpr uint64_t kRecordVersion = 1;
constexpr size_t kBatchHashBytes = 16;

BatchHash hash_of(std::string_view batch) {
  const XXH128_hash_t hash = XXH3_128bits(batch.data(), batch.size());
  return {hash.low64, hash.high64};
}

Error damaged(std::string_view what) { return {Code::DataLoss, "request record: " + std::string(what)}; }

}  // namespace

std::string encode_request(std::string_view tenant, Door door, UnixNanos received, const model::SpanBatch& spans) {
  std::string out;
  codec::append_varint(out, kRecordVersion);
  codec::append_varint(out, tenant.size());
  out += tenant;
  out += static_cast<char>(door);
  append(out, received);
  const size_t hash_at = out.size();
  out.append(kBatchHashBytes, '\0');
  encode_batch(spans, out);
  const BatchHash hash = hash_of(std::string_view(out).substr(hash_at + kBatchHashBytes));
  put(out.data() + hash_at, hash);
  return out;
}

Result<RequestHeader> read_request_header(Bytes payload) {
  const uint8_t* next = payload.data();
  const uint8_t* const end = next + payload.size();
  uint64_t version = 0;
  uint64_t tenant_bytes = 0;
  if (!codec::read_varint(next, end, version) || version != kRecordVersion) return damaged("unknown version");
  if (!codec::read_varint(next, end, tenant_bytes)) return damaged("no tenant");
  constexpr size_t kFixedBytes = sizeof(Door) + sizeof(UnixNanos) + kBatchHashBytes;
  const auto left = static_cast<uint64_t>(end - next);
  if (tenant_bytes > left || left - tenant_bytes < kFixedBytes) return damaged("too short");

  RequestHeader header;
  header.tenant = as_text({next, tenant_bytes});
  next += tenant_bytes;
  header.door = static_cast<Door>(*next++);
  header.received = load<UnixNanos>(next);
  next += sizeof(UnixNanos);
  header.hash = {load<uint64_t>(next), load<uint64_t>(next + sizeof(uint64_t))};
  header.batch = {next + kBatchHashBytes, end};
  return header;
}

Result<RequestRecord> decode_request(Bytes payload) {
  const RequestHeader header = TRY(read_request_header(payload));
  RequestRecord record;
  record.tenant = header.tenant;
  record.door = header.door;
  record.received = header.received;
  record.spans = TRY(model::decode_batch(header.batch));
  return record;
}

}  // namespace clew::store
