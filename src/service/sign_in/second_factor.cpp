// The code's half of SignIn: asking for it, checking it, sending another, and "this was not me".
#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "http/url.hpp"
#include "service/sign_in/sign_in.hpp"
#include "service/web_files.hpp"

namespace latchkey::service::sign_in {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Whose code a session asks for. A wrong first factor asks for the code of somebody who gets none:
/// all work, limits and answers are the same, and the named person's codes and counts stay as they
/// are.
codes::Binding binding_of(const Session& session) {
  return {session.proven ? session.subject : "unproven " + session.subject, std::string(kPurpose)};
}

std::string time_left(milliseconds left) {
  if (left.count() == 0) return "expired";
  const auto seconds_left = std::chrono::ceil<seconds>(left).count();
  return fmt::format("{}:{:02} left", seconds_left / 60, seconds_left % 60);
}

}  // namespace

http::Response SignIn::ask_for_code(const Visit& visit, Session session, std::string_view path) {
  session.code_expires = with_.clock.now() + with_.issuer.options().rules.lifetime;
  session.expires =
      std::min(session.code_expires + kPendingAfterCode, session.started + kPendingMax);
  if (session.proven) {
    sender_.send(
        {.subject = session.subject, .caller = visit.caller(), .public_url = public_url(visit)});
  }
  return with_session(go_to(visit, path), visit, session);
}

std::string SignIn::public_url(const Visit& visit) const {
  if (!options_.public_url.empty()) return options_.public_url;
  const auto url = http::parse_url(visit.origin);
  const bool is_here = url && visit.loopback && http::is_loopback_host(url->host);
  return is_here ? visit.origin : std::string();
}

http::Response SignIn::code_page(const Visit& visit, int code, std::string_view problem,
                                 std::string_view news) {
  const auto& session = *visit.session;
  const auto left = std::max(
      milliseconds{0}, std::chrono::ceil<milliseconds>(session.code_expires - with_.clock.now()));
  const auto lifetime = with_.issuer.options().rules.lifetime;
  const std::string_view introduction =
      options_.app_service_authentication
          ? "A code is on its way to you."
          : "If name and password are right, a code is on its way to you.";
  const Html state = !problem.empty()    ? alert(problem)
                     : sender_.failing() ? alert(
                                               "The last code could not be sent. If none comes, "
                                               "ask for a new one.")
                                         : status(news);
  return page(visit, code, "Enter your code",
              render(web_file("code.html"), {{"introduction", introduction},
                                             {"name", session.subject},
                                             {"state", state},
                                             {"invalid", problem.empty() ? "false" : "true"},
                                             {"csrf", session.csrf},
                                             {"until", time_of_day(session.code_expires)},
                                             {"left", time_left(left)},
                                             {"milliseconds_left", std::to_string(left.count())},
                                             {"lifetime", std::to_string(lifetime.count())}}));
}

std::optional<http::Response> SignIn::unless_pending(const Visit& visit) const {
  if (!visit.session || visit.session->stage == Stage::visitor) {
    return go_to(visit, "/sign-in?ended");
  }
  if (visit.session->stage == Stage::signed_in) return go_to(visit, "/account");
  return std::nullopt;
}

Task<http::Response> SignIn::show_code(const Request& request) {
  const auto visit = visit_of(request);
  if (auto elsewhere = unless_pending(visit)) co_return std::move(*elsewhere);
  const bool is_new = request.query_text() == "new";
  co_return code_page(visit, 200, {},
                      is_new ? "A new code is on its way. The one before no longer works." : "");
}

Task<http::Response> SignIn::resend(const Request& request) {
  const auto visit = visit_of(request);
  if (auto elsewhere = unless_pending(visit)) co_return std::move(*elsewhere);
  auto form = read_own_form(request, visit);
  if (!form) co_return std::move(form.error());
  if (auto refusal = too_many(visit, visit.session->subject)) co_return std::move(*refusal);
  co_return ask_for_code(visit, *visit.session, "/sign-in/code?new");
}

Task<http::Response> SignIn::second_factor(const Request& request) {
  const auto visit = visit_of(request);
  if (auto elsewhere = unless_pending(visit)) co_return std::move(*elsewhere);
  auto form = read_own_form(request, visit);
  if (!form) co_return std::move(form.error());
  const auto typed = trim((*form)["code"]);
  if (typed.empty()) co_return code_page(visit, 422, "Enter the code from the message.", {});

  codes::VerifyRequest attempt{.code = Secret(std::string(typed)),
                               .binding = binding_of(*visit.session),
                               .caller = visit.caller(),
                               // A form that is sent twice, or again after a lost answer, gets in.
                               .idempotency_key = visit.session->id,
                               .wait = kWaitForActivation};
  const auto answer = co_await with_.verifier.verify(std::move(attempt));
  if (!answer) {
    log::error("sign_in_verify_failed",
               {{"kind", to_string(answer.error().kind)}, {"problem", answer.error().message}});
    co_return code_page(visit, 503,
                        "Codes cannot be checked at the moment. Please try again; if the code is "
                        "refused then, ask for a new one.",
                        {});
  }
  if (answer->verdict == codes::Verdict::accepted && visit.session->proven) {
    co_return signed_in(visit, answer->id);
  }
  co_return verdict_page(visit, *answer);
}

http::Response SignIn::signed_in(const Visit& visit, std::string_view code_id) {
  const auto& subject = visit.session->subject;
  record(codes::AuditEventKind::signed_in, visit, subject, {}, code_id);
  return with_session(go_to(visit, "/account"), visit,
                      sealer_.begin(Stage::signed_in, subject, options_.signed_in_lifetime));
}

http::Response SignIn::verdict_page(const Visit& visit, const codes::VerifyAnswer& answer) {
  if (answer.verdict == codes::Verdict::not_active_yet) {
    return code_page(visit, 409, "This code is not active yet. Please try again in a moment.", {});
  }
  if (answer.verdict == codes::Verdict::throttled) {
    const auto problem = fmt::format("There were too many wrong codes. Please try again {}.",
                                     in_words(answer.retry_after));
    auto response = code_page(visit, 429, problem, {});
    response.headers.set("Retry-After", std::to_string(answer.retry_after.count()));
    return response;
  }
  // The same for wrong, used, expired and replaced codes.
  return code_page(
      visit, 403,
      "This code is not right, or no longer valid. Check the newest message, or ask for "
      "a new code.",
      {});
}

Task<http::Response> SignIn::ask_not_me(const Request& request, std::string token) {
  const auto visit = visit_of(request);
  if (!visit.is_private()) co_return https_needed(visit);
  const auto subject = sealer_.open_not_me(token);
  if (!subject) co_return dead_link(visit);
  co_return page(visit, 200, "Was this not you?",
                 render(web_file("not_me.html"), {{"name", *subject}, {"token", token}}));
}

/// The token is the permission: no session is needed, and none is begun or changed.
Task<http::Response> SignIn::not_me(const Request& request) {
  const auto visit = visit_of(request);
  auto form = read_form(request, visit);
  if (!form) co_return std::move(form.error());
  const auto subject = sealer_.open_not_me((*form)["token"]);
  if (!subject) co_return dead_link(visit);
  const auto revoked =
      co_await with_.directory.revoke_subject(*subject, std::nullopt, visit.caller());
  if (!revoked) {
    log::error("sign_in_revoke_failed",
               {{"kind", to_string(revoked.error().kind)}, {"problem", revoked.error().message}});
    co_return notice_page(visit, {.status = 503,
                                  .title = "Not done yet",
                                  .text = "Your codes could not be revoked. Please go back and try "
                                          "again."});
  }
  record(codes::AuditEventKind::sign_in_disowned, visit, *subject, {});
  co_return notice_page(
      visit, {.title = "Your codes no longer work",
              .text = "Nobody can sign in with a code that was sent until now. Somebody else may "
                      "know your password: change it."});
}

}  // namespace latchkey::service::sign_in
