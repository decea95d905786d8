#pragma once

#include <string>

#include "codes/audit.hpp"
#include "codes/code_directory.hpp"
#include "codes/issuer.hpp"
#include "codes/rate_limiter.hpp"
#include "codes/verifier.hpp"
#include "http/router.hpp"
#include "service/sign_in/code_sender.hpp"
#include "service/sign_in/delivery.hpp"
#include "service/sign_in/form.hpp"
#include "service/sign_in/pages.hpp"
#include "service/sign_in/session.hpp"
#include "service/sign_in/user_store.hpp"
#include "service/sign_in/visit.hpp"

/// The walkthrough's "user sign-in procedure": a first factor, then a code that reaches the person
/// on another way.
///
///   GET  /sign-in          who are you?        POST: the first factor; always on to the next page
///   GET  /sign-in/code     the code, please    POST: accepted once, then signed in
///   POST /sign-in/resend   a new code, which ends the old one
///   GET  /sign-in/not-me   asks (a link in a message changes nothing: mail scanners follow links)
///   POST /sign-in/not-me   revokes the person's codes
///   GET  /account          the protected page
///   POST /sign-out
///   GET  /assets/{file}
///
/// What a wrong first factor meets is the same, page by page and in the same time, as what a right
/// one does: it claims a subject that nobody has, whose codes nobody issues.
namespace latchkey::service::sign_in {

struct SignInOptions {
  /// App Service authentication stands before us and is the first factor: its header
  /// X-MS-CLIENT-PRINCIPAL-NAME (or -ID) is believed. Never without: anybody could send it.
  bool app_service_authentication = false;
  /// See read_visit. True on App Service.
  bool behind_proxy = false;
  /// "https://app.example", for links in messages. When empty, links name the host of the request
  /// that asked, but only where that is this machine: anybody can send any Host.
  std::string public_url{};
  std::chrono::seconds signed_in_lifetime{8 * 3600};
  /// First factors and resends, for one name from one address: never a name alone, or guessing
  /// would lock its owner out.
  codes::Rate per_name{5, std::chrono::seconds{600}};
  /// First factors from one address, and from everywhere.
  codes::Rate per_address{60, std::chrono::seconds{600}};
};

class SignIn {
 public:
  /// How long after a code's end a new one may be asked for without the first factor.
  static constexpr std::chrono::minutes kPendingAfterCode{10};
  /// Whoever keeps asking for new codes has to begin again after this.
  static constexpr std::chrono::minutes kPendingMax{60};
  /// How long a form may lie open before its first post.
  static constexpr std::chrono::hours kVisitorLifetime{24};
  /// A person may type a code before the watcher has made it valid.
  static constexpr std::chrono::seconds kWaitForActivation{2};

  struct Dependencies {
    codes::Issuer& issuer;
    codes::Verifier& verifier;
    codes::CodeDirectory& directory;
    const codes::CodeHasher& hasher;
    codes::Audit& audit;
    UserStore& users;  ///< unused with App Service authentication
    Delivery& delivery;
    Clock& clock;
    Random& random;
    Executor executor;
  };
  SignIn(Dependencies dependencies, SignInOptions options);
  SignIn(const SignIn&) = delete;
  SignIn& operator=(const SignIn&) = delete;

  /// The router must not outlive this object.
  void add_routes(http::Router& router);
  /// Before this object goes: waits until the codes that are on their way have left.
  Task<> finish() { return sender_.finish(); }

 private:
  using Request = http::Request;
  using Response = http::Response;

  Task<Response> show_sign_in(const Request& request);
  Task<Response> first_factor(const Request& request);
  Task<Response> show_code(const Request& request);
  Task<Response> second_factor(const Request& request);
  Task<Response> resend(const Request& request);
  Task<Response> ask_not_me(const Request& request, std::string token);
  Task<Response> not_me(const Request& request);
  Task<Response> show_account(const Request& request);
  Task<Response> sign_out(const Request& request);

  Visit visit_of(const Request& request) const;
  /// A form that was posted from one of our pages, privately. Error: the page to answer.
  tl::expected<Form, Response> read_form(const Request& request, const Visit& visit) const;
  /// And that brings back the token of the browser's session.
  tl::expected<Form, Response> read_own_form(const Request& request, const Visit& visit) const;
  /// Where to go when there is no code to ask for.
  std::optional<Response> unless_pending(const Visit& visit) const;
  /// The answer when a limit is reached.
  std::optional<Response> too_many(const Visit& visit, std::string_view subject);

  Response sign_in_page(const Request& request, Visit visit, int status, std::string_view problem);
  Response code_page(const Visit& visit, int status, std::string_view problem,
                     std::string_view news);
  Response verdict_page(const Visit& visit, const codes::VerifyAnswer& answer);
  /// Sends a code, if the first factor was right, and the browser to `path`.
  Response ask_for_code(const Visit& visit, Session session, std::string_view path);
  Response signed_in(const Visit& visit, std::string_view code_id);
  Response with_session(Response response, const Visit& visit, const Session& session);

  std::string public_url(const Visit& visit) const;
  void record(codes::AuditEventKind kind, const Visit& visit, std::string_view subject,
              std::string_view reason, std::string_view code_id = {});

  Dependencies with_;
  const SignInOptions options_;
  Sealer sealer_;
  CodeSender sender_;
  codes::RateLimiter by_name_;
  codes::RateLimiter by_address_;
};

/// Who App Service authentication says is asking: X-MS-CLIENT-PRINCIPAL-NAME, else -ID. Empty
/// without either, and for what is no plain text.
std::string app_service_principal(const http::Request& request);

}  // namespace latchkey::service::sign_in
