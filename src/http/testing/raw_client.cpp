#include "http/testing/raw_client.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "base/text.hpp"

namespace latchkey::http::testing {
namespace {

constexpr std::chrono::seconds kPatience{10};

int connect_to(std::uint16_t port, std::string_view address) {
  const std::string text(address);
  sockaddr_in6 six{};
  sockaddr_in four{};
  const bool is_six = inet_pton(AF_INET6, text.c_str(), &six.sin6_addr) == 1;
  if (!is_six && inet_pton(AF_INET, text.c_str(), &four.sin_addr) != 1) {
    throw std::runtime_error("no address: " + text);
  }
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(port);
  four.sin_family = AF_INET;
  four.sin_port = htons(port);
  const int made = ::socket(is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int result = is_six
                         ? ::connect(made, reinterpret_cast<const sockaddr*>(&six), sizeof(six))
                         : ::connect(made, reinterpret_cast<const sockaddr*>(&four), sizeof(four));
  if (result != 0) {
    const int cause = errno;
    ::close(made);
    throw std::runtime_error(std::string("cannot connect: ") + std::strerror(cause));
  }
  ::fcntl(made, F_SETFL, ::fcntl(made, F_GETFL) | O_NONBLOCK);
  return made;
}

/// The size of the response at the front of `text`; npos while it is not whole.
std::size_t response_size(std::string_view text, bool to_head) {
  const std::size_t blank = text.find("\r\n\r\n");
  if (blank == std::string_view::npos) return std::string_view::npos;
  const std::size_t header_size = blank + 4;
  const std::string header = to_lower(text.substr(0, header_size));
  const int status = status_of(text);
  if (to_head || status == 204 || status == 304 || status < 200) return header_size;
  if (header.find("transfer-encoding: chunked\r\n") != std::string::npos) {
    const std::size_t end = text.find("0\r\n\r\n", header_size);
    return end == std::string_view::npos ? end : end + 5;
  }
  constexpr std::string_view kLength = "content-length: ";
  const std::size_t at = header.find(kLength);
  if (at == std::string::npos) return std::string_view::npos;
  const std::size_t size = header_size + std::stoul(header.substr(at + kLength.size()));
  return text.size() < size ? std::string_view::npos : size;
}

}  // namespace

bool run_until(IoContext& context, const std::function<bool()>& done) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    context.restart();
    // Waits in the reactor, not blindly: any event ends it early.
    context.run_one_for(std::chrono::milliseconds(1));
    context.poll();
  }
  return true;
}

RawClient::RawClient(IoContext& context, std::uint16_t port, std::string_view address)
    : context_(context), socket_(connect_to(port, address)) {}

RawClient::~RawClient() {
  ::close(socket_);
}

void RawClient::send(std::string_view bytes) {
  run_until(context_, [&] {
    const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    const bool refused = sent < 0 && errno != EAGAIN;
    return bytes.empty() || refused;
  });
}

void RawClient::finish_sending() {
  ::shutdown(socket_, SHUT_WR);
}

bool RawClient::receive() {
  std::array<char, 16 * 1024> bytes;
  const auto size = ::recv(socket_, bytes.data(), bytes.size(), 0);
  if (size > 0) {
    received_.append(bytes.data(), static_cast<std::size_t>(size));
    return true;
  }
  if (size == 0) ended_ = true;
  if (size < 0 && errno != EAGAIN) ended_ = was_reset_ = true;
  return false;
}

std::string RawClient::read_response(bool to_head) {
  run_until(context_, [&] {
    receive();
    return ended_ || response_size(received_, to_head) != std::string::npos;
  });
  const std::size_t size = std::min(response_size(received_, to_head), received_.size());
  std::string response = received_.substr(0, size);
  received_.erase(0, size);
  return response;
}

std::string RawClient::read_to_end() {
  run_until(context_, [&] {
    receive();
    return ended_;
  });
  return std::exchange(received_, {});
}

bool RawClient::is_closed() {
  return read_to_end().empty() && ended_;
}

bool RawClient::is_silent() {
  for (int i = 0; i < 20; ++i) {
    context_.restart();
    context_.poll();
  }
  return !receive() && !ended_ && received_.empty();
}

int status_of(std::string_view response) {
  if (!response.starts_with("HTTP/1.1 ") || response.size() < 12) return 0;
  return parse_integer<int>(response.substr(9, 3)).value_or(0);
}

std::string body_of(std::string_view response) {
  const std::size_t blank = response.find("\r\n\r\n");
  return blank == std::string_view::npos ? "" : std::string(response.substr(blank + 4));
}

}  // namespace latchkey::http::testing
