#pragma once

#include <string>

#include "app/service_parts.hpp"
#include "base/secret.hpp"

namespace latchkey::app {

/// A client of our own API, for the command line.
class ApiClient {
 public:
  /// `url`: "http://localhost:8080".
  ApiClient(const std::string& url, Trust trust, World world);

  struct NewCode {
    Secret code;
    std::string json;  ///< the whole answer
  };
  Task<Result<NewCode>> new_code();
  /// The API's verdict; an error where it gave none.
  Task<Result<codes::Verdict>> verify(Secret code);

 private:
  Task<Result<http::Response>> send(http::Method method, std::string path, std::string body);

  Result<http::Url> url_;
  http::PooledClient http_;
};

}  // namespace latchkey::app
