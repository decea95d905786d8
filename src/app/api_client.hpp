#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>

#include "app/azure_access.hpp"
#include "base/secret.hpp"
#include "codes/verifier.hpp"

namespace latchkey::app {

/// A client of our own API, for the command line. Where the API asks for a key, it is the one in
/// LATCHKEY_API_KEY. An answer that is no success is an error with what the API said.
class ApiClient {
 public:
  /// `url`: "http://localhost:8080".
  ApiClient(const std::string& url, Secret api_key, Trust trust, World world);

  struct NewCode {
    Secret code;
    std::string json;  ///< the whole answer
  };
  /// The walkthrough's call.
  Task<Result<NewCode>> new_code();
  /// For a subject or purpose, or with a lifetime (0: the API's own).
  Task<Result<NewCode>> new_code_for(codes::Binding binding, std::int64_t lifetime_seconds);
  /// The API's verdict; waits for a code that is not active yet.
  Task<Result<codes::Verdict>> verify(Secret code, codes::Binding binding);
  /// The answers as JSON text.
  Task<Result<std::string>> show(std::string id);
  Task<Result<std::string>> revoke(std::string id);
  Task<Result<std::string>> revoke_subject(codes::Binding binding);

 private:
  Task<Result<http::Response>> send(http::Method method, std::string path,
                                    boost::json::object body);
  Task<Result<NewCode>> expect_code(http::Method method, std::string path,
                                    boost::json::object body);
  Task<Result<std::string>> expect_text(http::Method method, std::string path,
                                        boost::json::object body);

  Result<http::Url> url_;
  Secret api_key_;
  http::PooledClient http_;
};

}  // namespace latchkey::app
