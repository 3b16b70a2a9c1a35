// SPDX-License-Identifier: Apache-2.0
#include "base/metrics.h"

#include <algorithm>
#include <charconv>

#include "base/check.h"

namespace clew {
namespace {

std::string number(double value) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  return {text, end};
}

void append_escaped(std::string& out, std::string_view value) {
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
}

void append_sample(std::string& out, std::string_view name, const Labels& labels, std::string_view value) {
  out += name;
  if (!labels.empty()) {
    char separator = '{';
    for (const auto& [key, text] : labels) {
      out += separator;
      out += key;
      out += "=\"";
      append_escaped(out, text);
      out += '"';
      separator = ',';
    }
    out += '}';
  }
  out += ' ';
  out += value;
  out += '\n';
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)) {
  CHECK(std::is_sorted(bounds_.begin(), bounds_.end()));
  for (size_t i = 0; i <= bounds_.size(); ++i) counts_.emplace_back(0);
}

void Histogram::observe(double value) {
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  counts_[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

Metrics::Series& Metrics::series(std::string_view name, std::string_view type, std::string_view help, Labels labels) {
  const std::lock_guard lock(mutex_);
  auto found = families_.find(name);
  if (found == families_.end()) {
    found = families_.try_emplace(std::string(name)).first;
    found->second.type = type;
    found->second.help = help;
  }
  Family& family = found->second;
  CHECK(family.type == type);
  for (Series& known : family.series)
    if (known.labels == labels) return known;
  Series& added = family.series.emplace_back();
  added.labels = std::move(labels);
  return added;
}

Counter& Metrics::counter(std::string_view name, std::string_view help, Labels labels) {
  return series(name, "counter", help, std::move(labels)).counter;
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help, Labels labels) {
  return series(name, "gauge", help, std::move(labels)).gauge;
}

Histogram& Metrics::histogram(std::string_view name, std::string_view help, std::vector<double> bounds, Labels labels) {
  Series& found = series(name, "histogram", help, std::move(labels));
  const std::lock_guard lock(mutex_);
  if (found.histogram == nullptr) found.histogram = std::make_unique<Histogram>(std::move(bounds));
  return *found.histogram;
}

void Metrics::gauge_from(std::string_view name, std::string_view help, std::function<double()> read, Labels labels) {
  Series& found = series(name, "gauge", help, std::move(labels));
  const std::lock_guard lock(mutex_);
  found.read = std::move(read);
}

std::string Metrics::prometheus_text() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [name, family] : families_) {
    out.append("# HELP ").append(name).append(" ").append(family.help);
    out.append("\n# TYPE ").append(name).append(" ").append(family.type).append("\n");
    for (const Series& series : family.series) {
      if (series.read) {
        append_sample(out, name, series.labels, number(series.read()));
      } else if (series.histogram != nullptr) {
        const Histogram& histogram = *series.histogram;
        uint64_t total = 0;
        Labels labels = series.labels;
        labels.emplace_back("le", "");
        for (size_t i = 0; i < histogram.counts_.size(); ++i) {
          total += histogram.counts_[i].load(std::memory_order_relaxed);
          labels.back().second = i < histogram.bounds_.size() ? number(histogram.bounds_[i]) : "+Inf";
          append_sample(out, name + "_bucket", labels, std::to_string(total));
        }
        append_sample(out, name + "_sum", series.labels, number(histogram.sum_.load(std::memory_order_relaxed)));
        append_sample(out, name + "_count", series.labels, std::to_string(total));
      } else if (family.type == "counter") {
        append_sample(out, name, series.labels, std::to_string(series.counter.value()));
      } else {
        append_sample(out, name, series.labels, std::to_string(series.gauge.value()));
      }
    }
  }
  return out;
}

}  // namespace clew
