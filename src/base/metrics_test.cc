// SPDX-License-Identifier: Apache-2.0
//
// The text is what Prometheus' exposition format 0.0.4 asks for, sample by sample.
#include "base/metrics.h"

#include <gtest/gtest.h>

namespace clew {
namespace {

TEST(Metrics, PrintsEveryTypeInPrometheusFormat) {
  Metrics metrics;
  metrics.counter("a_total", "Counts a.", {{"reason", "quote\" slash\\ line\n"}}).add(3);
  metrics.counter("a_total", "Counts a.", {{"reason", "x"}}).add();
  metrics.gauge("b", "Is b.").set(-5);
  metrics.gauge_from("c", "Asks c.", [] { return 1.5; });
  Histogram& histogram = metrics.histogram("d_seconds", "Times d.", {0.1, 1}, {{"door", "x"}});
  histogram.observe(0.1);
  histogram.observe(0.5);
  histogram.observe(7);
  EXPECT_EQ(
      metrics.prometheus_text(),
      "# HELP a_total Counts a.\n# TYPE a_total counter\n"
      "a_total{reason=\"quote\\\" slash\\\\ line\\n\"} 3\na_total{reason=\"x\"} 1\n"
      "# HELP b Is b.\n# TYPE b gauge\nb -5\n"
      "# HELP c Asks c.\n# TYPE c gauge\nc 1.5\n"
      "# HELP d_seconds Times d.\n# TYPE d_seconds histogram\n"
      "d_seconds_bucket{door=\"x\",le=\"0.1\"} 1\nd_seconds_bucket{door=\"x\",le=\"1\"} 2\n"
      "d_seconds_bucket{door=\"x\",le=\"+Inf\"} 3\nd_seconds_sum{door=\"x\"} 7.6\nd_seconds_count{door=\"x\"} 3\n");
}

TEST(Metrics, SameNameAndLabelsIsTheSameMetric) {
  Metrics metrics;
  Counter& first = metrics.counter("a_total", "Counts a.");
  metrics.counter("b_total", "Counts b.");
  EXPECT_EQ(&first, &metrics.counter("a_total", "Counts a."));
  EXPECT_NE(&first, &metrics.counter("a_total", "Counts a.", {{"x", "y"}}));
}

}  // namespace
}  // namespace clew
