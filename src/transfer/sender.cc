// SPDX-License-Identifier: Apache-2.0
#include "transfer/sender.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "net/address.h"

namespace clew::transfer {
namespace {

constexpr std::string_view kGrpcScheme = "grpc://";
constexpr std::string_view kHttpScheme = "http://";

}  // namespace

Result<Transport> transport_of(std::string_view target) {
  if (target.starts_with(kHttpScheme)) return Transport::Http;
  if (!target.starts_with(kGrpcScheme))
    return Error(Code::InvalidArgument, fmt::format("'{}' is no target: grpc://host:port or http://host:port", target));
  TRY(net::parse_address(grpc_address(target), "localhost"));
  return Transport::Grpc;
}

std::string grpc_address(std::string_view target) { return std::string(target.substr(kGrpcScheme.size())); }

struct Sender::State {
  Options options;
  std::optional<net::GrpcClient> grpc;
  std::optional<net::HttpClient> http;
  codec::Deflater deflater;
};

Sender::Sender(std::unique_ptr<State> state) : state_(std::move(state)) {}
Sender::Sender(Sender&&) noexcept = default;
Sender& Sender::operator=(Sender&&) noexcept = default;
Sender::~Sender() = default;

Result<Sender> Sender::to(std::string_view target, const Options& options) {
  auto state = std::make_unique<State>();
  state->options = options;
  if (TRY(transport_of(target)) == Transport::Grpc) {
    net::GrpcClient::Options client;
    client.gzip = options.compression == codec::Encoding::Gzip;
    state->grpc.emplace(grpc_address(target), client);
  } else {
    net::HttpClient::Options client;
    client.timeout = options.timeout;
    state->http = TRY(net::HttpClient::to(target, client));
  }
  return Sender(std::move(state));
}

Receipt Sender::send(std::string_view request) {
  State& state = *state_;
  const codec::Encoding compression = state.options.compression;
  // gRPC packs gzip itself.
  const bool pack = compression == codec::Encoding::Zstd || (state.http && compression != codec::Encoding::None);
  const std::string packed = pack ? state.deflater.deflate(compression, request) : "";
  const std::string_view body = pack ? packed : request;
  if (state.grpc) {
    net::GrpcClient::CallOptions call;
    call.timeout = state.options.timeout;
    if (!state.options.tenant.empty()) call.metadata.emplace_back("x-scope-orgid", state.options.tenant);
    return read_receipt(state.grpc->call(kExportMethod, body, call));
  }
  net::HttpFields headers;
  if (!state.options.tenant.empty()) headers.emplace_back("X-Scope-OrgID", state.options.tenant);
  if (pack) headers.emplace_back("Content-Encoding", codec::name_of(compression));
  return read_receipt(state.http->post(kExportPath, body, "application/x-protobuf", headers));
}

Receipt deliver(const std::function<Receipt()>& send, Patience& patience, const Wait& wait) {
  uint64_t waited = 0;
  uint64_t backoff = kFirstBackoffNanos;
  while (true) {
    Receipt receipt = send();
    patience.reached |= receipt.arrived;
    if (receipt.accepted() || !receipt.retryable || !patience.reached) return receipt;
    const uint64_t pause = receipt.retry_after_nanos.value_or(backoff);
    if (waited + pause > patience.nanos || !wait(pause)) return receipt;
    waited += pause;
    backoff = std::min(backoff * 2, kBackoffNanosMax);
  }
}

}  // namespace clew::transfer
