#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "http/message.hpp"
#include "http/server.hpp"

namespace latchkey::http {

/// Bytes to requests (RFC 9112), one after the other, without sockets. Beast's parser with what it
/// lets pass taken away: repeated or listed Content-Length, unknown transfer codings, obsolete
/// folding, and anything about Host.
class RequestParser {
 public:
  enum class Progress : std::uint8_t {
    need_more,         ///< all input is used up; call again when there is more
    expects_continue,  ///< the client waits for "100 Continue"; call again once it is sent
    complete,          ///< `request()` is whole; call `next()` before the following one
    refused,           ///< answer `refusal()` and close: the stream cannot be trusted any more
  };

  /// `limits` must outlive this.
  explicit RequestParser(const ServerLimits& limits);
  ~RequestParser();
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  /// Reads on at the front of `input`, shortens it by what was used, and stops behind the end of
  /// the request. What is left belongs in front of the next bytes.
  Progress parse(std::string_view& input);
  /// Forgets the request but keeps its memory for the next one.
  void next();

  /// A byte of the current request has been seen.
  bool started() const;
  /// Its `over_tls` and `peer_address` are the caller's to set; they stay over all requests.
  Request& request();
  Response refusal() const;
  /// May the connection stay open behind this request? (RFC 9112 section 9.3)
  bool keep_alive() const;
  bool is_http10() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace latchkey::http
