#include "cloud/queues/cors_rules.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace latchkey::cloud {
namespace {

/// Whether an element of the comma-separated `list` is `wanted`. A '*' stands for any text; no
/// element has more than one.
bool lists(std::string_view list, std::string_view wanted) {
  const auto elements = split(list, ',');
  return std::any_of(elements.begin(), elements.end(), [wanted](std::string_view element) {
    element = trim(element);
    const auto star = element.find('*');
    if (star == std::string_view::npos) return iequals(element, wanted);
    const auto before = element.substr(0, star);
    const auto after = element.substr(star + 1);
    return wanted.size() >= before.size() + after.size() && istarts_with(wanted, before) &&
           iequals(wanted.substr(wanted.size() - after.size()), after);
  });
}

bool allows_any_origin(const wire::CorsRule& rule) {
  return trim(rule.allowed_origins) == "*";
}

bool allows_headers(const wire::CorsRule& rule, std::string_view wanted) {
  const auto names = split(wanted, ',');
  return std::all_of(names.begin(), names.end(), [&rule](std::string_view name) {
    return trim(name).empty() || lists(rule.allowed_headers, trim(name));
  });
}

/// The names of the answer's headers that the rule shows to the page.
std::string exposed_headers(const wire::CorsRule& rule, const http::Response& response) {
  std::string exposed;
  const auto expose = [&](std::string_view name) {
    if (!lists(rule.exposed_headers, name)) return;
    if (!exposed.empty()) exposed += ',';
    exposed += name;
  };
  for (const auto field : response.headers) expose(field.name);
  // These come from the server.
  expose("Date");
  expose(response.chunked ? "Transfer-Encoding" : "Content-Length");
  return exposed;
}

}  // namespace

Served<http::Response> answer_preflight(const std::vector<wire::CorsRule>& rules,
                                        const http::Request& request) {
  for (const std::string_view name : {"Origin", "Access-Control-Request-Method"}) {
    if (!request.headers.find(name).value_or("").empty()) continue;
    return refuse(wire::storage_error("InvalidHeaderValue",
                                      {{"HeaderName", std::string(name)},
                                       {"HeaderValue", ""},
                                       {"Reason", "a preflight request must carry it"}}));
  }
  const auto origin = *request.headers.find("Origin");
  const auto method = *request.headers.find("Access-Control-Request-Method");
  const auto wanted = request.headers.find("Access-Control-Request-Headers").value_or("");
  const auto rule = std::find_if(rules.begin(), rules.end(), [&](const wire::CorsRule& candidate) {
    return lists(candidate.allowed_origins, origin) && lists(candidate.allowed_methods, method) &&
           allows_headers(candidate, wanted);
  });
  if (rule == rules.end()) return refuse(wire::storage_error("CorsPreflightFailure"));
  http::Response response;
  response.headers.set("Access-Control-Allow-Origin", origin);
  response.headers.set("Access-Control-Allow-Methods", method);
  if (!wanted.empty()) response.headers.set("Access-Control-Allow-Headers", wanted);
  response.headers.set("Access-Control-Max-Age", std::to_string(rule->max_age_seconds));
  response.headers.set("Access-Control-Allow-Credentials", "true");
  return response;
}

void add_cors_headers(const std::vector<wire::CorsRule>& rules, const http::Request& request,
                      http::Response& response) {
  const auto origin = request.headers.find("Origin").value_or("");
  if (origin.empty() || rules.empty()) return;
  const auto rule = std::find_if(rules.begin(), rules.end(), [&](const wire::CorsRule& candidate) {
    return lists(candidate.allowed_origins, origin) &&
           lists(candidate.allowed_methods, http::to_string(request.method));
  });
  if (rule == rules.end()) {
    response.headers.set("Vary", "Origin");
    return;
  }
  if (const auto exposed = exposed_headers(*rule, response); !exposed.empty()) {
    response.headers.set("Access-Control-Expose-Headers", exposed);
  }
  if (allows_any_origin(*rule)) {
    response.headers.set("Access-Control-Allow-Origin", "*");
    return;
  }
  response.headers.set("Access-Control-Allow-Origin", origin);
  response.headers.set("Access-Control-Allow-Credentials", "true");
  response.headers.set("Vary", "Origin");
}

}  // namespace latchkey::cloud
