#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/secret.hpp"
#include "cloud/proxy/azure_names.hpp"
#include "cloud/proxy/leaf_certificates.hpp"
#include "http/router.hpp"
#include "http/url.hpp"

namespace latchkey::cloud {

/// The handlers of the local cloud, one for each of Azure's services.
struct ProxyServices {
  http::Handler login;
  http::Handler management;
  http::Handler vault;
  http::Handler queue;
  http::Handler functions;
  http::Handler metadata;  ///< takes X-IDENTITY-HEADER as the name of the identity that asks
};

/// An HTTP proxy that stands in for Azure: an app with production URLs and proxy settings works
/// here unchanged. CONNECT to a name that azure_service() knows ends here, in TLS with a
/// certificate for that name; plain requests (absolute form, and origin form with Host, as Azure's
/// C++ SDK sends it) are for what is plain http in Azure too. Nothing is ever passed on: every
/// other name is refused, so that no test reaches the real cloud.
///
/// Proxy credentials (RFC 7617) are wanted on every CONNECT and plain request: the user is an
/// identity's name, the password its identity header. They say as whom 169.254.169.254 answers.
/// HTTP itself: RFC 9110 sections 9.3.6 and 11.7, RFC 9112 section 3.2.
class AzureProxy {
 public:
  /// The user for programs that sign in by themselves (client secret): whoever has this one's
  /// password gets through to the login service, and no identity at 169.254.169.254. No identity
  /// can have this name.
  static constexpr std::string_view kNobody = "~nobody";

  /// Whether the identity `name` has this header, or nobody this password.
  using Check = std::function<bool(std::string_view name, std::string_view identity_header)>;

  AzureProxy(ProxyServices services, LeafCertificates certificates, Check check);
  AzureProxy(const AzureProxy&) = delete;
  AzureProxy& operator=(const AzureProxy&) = delete;
  /// This object must outlive the handler and all connections on which it has answered CONNECT.
  http::Handler handler();

 private:
  struct Credentials {
    std::string name;
    Secret identity_header;
  };

  struct Place {
    std::string host;
    AzureService service = AzureService::login;
  };

  std::optional<Credentials> credentials_of(const http::Request& request) const;
  Task<http::Response> answer(const http::Request& request);
  http::Response connect(const http::Request& request, Credentials credentials);
  Task<http::Response> plain(http::Request request, const Credentials& credentials);
  /// A request that came through the tunnel to `place`; it lives until the task has ended.
  Task<http::Response> inside(const Place& place, const Credentials& credentials,
                              const http::Request& request);
  Task<http::Response> answer_as(const Credentials& credentials, AzureService service,
                                 http::Request request);
  const http::Handler& handler_of(AzureService service) const;

  const ProxyServices services_;
  LeafCertificates certificates_;
  const Check check_;
};

}  // namespace latchkey::cloud
