// SPDX-License-Identifier: Apache-2.0
#include "block/schema.h"

namespace clew::block {

std::string_view name_of(FixedColumn column) {
  switch (column) {
    case kTemplate:
      return "template";
    case kResource:
      return "resource";
    case kStart:
      return "start";
    case kDuration:
      return "duration";
    case kSpanId:
      return "span id";
    case kParentDelta:
      return "parent delta";
    case kParentId:
      return "parent id";
    case kParentIsRaw:
      return "parent is raw";
    case kFlags:
      return "flags";
    case kName:
      return "name";
    case kTraceState:
      return "trace state";
    case kStatusMessage:
      return "status message";
    case kDroppedAttributes:
      return "dropped attributes";
    case kDroppedEvents:
      return "dropped events";
    case kDroppedLinks:
      return "dropped links";
    case kEventCount:
      return "event count";
    case kEventTime:
      return "event time";
    case kEventName:
      return "event name";
    case kEventShape:
      return "event shape";
    case kEventDropped:
      return "event dropped";
    case kLinkCount:
      return "link count";
    case kLinkTraceHigh:
      return "link trace high";
    case kLinkTraceLow:
      return "link trace low";
    case kLinkSpanId:
      return "link span id";
    case kLinkTraceState:
      return "link trace state";
    case kLinkShape:
      return "link shape";
    case kLinkDropped:
      return "link dropped";
    case kLinkFlags:
      return "link flags";
    case kRareSpanKey:
      return "rare span key";
    case kRareSpanType:
      return "rare span type";
    case kRareSpanValue:
      return "rare span value";
    case kRareEventKey:
      return "rare event key";
    case kRareEventType:
      return "rare event type";
    case kRareEventValue:
      return "rare event value";
    case kRareLinkKey:
      return "rare link key";
    case kRareLinkType:
      return "rare link type";
    case kRareLinkValue:
      return "rare link value";
    case kTraceIdHigh:
      return "trace id high";
    case kTraceIdLow:
      return "trace id low";
    case kTraceRows:
      return "trace rows";
    case kTraceFirstPosition:
      return "trace first position";
    case kTraceStart:
      return "trace start";
    case kTraceEnd:
      return "trace end";
    case kTraceOrder:
      return "trace order";
    case kTraceArrival:
      return "trace arrival";
    case kTraceFlags:
      return "trace flags";
    case kTraceMoreRows:
      return "trace more rows";
    case kFirstAttribute:
      break;
  }
  return "unknown";
}

}  // namespace clew::block
