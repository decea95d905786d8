#pragma once

#include <string>
#include <string_view>

#include "azure/retry_policy.hpp"
#include "azure/storage_address.hpp"

namespace latchkey::azure {

/// What the clients of Queue and Table Storage do alike with every request: version, date, id,
/// authorization (token, account key or SAS), retries as RetryPolicy has them, and one more round
/// with a new token after a 401.
///
/// One executor. What it refers to must outlive its calls; do not move it meanwhile.
class StorageSender {
 public:
  enum class Form { queue, table };  ///< of a signature with the account's key
  struct Options {
    Form form = Form::queue;
    std::string_view version{};  ///< x-ms-version
    RetryOptions retry{};
  };
  StorageSender(StorageAddress address, http::HttpClient& http, Clock& clock, Random& random,
                Options options);

  struct Answer {
    http::Response response;
    /// There was an earlier try, of which nobody knows whether it took effect.
    bool repeated = false;
  };
  /// `path` and `query` (encoded) in place of the address's own; the SAS is added. Its
  /// x-ms-client-request-id, which all tries share and Storage's logs keep, is the trace's id, or
  /// a new one.
  Task<Result<Answer>> send(http::ClientRequest request);
  /// A request to `path`, with version.
  http::ClientRequest request(http::Method method, std::string path, std::string_view query) const;

  const std::string& path() const { return address_.url.path; }
  /// Its last segment: the queue's or table's name.
  std::string_view name() const;
  /// The same account and credential, another queue or table.
  void rename(std::string_view name);
  /// "ACCOUNT.queue.core.windows.net/QUEUE": the address without scheme and SAS.
  std::string where() const { return address_.url.authority() + address_.url.path; }
  void set_retry(RetryOptions retry) { options_.retry = retry; }
  bool by_identity() const { return address_.credential != nullptr; }

 private:
  Task<Result<http::ClientRequest>> prepare(http::ClientRequest request);
  void sign(http::ClientRequest& request) const;

  StorageAddress address_;
  http::HttpClient* http_;
  Clock* clock_;
  Random* random_;
  Options options_;
};

}  // namespace latchkey::azure
