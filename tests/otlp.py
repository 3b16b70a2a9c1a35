# SPDX-License-Identifier: Apache-2.0
"""OTLP for the end-to-end tests: requests made of protobuf messages, and senders over gRPC and HTTP that say what the
server answered in one form. A sender is for one thread."""

import gzip
import http.client

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (ExportTraceServiceRequest,
                                                                      ExportTraceServiceResponse)

EXPORT_METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
PROTOBUF = "application/x-protobuf"
JSON = "application/json"
MESSAGE_BYTES_MAX = 256 << 20  # of gRPC, on our side: the server's own limit is what is tested


class Outcome:
    """ok: acknowledged in full. rejected: spans refused by a partial success. code: gRPC's name of the status."""

    def __init__(self, ok, code, rejected=0, message="", retry_after=None):
        self.ok, self.code, self.rejected, self.message, self.retry_after = ok, code, rejected, message, retry_after

    def __repr__(self):
        return f"<{'ok' if self.ok else self.code} rejected={self.rejected} {self.message[:200]}>"


def _of_response(body):
    partial = ExportTraceServiceResponse.FromString(body).partial_success
    return Outcome(partial.rejected_spans == 0, "OK", partial.rejected_spans, partial.error_message)


class GrpcSender:
    def __init__(self, address, compression=grpc.Compression.NoCompression, timeout=30):
        self.timeout = timeout
        # A channel of its own: channels with equal options would share one connection.
        self.channel = grpc.insecure_channel(
            address, compression=compression,
            options=[("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", MESSAGE_BYTES_MAX)])
        self.export = self.channel.unary_unary(EXPORT_METHOD)

    def send(self, body):
        try:
            return _of_response(self.export(body, timeout=self.timeout))
        except grpc.RpcError as error:
            details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
            retry = details if details and b"google.rpc.RetryInfo" in details else None
            return Outcome(False, error.code().name, message=error.details() or "", retry_after=retry)

    def close(self):
        self.channel.close()


class HttpSender:
    """Code is the HTTP status as text, or DISCONNECTED."""

    def __init__(self, address, compressed=False, timeout=30):
        self.address, self.compressed, self.timeout = address, compressed, timeout
        self.connection = http.client.HTTPConnection(address, timeout=timeout)

    def send(self, body, content_type=PROTOBUF, headers=None):
        headers = {"content-type": content_type, **(headers or {})}
        if self.compressed:
            body = gzip.compress(body, 1)
            headers["content-encoding"] = "gzip"
        try:
            self.connection.request("POST", "/v1/traces", body=body, headers=headers)
            response = self.connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            return Outcome(False, "DISCONNECTED", message=repr(error))
        if response.status != 200:
            return Outcome(False, str(response.status), message=answer.decode("utf-8", "replace"),
                           retry_after=response.getheader("retry-after"))
        if content_type == PROTOBUF:
            return _of_response(answer)
        return Outcome(b"rejectedSpans" not in answer, "OK", message=answer.decode())

    def close(self):
        self.connection.close()


def new_request(service):
    """A request with one resource and one scope; the spans go to the second value."""
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    attribute = resource_spans.resource.attributes.add(key="service.name")
    attribute.value.string_value = service
    return request, resource_spans.scope_spans.add().spans
