// SPDX-License-Identifier: Apache-2.0
#include "store/committer.h"

#include <utility>

#include "base/log.h"

namespace clew::store {
namespace {

Counter& refused(Metrics& metrics, std::string_view reason) {
  return metrics.counter("clew_store_refused_requests_total", "Requests that the store did not take, by reason.",
                         {{"reason", std::string(reason)}});
}

}  // namespace

Committer::Committer(std::unique_ptr<journal::Journal> journal, RecentRequests recent, Tenants& tenants,
                     MemoryBudget& budget, const Clock& clock, Metrics& metrics)
    : journal_(std::move(journal)),
      tenants_(tenants),
      budget_(budget),
      clock_(clock),
      requests_(metrics.counter("clew_journal_records_total", "Requests written to the journal.")),
      spans_(metrics.counter("clew_journal_spans_total", "Spans written to the journal.")),
      bytes_(metrics.counter("clew_journal_written_bytes_total", "Payload bytes written to the journal.")),
      groups_(metrics.counter("clew_journal_groups_total", "Groups of requests made durable, one sync each.")),
      failed_groups_(metrics.counter("clew_journal_failed_groups_total", "Groups that could not be made durable.")),
      refused_journal_(refused(metrics, "journal")),
      refused_head_(refused(metrics, "head_full")),
      refused_queue_(refused(metrics, "queue_full")),
      refused_tenants_(refused(metrics, "too_many_tenants")),
      repeated_(metrics.counter("clew_store_repeated_requests_total",
                                "Requests that were acknowledged unwritten, being durable already.")),
      commit_seconds_(metrics.histogram("clew_journal_commit_seconds", "Time to write and sync a group.",
                                        {.0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1, .5, 1, 5})),
      journal_size_(metrics.gauge("clew_journal_size_bytes", "Size of the journal's files.")),
      recent_(std::move(recent)) {
  update_gauges();
  thread_ = platform::Thread("clew-commit", [this] { run(); });
}

void Committer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

// Encoding is the caller's work, so that the committer's is writing.
void Committer::submit(Submission submission) {
  if (submission.spans.span_count() == 0) return submission.done({});
  Waiting waiting;
  waiting.record_memory = Reservation(budget_, Share::InFlight);
  waiting.record = encode_request(submission.tenant, submission.door, submission.received, submission.spans);
  if (!waiting.record_memory.grow(waiting.record.size()))
    return refuse(std::move(submission), Error(Code::Unavailable, "too many requests are in flight"), refused_queue_);
  waiting.submission = std::move(submission);
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() < kWaitingMax) {
      waiting_.push_back(std::move(waiting));
      wake_.notify_one();
      return;
    }
  }
  refuse(std::move(waiting.submission), Error(Code::Unavailable, "too many requests wait for the disk"),
         refused_queue_);
}

void Committer::refuse(Submission submission, Error error, Counter& reason) {
  reason.add();
  submission.done(std::move(error));
}

void Committer::trim(journal::Lsn lsn) {
  {
    const std::lock_guard lock(mutex_);
    if (lsn <= trim_to_) return;
    trim_to_ = lsn;
  }
  wake_.notify_one();
}

void Committer::run() {
  while (take_group()) {
    admit();
    if (!group_.empty()) commit();
    group_.clear();
    trim_journal();
    update_gauges();
  }
  trim_journal();
}

// Waits for work; false when there is none and never will be.
bool Committer::take_group() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stopping_ || !waiting_.empty() || trim_to_ > trimmed_to_; });
  size_t bytes = 0;
  while (!waiting_.empty() && group_.size() < journal::kGroupRecordsMax && bytes < kGroupBytesMax) {
    bytes += waiting_.front().record.size();
    group_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return !group_.empty() || !stopping_;
}

// Sends back what the heads have no room for, before it costs the disk anything.
void Committer::admit() {
  std::vector<Waiting> admitted;
  admitted.reserve(group_.size());
  for (Waiting& waiting : group_)
    if (is_admitted(waiting)) admitted.push_back(std::move(waiting));
  group_ = std::move(admitted);
}

// False: it has been answered.
bool Committer::is_admitted(Waiting& waiting) {
  Submission& submission = waiting.submission;
  if (!tenants_.admits(submission.tenant)) {
    refuse(std::move(submission), Error(Code::PermissionDenied, "the maximum number of tenants is reached"),
           refused_tenants_);
    return false;
  }
  const Result<Tenant*> tenant = tenants_.add(submission.tenant);
  if (!tenant.ok()) {
    refuse(std::move(submission), Error(Code::Unavailable, tenant.error().what()), refused_tenants_);
    return false;
  }
  waiting.tenant = *tenant;
  waiting.hash = MUST(read_request_header(as_bytes(waiting.record))).hash;  // it was made a moment ago
  if (recent_.contains(waiting.tenant, waiting.hash, clock_.now())) {
    repeated_.add();
    submission.done({});
    return false;
  }
  if (!tenants_.reserve(submission.tenant, submission.spans)) {
    head_full_.raise("store: the memory for recent spans is full; requests are refused (memory.budget)");
    if (wake_sealer_) wake_sealer_();
    refuse(std::move(submission),
           Error(Code::Unavailable, "the memory for recent spans is full (memory.budget, share of the head)"),
           refused_head_);
    return false;
  }
  head_full_.clear("store: there is memory for recent spans again");
  return true;
}

void Committer::commit() {
  std::vector<Bytes> payloads;
  std::vector<journal::Record> records;
  payloads.reserve(group_.size());
  records.reserve(group_.size());
  for (const Waiting& waiting : group_) {
    payloads.push_back(as_bytes(waiting.record));
    records.push_back({journal::RecordKind::Request, std::span(&payloads.back(), 1)});
    bytes_.add(waiting.record.size());
  }
  const uint64_t began = clock_.monotonic_nanos();
  const Result<journal::Lsn> written = journal_->append_group(records);
  commit_seconds_.observe(static_cast<double>(clock_.monotonic_nanos() - began) / kNanosPerSecond);
  if (written.ok()) {
    journal_fails_.clear("store: the journal takes requests again");
    groups_.add();
    append_group(*written);
    for (Waiting& waiting : group_) waiting.submission.done({});
    return;
  }
  journal_fails_.raise("store: the journal cannot be written; requests are refused: " + written.error().what());
  failed_groups_.add();
  tenants_.settle(0);
  for (Waiting& waiting : group_) refuse(std::move(waiting.submission), written.error(), refused_journal_);
}

void Committer::append_group(journal::Lsn first) {
  journal::Lsn lsn = first;
  bool wake = false;
  for (const Waiting& waiting : group_) {
    const Submission& submission = waiting.submission;
    requests_.add();
    spans_.add(submission.spans.span_count());
    const uint32_t head_spans = tenants_.append(submission.tenant, submission.spans, submission.received, lsn++);
    wake |= head_spans >= seal_spans_;
    recent_.add(waiting.tenant, waiting.hash, submission.received);
  }
  tenants_.settle(lsn - 1);
  if (wake && wake_sealer_) wake_sealer_();
}

void Committer::trim_journal() {
  journal::Lsn to = 0;
  {
    const std::lock_guard lock(mutex_);
    to = trim_to_;
  }
  if (to <= trimmed_to_) return;
  trimmed_to_ = to;
  // What cannot be removed now is removed with what comes next.
  if (const Result<void> trimmed = journal_->trim(to - 1); !trimmed.ok())
    log(LogLevel::Warning, "store: the journal cannot be trimmed: " + trimmed.error().what());
}

void Committer::update_gauges() {
  const uint64_t bytes = journal_->figures().bytes_on_disk;
  journal_bytes_.store(bytes, std::memory_order_relaxed);
  journal_size_.set(static_cast<int64_t>(bytes));
}

}  // namespace clew::store
