// SPDX-License-Identifier: Apache-2.0
//
// What a request may ask of the OTLP decoders.
#pragma once

#include <cstddef>
#include <cstdint>

namespace clew::decode::otlp {

// Largest body, in bytes: offsets and counts inside a batch are 32 bits wide. Doors set a far lower limit.
constexpr size_t kBodyBytesMax = size_t{1} << 30;

// AnyValues inside one another, the attribute's own value being the first. 64 is the SDKs' own default.
constexpr uint32_t kValueDepthMax = 64;

// A batch may take this many times the bytes of its body (and kDecodedBytesFree besides): real spans stay below one
// time, while two wire bytes can ask for an empty event of 32 bytes or an empty link of 56. Texts are not counted: they
// are as large as they were on the wire.
constexpr size_t kDecodedBytesPerBodyByte = 4;
constexpr size_t kDecodedBytesFree = size_t{64} << 10;

}  // namespace clew::decode::otlp
