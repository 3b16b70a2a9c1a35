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

void Complaint::raise(std::string_view line) {
  if (!raised_) log(LogLevel::Error, line);
  raised_ = true;
}

void Complaint::clear(std::string_view line) {
  if (raised_) log(LogLevel::Info, line);
  raised_ = false;
}

Committer::Committer(std::unique_ptr<journal::Journal> journal, Heads& heads, MemoryBudget& budget, const Clock& clock,
                     Metrics& metrics)
    : journal_(std::move(journal)),
      heads_(heads),
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
      commit_seconds_(metrics.histogram("clew_journal_commit_seconds", "Time to write and sync a group.",
                                        {.0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1, .5, 1, 5})),
      journal_size_(metrics.gauge("clew_journal_size_bytes", "Size of the journal's files.")) {
  update_gauges();
  thread_ = platform::Thread("clew-commit", [this] { run(); });
}

Committer::~Committer() {
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

void Committer::run() {
  while (take_group()) {
    admit();
    if (!group_.empty()) commit();
    group_.clear();
    update_gauges();
  }
}

// Waits for work; false when there is none and never will be.
bool Committer::take_group() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
  size_t bytes = 0;
  while (!waiting_.empty() && group_.size() < journal::kGroupRecordsMax && bytes < kGroupBytesMax) {
    bytes += waiting_.front().record.size();
    group_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return !group_.empty();
}

// Sends back what the heads have no room for, before it costs the disk anything.
void Committer::admit() {
  std::vector<Waiting> admitted;
  admitted.reserve(group_.size());
  for (Waiting& waiting : group_) {
    Submission& submission = waiting.submission;
    if (!heads_.admits(submission.tenant)) {
      refuse(std::move(submission), Error(Code::PermissionDenied, "the maximum number of tenants is reached"),
             refused_tenants_);
    } else if (!heads_.reserve(submission.tenant, submission.spans)) {
      refuse(std::move(submission),
             Error(Code::Unavailable, "the memory for recent spans is full (memory.budget, share of the head)"),
             refused_head_);
      head_full_.raise("store: the memory for recent spans is full; requests are refused (memory.budget)");
    } else {
      head_full_.clear("store: there is memory for recent spans again");
      admitted.push_back(std::move(waiting));
    }
  }
  group_ = std::move(admitted);
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
    for (const Waiting& waiting : group_) {
      const Submission& submission = waiting.submission;
      requests_.add();
      spans_.add(submission.spans.span_count());
      heads_.append(submission.tenant, submission.spans, submission.received);
    }
    heads_.settle();
    for (Waiting& waiting : group_) waiting.submission.done({});
    return;
  }
  journal_fails_.raise("store: the journal cannot be written; requests are refused: " + written.error().what());
  failed_groups_.add();
  heads_.settle();
  for (Waiting& waiting : group_) refuse(std::move(waiting.submission), written.error(), refused_journal_);
}

void Committer::update_gauges() { journal_size_.set(static_cast<int64_t>(journal_->figures().bytes_on_disk)); }

}  // namespace clew::store
