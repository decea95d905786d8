#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "base/result.hpp"
#include "http/message.hpp"

/// Reads answers from bytes (RFC 9112), one after the other, without a socket: Content-Length,
/// chunked and until-close bodies; interim answers (1xx) are skipped, trailers dropped.
namespace latchkey::http {

class ResponseParser {
 public:
  struct Limits {
    std::size_t header_bytes_max;  ///< also for one chunk's line and for trailers
    std::size_t body_bytes_max;
  };

  explicit ResponseParser(Limits limits);
  ~ResponseParser();

  /// Before each answer. The request's method decides whether a body follows: not after HEAD, nor
  /// after CONNECT, where what follows is no longer HTTP.
  void begin(Method method);
  /// Takes what it can and says how many bytes that were; the rest must come again, with more
  /// behind it, unless done(). Error: protocol ("MalformedAnswer", "AnswerTooLarge").
  Result<std::size_t> feed(std::string_view bytes);
  /// The other side closed. Right only for a body that ends so; error otherwise: unavailable
  /// ("AnswerCutShort").
  Result<> end_of_stream();

  bool done() const;
  /// The body ends where the connection does.
  bool reads_until_close() const;
  /// Once done(): whether the connection may carry another request.
  bool keep_alive() const;
  /// Once done().
  Response take();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace latchkey::http
