// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as a block: opened, verified, and everything asked that a block answers. A fuzzer cannot guess checksums,
// so the build for fuzzing does not look at them (block.cc): what lies behind is what is to be found at fault.
//
// Input: one byte, then: 0: the block's bytes as they are; else the number of a sample block, followed by edits of 4
// bytes: the byte to xor with, and where (24 bits, modulo the length).
#include <cstdint>
#include <map>
#include <string>

#include "base/memory_budget.h"
#include "block/block.h"
#include "block/testing/memory_bytes.h"
#include "block/testing/read_all.h"
#include "block/testing/sample_block.h"

namespace {

using namespace clew;         // NOLINT(google-build-using-namespace)
using namespace clew::block;  // NOLINT(google-build-using-namespace)

constexpr uint64_t kBudgetBytes = 1 << 30;
constexpr size_t kEditBytes = 4;

const std::string& sample(uint8_t number) {
  static std::map<uint8_t, std::string> samples;
  std::string& bytes = samples[number];
  if (bytes.empty()) bytes = block::testing::sample_block(number, 1 + number % 16);
  return bytes;
}

std::string edited(Bytes input) {
  std::string bytes = sample(input[0]);
  for (Bytes edits = input.subspan(1); edits.size() >= kEditBytes; edits = edits.subspan(kEditBytes)) {
    const uint32_t edit = load<uint32_t>(edits.data());
    char& at = bytes[(edit >> 8) % bytes.size()];
    at = static_cast<char>(at ^ static_cast<char>(edit & 0xFF));
  }
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Bytes input(data, size);
  std::string bytes = data[0] == 0 ? std::string(as_text(input.subspan(1))) : edited(input);
  MemoryBudget budget(kBudgetBytes);
  Cache cache(budget);
  const auto block = Block::open(std::make_shared<block::testing::MemorySource>(std::move(bytes)), cache);
  if (!block.ok()) return 0;
  (void)block::testing::read_all(*block);
  (void)(*block)->verify();
  return 0;
}
