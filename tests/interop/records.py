# SPDX-License-Identifier: Apache-2.0
"""The sender's record of a span (see shop.py) against the three forms in which Clew answers: OTLP JSON, Jaeger JSON and
the waterfall. Each function returns what Clew should say for a record, or what it said in the form of a record."""

import json
import math

JAEGER_KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
SAFE_INTEGER_MAX = 2**53 - 1


# ---- OTLP JSON → records ----


def double_text(value):
    return repr(float({"Infinity": "inf", "-Infinity": "-inf", "NaN": "nan"}.get(value, value)))


def parse(text):
    """JSON with -0 kept apart from 0, as JSON does and Python's integers do not."""
    return json.loads(text, parse_int=lambda digits: -0.0 if digits == "-0" else int(digits))


def value_of(value):
    if not value:
        return {"empty": None}
    (kind, content), = value.items()
    if kind == "stringValue":
        return {"string": content}
    if kind == "boolValue":
        return {"bool": content}
    if kind == "intValue":
        return {"int": str(content)}
    if kind == "doubleValue":
        return {"double": double_text(content)}
    if kind == "bytesValue":
        return {"bytes": content}
    if kind == "arrayValue":
        return {"array": [value_of(one) for one in content.get("values", [])]}
    assert kind == "kvlistValue", f"an unknown kind of value: {kind}"
    return {"map": attributes_of(content.get("values", []))}


def attributes_of(attributes):
    return [[one["key"], value_of(one.get("value"))] for one in attributes]


def records_of_otlp(answer):
    """Every span of a TracesData message as the record that its sender would have written."""
    records = []
    for resource_spans in answer["resourceSpans"]:
        resource = resource_spans.get("resource", {})
        for scope_spans in resource_spans["scopeSpans"]:
            scope = scope_spans.get("scope", {})
            for span in scope_spans["spans"]:
                records.append({
                    "trace_id": span["traceId"],
                    "span_id": span["spanId"],
                    "parent_span_id": span.get("parentSpanId", ""),
                    "trace_state": span.get("traceState", ""),
                    "flags": span.get("flags", 0),
                    "name": span.get("name", ""),
                    "kind": span.get("kind", 0),
                    "start": str(span.get("startTimeUnixNano", "0")),
                    "end": str(span.get("endTimeUnixNano", "0")),
                    "attributes": attributes_of(span.get("attributes", [])),
                    "dropped_attributes": span.get("droppedAttributesCount", 0),
                    "events": [{"time": str(event.get("timeUnixNano", "0")), "name": event.get("name", ""),
                                "attributes": attributes_of(event.get("attributes", []))}
                               for event in span.get("events", [])],
                    "dropped_events": span.get("droppedEventsCount", 0),
                    "links": [{"trace_id": link["traceId"], "span_id": link["spanId"],
                               "trace_state": link.get("traceState", ""), "flags": link.get("flags", 0),
                               "attributes": attributes_of(link.get("attributes", []))}
                              for link in span.get("links", [])],
                    "dropped_links": span.get("droppedLinksCount", 0),
                    "status": {"code": span.get("status", {}).get("code", 0),
                               "message": span.get("status", {}).get("message", "")},
                    "scope": {"name": scope.get("name", ""), "version": scope.get("version", ""),
                              "schema_url": scope_spans.get("schemaUrl", ""),
                              "attributes": attributes_of(scope.get("attributes", []))},
                    "resource": attributes_of(resource.get("attributes", [])),
                    "resource_schema_url": resource_spans.get("schemaUrl", ""),
                })
    return records


def normal(record):
    """A record with its doubles in one spelling: Python and JavaScript print them differently."""
    if isinstance(record, dict):
        return {key: double_text(value) if key == "double" else normal(value) for key, value in record.items()}
    if isinstance(record, list):
        return [normal(one) for one in record]
    return record


def narrowed(sent, received):
    """The innermost part in which two values differ."""
    while type(sent) is type(received) and isinstance(sent, (dict, list)) and len(sent) == len(received):
        keys = sent.keys() if isinstance(sent, dict) else range(len(sent))
        if isinstance(sent, dict) and sent.keys() != received.keys():
            break
        sent, received = next((sent[key], received[key]) for key in keys if sent[key] != received[key])
    return json.dumps(sent)[:500], json.dumps(received)[:500]


def difference(sent, received):
    """Lines that say how two lists of records differ; none if every span came exactly once and unchanged."""
    lines = []
    expected = {record["span_id"]: normal(record) for record in sent}
    seen = set()
    for record in received:
        span_id, record = record["span_id"], normal(record)
        if span_id in seen:
            lines.append(f"{span_id} {record['name']}: received twice")
        seen.add(span_id)
        if span_id not in expected:
            lines.append(f"{span_id} {record['name']}: never sent")
            continue
        for field, value in expected[span_id].items():
            if record[field] != value:
                there, here = narrowed(value, record[field])
                lines.append(f"{span_id} {record['name']}: in {field} sent {there}, received {here}")
    lines += [f"{span_id} {record['name']}: lost" for span_id, record in expected.items() if span_id not in seen]
    return lines


# ---- Records → Jaeger JSON ----


def plain(value):
    """A value as JSON without types, as Jaeger writes what its model has no type for."""
    (kind, content), = value.items()
    if kind == "int":
        return int(content)
    if kind == "double":
        return float(content)
    if kind == "array":
        return [plain(one) for one in content]
    if kind == "map":
        return {key: plain(one) for key, one in content}
    return content


def jaeger_tag(key, value):
    """(key, type, value) with nested values parsed again, so that spaces in JSON do not matter."""
    (kind, content), = value.items()
    if kind == "int":
        number = int(content)
        return key, "int64", number if abs(number) <= SAFE_INTEGER_MAX else content
    if kind == "double":
        return key, "float64", float(content)
    if kind in ("array", "map"):
        return key, "string", plain(value)
    if kind == "empty":
        return key, "string", ""
    return key, {"string": "string", "bool": "bool", "bytes": "binary"}[kind], content


def jaeger_tags_of(tags, nested):
    """Tags of an answer in the same form; `nested` names the keys whose text is JSON."""
    return [(tag["key"], tag["type"], json.loads(tag["value"]) if tag["key"] in nested else tag["value"])
            for tag in tags]


def finite(attributes):
    # JSON has no infinity, and Jaeger's form no other way to write it.
    return [[key, value] for key, value in attributes if not ("double" in value and math.isinf(float(value["double"])))]


def nested_keys(attributes):
    return {key for key, value in attributes if "array" in value or "map" in value}


def jaeger_expectation(record):
    """What a span of Jaeger's JSON holds for `record`, with the tags that must appear among others."""
    references = [("FOLLOWS_FROM", link["trace_id"], link["span_id"]) for link in record["links"]]
    if record["parent_span_id"]:
        references.insert(0, ("CHILD_OF", record["trace_id"], record["parent_span_id"]))
    start, end = int(record["start"]), int(record["end"])
    tags = [("otel.scope.name", "string", record["scope"]["name"]),
            ("otel.scope.version", "string", record["scope"]["version"])]
    tags += [jaeger_tag(key, value) for key, value in finite(record["attributes"])]
    tags.append(("span.kind", "string", JAEGER_KINDS[record["kind"]]))
    if record["status"]["code"] == 2:
        tags.append(("error", "bool", True))
    return {
        "traceID": record["trace_id"],
        "spanID": record["span_id"],
        "operationName": record["name"],
        "references": references,
        "startTime": start // 1000,
        "duration": (end - start) // 1000,
        "tags": tags,
        "logs": [(int(event["time"]) // 1000,
                  [("event", "string", event["name"])] + [jaeger_tag(k, v) for k, v in finite(event["attributes"])])
                 for event in record["events"]],
        "process": [jaeger_tag(key, value) for key, value in record["resource"] if key != "service.name"],
        "service": next(value["string"] for key, value in record["resource"] if key == "service.name"),
    }


def without_infinite(tags):
    return [tag for tag in tags if not str(tag["value"]).lstrip("-+").lower().startswith("inf")]


def jaeger_span(span, processes, record):
    """The same of an answer; `record` says which texts hold nested values."""
    process = processes[span["processID"]]
    events = record["events"]
    return {
        "traceID": span["traceID"],
        "spanID": span["spanID"],
        "operationName": span["operationName"],
        "references": [(one["refType"], one["traceID"], one["spanID"]) for one in span["references"]],
        "startTime": span["startTime"],
        "duration": span["duration"],
        "tags": jaeger_tags_of(without_infinite(span["tags"]), nested_keys(record["attributes"])),
        "logs": [(log["timestamp"],
                  jaeger_tags_of(without_infinite(log["fields"]),
                                 nested_keys(event["attributes"])))
                 for log, event in zip(span["logs"], events)],
        "process": jaeger_tags_of(process["tags"], nested_keys(record["resource"])),
        "service": process["serviceName"],
    }


# ---- Records → the order of the waterfall ----


def tree_order(records):
    """Names in depth-first order, children by start."""
    children = {}
    ids = {record["span_id"] for record in records}
    for record in records:
        parent = record["parent_span_id"] if record["parent_span_id"] in ids else ""
        children.setdefault(parent, []).append(record)
    order, stack = [], [""]
    while stack:
        span_id = stack.pop()
        if span_id:
            order.append(next(record["name"] for record in records if record["span_id"] == span_id))
        following = sorted(children.get(span_id, []), key=lambda one: (int(one["start"]), one["span_id"]))
        stack += [one["span_id"] for one in reversed(following)]
    return order
