#include "service/sign_in/sign_in.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "http/url.hpp"
#include "service/web_files.hpp"

namespace latchkey::service::sign_in {
namespace {

constexpr std::size_t kSubjectBytesMax = 256;

/// What the pages say when they were reached by go_to with "?...".
std::string_view news_of(const http::Request& request) {
  const auto query = request.query_text();
  if (query == "out") return "You are signed out.";
  if (query == "ended") return "That took too long. Please start again.";
  return {};
}

}  // namespace

SignIn::SignIn(Dependencies dependencies, SignInOptions options)
    : with_(dependencies),
      options_(std::move(options)),
      sealer_(with_.hasher, with_.clock, with_.random),
      sender_({with_.issuer, with_.directory, with_.delivery, sealer_, with_.executor}),
      by_name_(with_.clock, options_.per_name, {}),
      by_address_(with_.clock, options_.per_address, {}) {}

void SignIn::add_routes(http::Router& router) {
  using http::Match;
  using http::Method;
  const auto add = [this, &router](Method method, std::string_view path,
                                   Task<Response> (SignIn::*handle)(const Request&)) {
    router.add(method, path, [this, handle](const Request& request, const Match&) {
      return (this->*handle)(request);
    });
  };
  add(Method::get, "/sign-in", &SignIn::show_sign_in);
  add(Method::post, "/sign-in", &SignIn::first_factor);
  add(Method::get, "/sign-in/code", &SignIn::show_code);
  add(Method::post, "/sign-in/code", &SignIn::second_factor);
  add(Method::post, "/sign-in/resend", &SignIn::resend);
  add(Method::post, "/sign-in/not-me", &SignIn::not_me);
  add(Method::get, "/account", &SignIn::show_account);
  add(Method::post, "/sign-out", &SignIn::sign_out);
  router.add(Method::get, "/sign-in/not-me", [this](const Request& request, const Match& match) {
    const auto* token = http::find_parameter(match.query, "token");
    return ask_not_me(request, token != nullptr ? *token : std::string());
  });
  router.add(Method::get, "/assets/{file}",
             [](const Request&, const Match& match) -> Task<Response> {
               auto found = asset(match.parameters[0]);
               co_return found ? std::move(*found) : http::text_response(404, "No such file\n");
             });
}

Visit SignIn::visit_of(const Request& request) const {
  auto visit = read_visit(request, options_.behind_proxy, sealer_);
  // Somebody else has taken the browser over: what the former person began is not theirs.
  if (options_.app_service_authentication && visit.session &&
      visit.session->stage != Stage::visitor &&
      visit.session->subject != app_service_principal(request)) {
    visit.session.reset();
  }
  return visit;
}

tl::expected<Form, http::Response> SignIn::read_form(const Request& request,
                                                     const Visit& visit) const {
  if (!visit.is_private()) return tl::unexpected(https_needed(visit));
  if (!is_same_origin(request, visit)) {
    return tl::unexpected(notice_page(
        visit, {.status = 403,
                .title = "Not from here",
                .text = "Another site tried to send this form in your name. Nothing was done."}));
  }
  auto form = parse_form(request);
  if (form) return std::move(*form);
  return tl::unexpected(notice_page(visit, {.status = 400,
                                            .title = "This form cannot be read",
                                            .text = "Please go back and fill it in again."}));
}

tl::expected<Form, http::Response> SignIn::read_own_form(const Request& request,
                                                         const Visit& visit) const {
  auto form = read_form(request, visit);
  if (form && !(visit.session && constant_time_equal((*form)["csrf"], visit.session->csrf))) {
    return tl::unexpected(notice_page(
        visit, {.status = 403,
                .title = "This page is too old",
                .text = "It belongs to a session that has ended, or your browser does not keep "
                        "cookies. Nothing was done."}));
  }
  return form;
}

Task<http::Response> SignIn::show_sign_in(const Request& request) {
  auto visit = visit_of(request);
  if (!visit.is_private()) co_return https_needed(visit);
  if (visit.session && visit.session->stage == Stage::signed_in) {
    co_return go_to(visit, "/account");
  }
  co_return sign_in_page(request, std::move(visit), 200, {});
}

http::Response SignIn::sign_in_page(const Request& request, Visit visit, int code,
                                    std::string_view problem) {
  // A visitor's session is kept: another tab may show a form of it.
  const bool is_new = !visit.session;
  if (is_new) visit.session = sealer_.begin(Stage::visitor, "", kVisitorLifetime);
  const Html news = problem.empty() ? status(news_of(request)) : alert(problem);
  Response response;
  if (options_.app_service_authentication) {
    const auto principal = app_service_principal(request);
    if (principal.empty()) {
      return notice_page(visit, {.status = 401,
                                 .title = "Sign in to your organisation first",
                                 .text = "App Service authentication did not say who you are.",
                                 .link = "/.auth/login/aad",
                                 .link_text = "Sign in to your organisation"});
    }
    response = page(visit, code, "Sign in",
                    render(web_file("sign_in_organisation.html"),
                           {{"news", news}, {"csrf", visit.session->csrf}, {"name", principal}}));
  } else {
    response =
        page(visit, code, "Sign in",
             render(web_file("sign_in.html"), {{"news", news}, {"csrf", visit.session->csrf}}));
  }
  if (is_new) return with_session(std::move(response), visit, *visit.session);
  return response;
}

Task<http::Response> SignIn::first_factor(const Request& request) {
  const auto visit = visit_of(request);
  auto form = read_own_form(request, visit);
  if (!form) co_return std::move(form.error());
  const bool by_app_service = options_.app_service_authentication;
  const std::string subject =
      by_app_service ? app_service_principal(request) : std::string((*form)["name"]);
  const Secret password{std::string((*form)["password"])};
  if (subject.empty() || (password.empty() && !by_app_service)) {
    co_return sign_in_page(request, visit, 422, "Enter your name and your password.");
  }
  if (!is_plain_text(subject, kSubjectBytesMax)) {
    co_return sign_in_page(request, visit, 422, "That name is too long.");
  }
  if (auto refusal = too_many(visit, subject)) co_return std::move(*refusal);

  bool proven = by_app_service;
  if (!by_app_service) {
    auto right = co_await with_.users.check(subject, password);
    if (!right) {
      log::error("sign_in_users_failed",
                 {{"kind", to_string(right.error().kind)}, {"problem", right.error().message}});
      co_return notice_page(visit, {.status = 503,
                                    .title = "Not now",
                                    .text = "Names and passwords cannot be checked at the moment.",
                                    .retry_after = std::chrono::seconds{5}});
    }
    proven = *right;
  }
  record(codes::AuditEventKind::sign_in_first_factor, visit, subject,
         proven ? "accepted" : "refused");
  auto session = sealer_.begin(Stage::pending, subject, kPendingMax);
  session.proven = proven;
  co_return ask_for_code(visit, std::move(session), "/sign-in/code");
}

std::optional<http::Response> SignIn::too_many(const Visit& visit, std::string_view subject) {
  auto taken = by_address_.take(visit.address);
  if (taken.allowed) taken = by_name_.take(fmt::format("{} {}", visit.address, subject));
  if (taken.allowed) return std::nullopt;
  record(codes::AuditEventKind::sign_in_first_factor, visit, subject, "throttled");
  return notice_page(
      visit, {.status = 429,
              .title = "Too many tries",
              .text = "Too many codes were asked for here in a short time.",
              .link = visit.session && visit.session->stage == Stage::pending ? "/sign-in/code"
                                                                              : "/sign-in",
              .link_text = "Back",
              .retry_after = taken.retry_after});
}

Task<http::Response> SignIn::show_account(const Request& request) {
  const auto visit = visit_of(request);
  if (!visit.session || visit.session->stage != Stage::signed_in) {
    co_return go_to(visit, "/sign-in");
  }
  const auto& session = *visit.session;
  co_return page(visit, 200, "Your account",
                 render(web_file("account.html"), {{"name", session.subject},
                                                   {"csrf", session.csrf},
                                                   {"since", day_and_time(session.started)},
                                                   {"until", day_and_time(session.expires)}}));
}

Task<http::Response> SignIn::sign_out(const Request& request) {
  const auto visit = visit_of(request);
  auto form = read_own_form(request, visit);
  if (!form) co_return std::move(form.error());
  record(codes::AuditEventKind::signed_out, visit, visit.session->subject, {});
  auto response = go_to(visit, "/sign-in?out");
  response.headers.add("Set-Cookie", session_cookie(visit, {}));
  co_return response;
}

http::Response SignIn::with_session(Response response, const Visit& visit, const Session& session) {
  response.headers.add("Set-Cookie", session_cookie(visit, sealer_.seal(session)));
  return response;
}

void SignIn::record(codes::AuditEventKind kind, const Visit& visit, std::string_view subject,
                    std::string_view reason, std::string_view code_id) {
  const auto caller = visit.caller();
  with_.audit.record({.kind = kind,
                      .code_id = code_id,
                      .subject = subject,
                      .purpose = kPurpose,
                      .caller = caller,
                      .reason = reason});
}

std::string app_service_principal(const http::Request& request) {
  for (const char* header : {"X-MS-CLIENT-PRINCIPAL-NAME", "X-MS-CLIENT-PRINCIPAL-ID"}) {
    const auto value = request.headers.find(header).value_or("");
    if (!value.empty() && is_plain_text(value, kSubjectBytesMax)) return std::string(value);
  }
  return {};
}

}  // namespace latchkey::service::sign_in
