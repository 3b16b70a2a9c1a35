// SPDX-License-Identifier: Apache-2.0
#include "store/recovery.h"

#include <fmt/format.h>

#include "base/log.h"
#include "model/batch_codec.h"
#include "store/orphans.h"

namespace clew::store {
namespace {

constexpr std::string_view kTenantsPrefix = "tenants/";

bool is_damage(const Error& error) { return error.code() == Code::DataLoss || error.code() == Code::Internal; }

Result<void> open_tenant(Tenant& tenant, const Shelves& shelves, Recovery& recovery) {
  const ManifestState manifest = tenant.manifest();
  for (const std::string& name : TRY(orphans(shelves.objects, tenant.name(), manifest)))
    if (shelves.objects.remove(name).ok()) ++recovery.orphans;
  std::vector<TenantBlock> blocks;
  std::vector<ObjectId> damaged;
  for (const auto& [id, entry] : manifest.blocks) {
    Result<TenantBlock> block = open_block(shelves, tenant.name(), entry);
    if (block.ok()) {
      blocks.push_back(std::move(*block));
    } else if (is_damage(block.error())) {
      log(LogLevel::Error, fmt::format("store: a block is damaged and set aside, {} spans are out of every answer: {}",
                                       entry.facts.span_count, block.error().what()));
      damaged.push_back(id);
    } else {
      return block.error();
    }
  }
  std::vector<TenantRollup> rollups;
  for (const auto& [id, entry] : manifest.rollups) {
    Result<TenantRollup> rollup = open_rollup(shelves, tenant.name(), entry);
    if (rollup.ok()) {
      rollups.push_back(std::move(*rollup));
    } else if (is_damage(rollup.error())) {
      log(LogLevel::Error, "store: a roll-up is damaged and left out: " + rollup.error().what());
    } else {
      return rollup.error();
    }
  }
  recovery.blocks += blocks.size();
  recovery.damaged_blocks += damaged.size();
  tenant.load(std::move(blocks), std::move(rollups));
  // A disk that takes no delta now does not stop the start: the next one finds the damage again.
  if (const Result<void> aside = set_aside(tenant, damaged); !aside.ok())
    log(LogLevel::Warning, "store: " + aside.error().what());
  return {};
}

}  // namespace

// From one tenant's first object to the next tenant's: '0' is the character behind '/'.
Result<std::vector<std::string>> tenant_names(object::ObjectStore& objects) {
  std::vector<std::string> names;
  std::string after;
  for (;;) {
    const std::vector<object::Listed> page = TRY(objects.list(std::string(kTenantsPrefix), after));
    for (const object::Listed& object : page) {
      const size_t begin = kTenantsPrefix.size();
      const size_t end = object.name.find('/', begin);
      if (end == std::string::npos) continue;
      std::string name = object.name.substr(begin, end - begin);
      if (names.empty() || names.back() != name) names.push_back(std::move(name));
    }
    if (page.size() < object::kListMax) return names;
    const std::string& last = page.back().name;
    after = last.substr(0, last.find('/', kTenantsPrefix.size())) + '0';
  }
}

Result<void> set_aside(Tenant& tenant, const std::vector<ObjectId>& blocks) {
  const ManifestState manifest = tenant.manifest();
  Change change;
  for (const ObjectId id : blocks) {
    const auto entry = manifest.blocks.find(id);
    if (entry == manifest.blocks.end()) continue;
    change.delta.removed_blocks.push_back(id);
    change.delta.lost_spans += entry->second.facts.span_count;
  }
  if (change.delta.removed_blocks.empty()) return {};
  change.delta.removal = Removal::Damaged;
  return tenant.commit(std::move(change));
}

Result<void> open_tenants(Tenants& tenants, const Shelves& shelves, Recovery& recovery) {
  for (const std::string& name : TRY(tenant_names(shelves.objects))) {
    Tenant* tenant = TRY(tenants.add(name));
    TRY(open_tenant(*tenant, shelves, recovery));
  }
  return {};
}

Result<Replay::Sealed*> Replay::sealed(std::string_view name) {
  const auto known = sealed_.find(name);
  if (known != sealed_.end()) return &known->second;
  Sealed& sealed = sealed_[std::string(name)];
  sealed.tenant = TRY(tenants_.add(std::string(name)));
  const SealState state = sealed.tenant->manifest().seal;
  sealed.to = state.sealed_to;
  for (const Carried& carried : state.carried) sealed.carried[carried.trace] = carried.first_lsn;
  return &sealed;
}

// A record whose frame is whole but whose payload cannot be read is damage like any other: counted, and replay goes on.
void Replay::damaged(const Error& error) {
  ++recovery_.damaged_records;
  log(LogLevel::Error, "journal: a record cannot be read: " + error.what());
}

Result<void> Replay::take(journal::Lsn lsn, journal::RecordKind kind, Bytes payload) {
  if (kind != journal::RecordKind::Request)
    return Error(Code::FailedPrecondition, "the journal was written by a newer version of Clew");
  const Result<RequestHeader> header = read_request_header(payload);
  if (!header.ok()) {
    damaged(header.error());
    return {};
  }
  Sealed& sealed = *TRY(this->sealed(header->tenant));
  if (lsn > sealed.to || !sealed.carried.empty()) {
    Result<model::SpanBatch> spans = model::decode_batch(header->batch);
    if (!spans.ok()) {
      damaged(spans.error());
      return {};
    }
    if (lsn <= sealed.to) {
      std::vector<uint32_t> rows;
      for (uint32_t row = 0; row < spans->span_count(); ++row) {
        const auto carried = sealed.carried.find(spans->trace_id[row]);
        if (carried != sealed.carried.end() && lsn >= carried->second) rows.push_back(row);
      }
      model::SpanBatch unsealed;
      unsealed.append_rows(*spans, rows);
      *spans = std::move(unsealed);
    }
    if (spans->span_count() > 0) {
      ++recovery_.requests;
      recovery_.spans += spans->span_count();
      tenants_.append(header->tenant, *spans, header->received, lsn);
    }
  }
  recent_.add(sealed.tenant, header->hash, header->received);
  return {};
}

}  // namespace clew::store
