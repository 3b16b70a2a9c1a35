// SPDX-License-Identifier: Apache-2.0
//
// Metrics is what Clew tells about itself: counters, gauges and histograms with fixed labels, printed in Prometheus'
// text format 0.0.4. A part asks for its metrics once, when it is built, and then only touches atomics.
//
//   Counter& spans = metrics.counter("clew_journal_records_total", "Records written to the journal.");
//   spans.add(1);
//
// Names follow Prometheus' naming rules (base units, _total on counters). Threads: any.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace clew {

// In the order in which they are printed.
using Labels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  void add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

class Gauge {
 public:
  void set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void add(int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

class Histogram {
 public:
  // `bounds` are the upper bounds of the buckets in ascending order, in the metric's unit; +Inf is added.
  explicit Histogram(std::vector<double> bounds);
  void observe(double value);

 private:
  friend class Metrics;
  std::vector<double> bounds_;
  std::deque<std::atomic<uint64_t>> counts_;
  std::atomic<double> sum_{0};
};

class Metrics {
 public:
  // The same name and labels give the same object, which lives as long as Metrics.
  Counter& counter(std::string_view name, std::string_view help, Labels labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, Labels labels = {});
  Histogram& histogram(std::string_view name, std::string_view help, std::vector<double> bounds, Labels labels = {});
  // `read` is called at every print; what it captures must live as long as Metrics.
  void gauge_from(std::string_view name, std::string_view help, std::function<double()> read, Labels labels = {});

  std::string prometheus_text() const;

 private:
  struct Series {
    Labels labels;
    Counter counter;
    Gauge gauge;
    std::unique_ptr<Histogram> histogram;
    std::function<double()> read;
  };
  struct Family {
    std::string type;
    std::string help;
    std::deque<Series> series;
  };

  Series& series(std::string_view name, std::string_view type, std::string_view help, Labels labels);

  mutable std::mutex mutex_;
  std::map<std::string, Family, std::less<>> families_;
};

}  // namespace clew
