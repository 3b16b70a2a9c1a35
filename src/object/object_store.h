// SPDX-License-Identifier: Apache-2.0
//
// object::ObjectStore keeps named bytes that never change: blocks, roll-ups, the manifest. It is as small as a folder
// and S3 both can promise:
//
//   put_if_absent   small bytes under a name that must be free: of two who try, one wins
//   upload          large bytes piece by piece; they appear whole at commit() or not at all
//   get, read, read_end, list, remove
//
// When put_if_absent() or commit() is ok, bytes and name survive a loss of power, and so does whatever a get, read or
// list has shown. After an error of theirs other than AlreadyExists and InvalidArgument the object may be there, whole,
// or not at all: get() tells.
//
// A name is one or more parts joined by '/', each part 1 to 200 characters of [A-Za-z0-9_.-], not "." or ".."; in all
// at most kNameCharactersMax, and the first is no '.'. No name may continue another with a '/', as "a/b" does "a".
//
// Errors: NotFound, AlreadyExists, InvalidArgument for a name that is none, Unavailable for what may pass (full disk, a
// network that is down), DataLoss for bytes that end early; everything else Internal.
// Threads: a store any, an upload one. Implementations: object/local_folder.h.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace clew::object {

// Objects in one page of a list.
constexpr size_t kListMax = 1000;
// Bytes that put_if_absent() takes and get() gives.
constexpr uint64_t kSmallObjectBytesMax = 64 << 20;
// S3 takes 1024, of which a prefix is the operator's.
constexpr size_t kNameCharactersMax = 800;

class Upload {
 public:
  Upload() = default;
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;
  // Without commit(): nothing was written.
  virtual ~Upload() = default;

  virtual Result<void> append(Bytes bytes) = 0;
  // AlreadyExists if the name is taken. After any error the upload is spent.
  virtual Result<void> commit() = 0;
};

struct Listed {
  std::string name;
  uint64_t bytes = 0;
};

struct Tail {
  std::string bytes;
  uint64_t object_bytes = 0;  // of the whole object
};

class ObjectStore {
 public:
  ObjectStore() = default;
  ObjectStore(const ObjectStore&) = delete;
  ObjectStore& operator=(const ObjectStore&) = delete;
  virtual ~ObjectStore() = default;

  // ResourceExhausted beyond kSmallObjectBytesMax.
  virtual Result<void> put_if_absent(const std::string& name, Bytes bytes) = 0;
  // The store must outlive the upload.
  virtual Result<std::unique_ptr<Upload>> upload(const std::string& name) = 0;

  // The whole object; ResourceExhausted beyond kSmallObjectBytesMax.
  virtual Result<std::string> get(const std::string& name) = 0;
  // Fills `into` from `offset` on; DataLoss if the object ends before.
  virtual Result<void> read(const std::string& name, uint64_t offset, std::span<uint8_t> into) = 0;
  // The last `bytes_max` bytes, or all of it where it is smaller.
  virtual Result<Tail> read_end(const std::string& name, uint64_t bytes_max) = 0;

  // The objects whose names begin with `prefix`, in byte order, after the name `after` ("" from the first), at most
  // kListMax: fewer mean that these were all.
  virtual Result<std::vector<Listed>> list(const std::string& prefix, const std::string& after) = 0;
  // Ok also if there is no such object.
  virtual Result<void> remove(const std::string& name) = 0;
  // Bytes that may still be written; UINT64_MAX where there is no bound.
  virtual Result<uint64_t> free_space() = 0;
};

bool is_object_name(std::string_view name);

}  // namespace clew::object
