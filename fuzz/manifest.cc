// SPDX-License-Identifier: Apache-2.0
//
// A checkpoint and a delta of any bytes: decoding ends with a value or an error; what was decoded is the same after
// encoding and decoding; and a delta that can be applied leads to a state of which the same is true.
//
// Checksums would stop nearly every mutation at the door. So the first byte says, in bit 0, whether the input is shown
// as it is, as a delta and as a checkpoint; if not, the second and third say how much of the rest is the content of a
// checkpoint, what is left is that of a delta, and intact headers are put before both.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "store/manifest.h"
#include "store/testing/manifest_envelope.h"

namespace {

using namespace clew;
using namespace clew::store;
using testing::envelope;
using testing::kCheckpoint;
using testing::kDelta;

constexpr size_t kInputBytesMax = 64 << 10;

Result<VersionedDelta> delta_of(std::string_view bytes) {
  Result<VersionedDelta> delta = decode_delta(as_bytes(bytes));
  if (!delta.ok()) return delta;
  const auto again = decode_delta(as_bytes(encode_delta(delta->version, delta->delta)));
  CHECK(again.ok() && again->version == delta->version && again->delta == delta->delta);
  return delta;
}

Result<ManifestState> state_of(std::string_view bytes) {
  Result<ManifestState> state = decode_checkpoint(as_bytes(bytes));
  if (!state.ok()) return state;
  const auto again = decode_checkpoint(as_bytes(encode_checkpoint(*state)));
  CHECK(again.ok() && *again == *state);
  return state;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3 || size > kInputBytesMax) return 0;
  const std::string_view rest = as_text(Bytes(data, size)).substr(3);
  if ((data[0] & 1) != 0) {
    static_cast<void>(delta_of(rest).ok());
    static_cast<void>(state_of(rest).ok());
    return 0;
  }
  const size_t cut = std::min<size_t>(load<uint16_t>(data + 1), rest.size());
  const Result<ManifestState> state = state_of(envelope(kCheckpoint, rest.substr(0, cut)));
  const Result<VersionedDelta> delta = delta_of(envelope(kDelta, rest.substr(cut)));
  if (!delta.ok()) return 0;
  const Result<ManifestState> after = apply(state.ok() ? *state : ManifestState(), delta->delta);
  if (after.ok()) CHECK(*state_of(encode_checkpoint(*after)) == *after);
  return 0;
}
