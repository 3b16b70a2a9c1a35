// SPDX-License-Identifier: Apache-2.0
#include "block/schema.h"

#include <algorithm>
#include <utility>

namespace clew::block {
namespace {

constexpr std::pair<FixedColumn, std::string_view> kNames[] = {
    {kTemplate, "template"},
    {kResource, "resource"},
    {kStart, "start"},
    {kDuration, "duration"},
    {kSpanId, "span id"},
    {kParentDelta, "parent delta"},
    {kParentId, "parent id"},
    {kParentIsRaw, "parent is raw"},
    {kFlags, "flags"},
    {kName, "name"},
    {kTraceState, "trace state"},
    {kStatusMessage, "status message"},
    {kDroppedAttributes, "dropped attributes"},
    {kDroppedEvents, "dropped events"},
    {kDroppedLinks, "dropped links"},
    {kEventCount, "event count"},
    {kEventTime, "event time"},
    {kEventName, "event name"},
    {kEventShape, "event shape"},
    {kEventDropped, "event dropped"},
    {kLinkCount, "link count"},
    {kLinkTraceHigh, "link trace high"},
    {kLinkTraceLow, "link trace low"},
    {kLinkSpanId, "link span id"},
    {kLinkTraceState, "link trace state"},
    {kLinkShape, "link shape"},
    {kLinkDropped, "link dropped"},
    {kLinkFlags, "link flags"},
    {kRareSpanKey, "rare span key"},
    {kRareSpanType, "rare span type"},
    {kRareSpanValue, "rare span value"},
    {kRareEventKey, "rare event key"},
    {kRareEventType, "rare event type"},
    {kRareEventValue, "rare event value"},
    {kRareLinkKey, "rare link key"},
    {kRareLinkType, "rare link type"},
    {kRareLinkValue, "rare link value"},
    {kTraceIdHigh, "trace id high"},
    {kTraceIdLow, "trace id low"},
    {kTraceRows, "trace rows"},
    {kTraceFirstPosition, "trace first position"},
    {kTraceStart, "trace start"},
    {kTraceEnd, "trace end"},
    {kTraceOrder, "trace order"},
    {kTraceArrival, "trace arrival"},
    {kTraceFlags, "trace flags"},
    {kTraceMoreRows, "trace more rows"},
};

}  // namespace

std::string_view name_of(FixedColumn column) {
  const auto* found = std::ranges::find(kNames, column, &std::pair<FixedColumn, std::string_view>::first);
  return found == std::end(kNames) ? "unknown" : found->second;
}

}  // namespace clew::block
