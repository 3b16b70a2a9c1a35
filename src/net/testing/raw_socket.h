// SPDX-License-Identifier: Apache-2.0
//
// RawSocket sends whatever bytes a test wants to a port of this host, well-formed or not, and reads what comes back.
// Every wait ends after kWait. Only tests include this.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace clew::net::testing {

class RawSocket {
 public:
  static constexpr int kWaitMs = 10'000;

  explicit RawSocket(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) close();
  }
  RawSocket(RawSocket&& other) noexcept : socket_(std::exchange(other.socket_, -1)), input_(std::move(other.input_)) {}
  RawSocket& operator=(RawSocket&&) = delete;
  ~RawSocket() { close(); }

  bool connected() const { return socket_ >= 0; }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  void end_sending() { shutdown(socket_, SHUT_WR); }

  // Sends all of `bytes`; false if the other side has closed.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  // Sends what the kernel takes now.
  size_t send_some(std::string_view bytes) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent < 0 ? 0 : static_cast<size_t>(sent);
  }

  // What is here already.
  std::string receive_now() {
    std::string bytes(64 << 10, '\0');
    const ssize_t got = recv(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    bytes.resize(got < 0 ? 0 : static_cast<size_t>(got));
    return bytes;
  }
  // The next bytes, or nothing at the end or after kWaitMs.
  std::string receive_some() {
    pollfd wait{socket_, POLLIN, 0};
    if (poll(&wait, 1, kWaitMs) <= 0) return {};
    std::string bytes(64 << 10, '\0');
    const ssize_t got = recv(socket_, bytes.data(), bytes.size(), 0);
    bytes.resize(got < 0 ? 0 : static_cast<size_t>(got));
    return bytes;
  }
  // Everything up to the end of the connection.
  std::string receive_all() {
    std::string all = std::exchange(input_, {});
    while (true) {
      const std::string bytes = receive_some();
      if (bytes.empty()) return all;
      all += bytes;
    }
  }

  struct Answer {
    int status = 0;  // 0: there was none
    std::string head;
    std::string body;
    // The value of a header written as in `name`.
    std::string header(const std::string& name) const {
      const size_t at = head.find("\r\n" + name + ": ");
      if (at == std::string::npos) return {};
      const size_t from = at + 4 + name.size();
      return head.substr(from, head.find("\r\n", from) - from);
    }
  };
  // The next answer, whose body must have a Content-Length or be chunked (then it is left in chunks).
  Answer receive_answer(bool head_only = false) {
    Answer answer;
    size_t end = std::string::npos;
    while ((end = input_.find("\r\n\r\n")) == std::string::npos) {
      if (!more()) return answer;
    }
    answer.head = input_.substr(0, end + 2);
    input_.erase(0, end + 4);
    answer.status = std::atoi(answer.head.c_str() + std::string_view("HTTP/1.1 ").size());
    if (answer.status == 100 || head_only) return answer;
    if (answer.header("Transfer-Encoding") == "chunked") {
      while ((end = input_.find("0\r\n\r\n")) == std::string::npos && more()) {
      }
      end = end == std::string::npos ? input_.size() : end + 5;
      answer.body = input_.substr(0, end);
      input_.erase(0, end);
      return answer;
    }
    const size_t length = std::strtoul(answer.header("Content-Length").c_str(), nullptr, 10);
    while (input_.size() < length && more()) {
    }
    answer.body = input_.substr(0, length);
    input_.erase(0, length);
    return answer;
  }

 private:
  bool more() {
    const std::string bytes = receive_some();
    input_ += bytes;
    return !bytes.empty();
  }

  int socket_;
  std::string input_;
};

}  // namespace clew::net::testing
