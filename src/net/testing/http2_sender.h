// SPDX-License-Identifier: Apache-2.0
//
// Http2Sender makes one gRPC call by hand, so that a test can leave it half-sent: it announces a message and sends as
// much of it as the test says and the server's windows allow (RFC 9113, sections 4.1, 5.2, 6). Only tests include this.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "net/testing/raw_socket.h"

namespace clew::net::testing {

class Http2Sender {
 public:
  // Connects and announces a message of `announced` bytes to `path` (at most 126 bytes long).
  Http2Sender(uint16_t port, std::string_view path, uint32_t announced) : socket_(port) {
    std::string out = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    append_frame(out, kSettings, 0, 0, "");
    std::string headers;
    append_header(headers, ":method", "POST");
    append_header(headers, ":scheme", "http");
    append_header(headers, ":path", path);
    append_header(headers, ":authority", "h");
    append_header(headers, "te", "trailers");
    append_header(headers, "content-type", "application/grpc");
    append_frame(out, kHeaders, kEndHeaders, 1, headers);
    const std::string prefix = {0, static_cast<char>(announced >> 24), static_cast<char>(announced >> 16),
                                static_cast<char>(announced >> 8), static_cast<char>(announced)};
    append_frame(out, kData, 0, 1, prefix);
    connection_window_ -= static_cast<int64_t>(prefix.size());
    stream_window_ -= static_cast<int64_t>(prefix.size());
    alive_ = socket_.send(out);
  }

  // Sends up to `bytes` of the message as far as the windows allow now; returns how much went.
  uint64_t pump(uint64_t bytes) {
    read_frames();
    uint64_t sent = 0;
    while (alive_ && sent < bytes) {
      const int64_t room = std::min({connection_window_, stream_window_, kFrameBytesMax, int64_t(bytes - sent)});
      if (room <= 0) break;
      std::string frame;
      append_frame(frame, kData, 0, 1, std::string(static_cast<size_t>(room), 'x'));
      if (!socket_.send(frame)) alive_ = false;
      connection_window_ -= room;
      stream_window_ -= room;
      sent += static_cast<uint64_t>(room);
      read_frames();
    }
    return sent;
  }

  // False when the server has ended the call or the connection.
  bool alive() {
    read_frames();
    return alive_;
  }
  // What has come from the server so far, in frames.
  const std::string& received() const { return received_; }
  // Waits for the next bytes; false at the end.
  bool wait() {
    const std::string bytes = socket_.receive_some();
    received_ += bytes;
    return !bytes.empty();
  }

 private:
  static constexpr uint8_t kData = 0, kHeaders = 1, kReset = 3, kSettings = 4, kGoAway = 7, kWindowUpdate = 8;
  static constexpr uint8_t kEndHeaders = 4;
  static constexpr int64_t kFrameBytesMax = 16'384;
  static constexpr int64_t kWindow = 65'535;
  static constexpr size_t kFrameHeadBytes = 9;

  static void append_frame(std::string& out, uint8_t type, uint8_t flags, uint8_t stream, std::string_view payload) {
    const size_t n = payload.size();
    out += {static_cast<char>(n >> 16),
            static_cast<char>(n >> 8),
            static_cast<char>(n),
            static_cast<char>(type),
            static_cast<char>(flags),
            0,
            0,
            0,
            static_cast<char>(stream)};
    out += payload;
  }
  // A literal without indexing; neither part is Huffman-coded.
  static void append_header(std::string& out, std::string_view name, std::string_view value) {
    out += '\0';
    out += static_cast<char>(name.size());
    out += name;
    out += static_cast<char>(value.size());
    out += value;
  }

  uint32_t number(size_t at, size_t bytes) const {
    uint32_t value = 0;
    for (size_t i = 0; i < bytes; ++i) value = value << 8 | static_cast<uint8_t>(received_[at + i]);
    return value;
  }

  void read_frames() {
    received_ += socket_.receive_now();
    while (received_.size() - read_ >= kFrameHeadBytes) {
      const size_t length = number(read_, 3);
      if (received_.size() - read_ < kFrameHeadBytes + length) return;
      const auto type = static_cast<uint8_t>(received_[read_ + 3]);
      const uint32_t stream = number(read_ + 5, 4);
      const size_t body = read_ + kFrameHeadBytes;
      if (type == kWindowUpdate) (stream == 0 ? connection_window_ : stream_window_) += number(body, 4);
      if (type == kSettings) apply_settings(body, length);
      if (type == kReset || type == kGoAway || (type == kHeaders && stream == 1)) alive_ = false;
      read_ = body + length;
    }
  }
  void apply_settings(size_t body, size_t length) {
    constexpr uint32_t kInitialWindowSize = 4;
    for (size_t at = body; at + 6 <= body + length; at += 6) {
      if (number(at, 2) != kInitialWindowSize) continue;
      stream_window_ += int64_t{number(at + 2, 4)} - initial_window_;
      initial_window_ = number(at + 2, 4);
    }
  }

  RawSocket socket_;
  std::string received_;
  size_t read_ = 0;
  bool alive_ = false;
  int64_t connection_window_ = kWindow;
  int64_t stream_window_ = kWindow;
  int64_t initial_window_ = kWindow;
};

}  // namespace clew::net::testing
