// SPDX-License-Identifier: Apache-2.0
#include "journal/testing/expectation.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace clew::journal {

namespace {

// Enough to tell a record by.
std::string brief(const std::string& payload) { return payload.substr(0, payload.find('|')); }

}  // namespace

std::string Expectation::new_payload(size_t bytes_max) {
  std::string payload = fmt::format("#{}|", payloads_++);
  const size_t bytes = random_() % (bytes_max + 1);
  while (payload.size() < bytes) payload += static_cast<char>(random_());
  return payload;
}

bool Expectation::append(Journal& journal, size_t records, size_t payload_bytes_max) {
  std::vector<std::string> payloads;
  std::vector<std::vector<Bytes>> parts;
  for (size_t i = 0; i < records; ++i) payloads.push_back(new_payload(payload_bytes_max));
  for (const std::string& payload : payloads) {
    handed_over_[payload] = State::Open;
    const size_t cut = random_() % (payload.size() + 1);
    parts.push_back({as_bytes(payload).first(cut), as_bytes(payload).subspan(cut)});
  }
  std::vector<Record> group;
  for (const auto& record : parts) group.push_back({RecordKind::Request, record});
  const Result<Lsn> first = journal.append_group(group);
  if (!first.ok()) {
    if (first.error().code() != Code::Unavailable) violated("a failed group was not Unavailable");
    failed_.insert(failed_.end(), payloads.begin(), payloads.end());
    return false;
  }
  for (size_t i = 0; i < records; ++i) {
    handed_over_[payloads[i]] = State::Acknowledged;
    if (!acknowledged_.emplace(*first + i, payloads[i]).second)
      violated(fmt::format("LSN {} was given out twice", *first + i));
  }
  for (const std::string& payload : failed_) handed_over_[payload] = State::Void;
  failed_.clear();
  return true;
}

bool Expectation::trim(Journal& journal, Lsn up_to) {
  trimmed_to_ = std::max(trimmed_to_, up_to);
  return journal.trim(up_to).ok();
}

std::unique_ptr<Journal> Expectation::open(platform::FileSystem& files, const std::string& folder,
                                           const Options& options) {
  std::map<Lsn, std::string> shown;
  Lsn last = 0;
  auto opened = Journal::open(files, folder, options, [&](Lsn lsn, RecordKind kind, Bytes payload) -> Result<void> {
    const bool first_of_trimmed = last == 0 && lsn <= trimmed_to_ + 1;
    if (lsn <= last || (lsn != last + 1 && !first_of_trimmed && !damage_allowed_))
      violated(fmt::format("LSN {} follows {}", lsn, last));
    if (kind != RecordKind::Request) violated("the kind has changed");
    last = lsn;
    shown[lsn] = std::string(as_text(payload));
    return {};
  });
  if (!opened.ok()) return nullptr;
  shown_ = std::move(shown);
  report_ = std::move(opened->report);
  judge();
  return std::move(opened->journal);
}

void Expectation::judge() {
  if (report_.damage_count > 0 && !damage_allowed_) violated("damage was reported where there is none");
  if (report_.records != shown_.size()) violated("the report counts wrongly");
  for (const auto& [lsn, payload] : acknowledged_) {
    const auto found = shown_.find(lsn);
    if (found == shown_.end() && lsn > trimmed_to_ && !damage_allowed_)
      violated(fmt::format("lost: acknowledged record {} at LSN {}", brief(payload), lsn));
    if (found != shown_.end() && found->second != payload)
      violated(fmt::format("LSN {} shows something else than {}", lsn, brief(payload)));
  }
  std::set<std::string> seen;
  for (const auto& [lsn, payload] : shown_) {
    const auto known = handed_over_.find(payload);
    if (known == handed_over_.end()) {
      violated(fmt::format("invented: LSN {}", lsn));
      continue;
    }
    if (known->second == State::Void) violated(fmt::format("not abandoned: {} at LSN {}", brief(payload), lsn));
    if (!seen.insert(payload).second) violated(fmt::format("shown twice: {}", brief(payload)));
    known->second = State::Acknowledged;
    std::erase(failed_, payload);
    acknowledged_[lsn] = payload;
  }
}

void Expectation::violated(std::string what) {
  if (violation_.empty()) violation_ = std::move(what);
}

}  // namespace clew::journal
