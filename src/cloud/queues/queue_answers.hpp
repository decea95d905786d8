#pragma once

#include <string>

#include "http/message.hpp"

/// The two forms that a good answer of the queue service has, without the headers of all answers.
namespace latchkey::cloud {

inline http::Response empty_response(int status) {
  http::Response response;
  response.status = status;
  return response;
}

/// Chunked, as the real service does.
inline http::Response xml_response(int status, std::string body) {
  http::Response response;
  response.status = status;
  response.headers.set("Content-Type", "application/xml");
  response.body = std::move(body);
  response.chunked = true;
  return response;
}

}  // namespace latchkey::cloud
