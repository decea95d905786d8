#include "cloud/test_controls/test_controls.hpp"

#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "base/log.hpp"
#include "base/text.hpp"
#include "base/time_text.hpp"
#include "cloud/test_controls/ended_tokens.hpp"
#include "cloud/test_controls/fault_answers.hpp"
#include "http/drop_connection.hpp"

namespace latchkey::cloud {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

constexpr std::string_view kProvider = "/providers/Latchkey.TestControls/";

http::Response ok(const json::object& body) {
  return http::json_response(200, json::serialize(body));
}

http::Response bad_request(std::string_view message) {
  return arm_error(400, "InvalidTestControl", message);
}

http::Response method_not_allowed(std::string_view allowed) {
  auto answer = arm_error(405, "MethodNotAllowed", fmt::format("Use {}.", allowed));
  answer.headers.set("Allow", allowed);
  return answer;
}

Result<json::object> read_object(std::string_view body) {
  boost::system::error_code problem;
  auto value = json::parse(body, problem);
  if (problem || !value.is_object()) {
    return fail(ErrorKind::invalid_argument, "InvalidTestControl", "the body is no JSON object");
  }
  return std::move(value.get_object());
}

/// "-5s", "+10m", "10m".
std::optional<milliseconds> read_move(std::string_view text) {
  const bool back = text.starts_with('-');
  if (back || text.starts_with('+')) text.remove_prefix(1);
  const auto duration = parse_duration(text);
  if (!duration) return std::nullopt;
  return back ? -*duration : *duration;
}

std::string text_of(const json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string{};
}

/// The members of a PUT's body over the defaults. Error: invalid_argument, naming the member.
Result<> read_fault(const json::object& body, Fault& fault) {
  const auto wrong = [](std::string_view member) {
    return fail(ErrorKind::invalid_argument, "InvalidFault",
                fmt::format("\"{}\" is missing or of a wrong form", member));
  };
  boost::system::error_code problem;
  if (const auto* rate = body.if_contains("rate")) {
    fault.rate = rate->to_number<double>(problem);
    if (problem) return wrong("rate");
  }
  if (const auto* count = body.if_contains("count")) {
    fault.left = count->to_number<std::uint64_t>(problem);
    if (problem) return wrong("count");
  }
  if (const auto* seconds = body.if_contains("retryAfter")) {
    fault.retry_after = std::chrono::seconds{seconds->to_number<std::int64_t>(problem)};
    if (problem) return wrong("retryAfter");
  }
  if (body.contains("delay")) {
    const auto delay = parse_duration(text_of(body, "delay"));
    if (!delay) return wrong("delay");
    fault.delay = *delay;
  }
  return {};
}

json::object describe(const Fault& fault) {
  json::object shown{{"service", to_string(fault.target)},
                     {"kind", to_string(fault.kind)},
                     {"rate", fault.rate},
                     {"hits", fault.hits}};
  if (fault.left) shown["left"] = *fault.left;
  if (fault.kind == FaultKind::slow) shown["delay"] = to_duration_text(fault.delay);
  const bool says_when = fault.kind == FaultKind::throttled || fault.kind == FaultKind::unavailable;
  if (says_when) shown["retryAfter"] = fault.retry_after.count();
  return shown;
}

bool gives_tokens(FaultTarget target) {
  return target == FaultTarget::identity || target == FaultTarget::login;
}

bool is_spared(FaultTarget target, const http::Request& request) {
  if (target != FaultTarget::identity) return false;
  const auto query = http::parse_query(request.query_text());
  const auto* resource = query ? http::find_parameter(*query, "resource") : nullptr;
  return resource != nullptr && istarts_with(*resource, "https://management.");
}

}  // namespace

TestControls::TestControls(Parts parts, bool allowed)
    : with_(parts), allowed_(allowed), plan_(parts.random) {
  if (allowed_) {
    log::warning("test_controls_on", {{"meaning", "latchkey fault and latchkey clock work here"}});
  }
}

http::Handler TestControls::around(FaultTarget target, http::Handler service) {
  if (!allowed_) return service;
  return [this, target, service = std::move(service)](const http::Request& request) {
    return suffer(target, service, request);
  };
}

Task<http::Response> TestControls::suffer(FaultTarget target, const http::Handler& service,
                                          const http::Request& request) {
  FaultPlan::Suffered suffered;
  if (!is_spared(target, request)) suffered = plan_.draw(target);
  if (suffered.delay.count() > 0) co_await with_.clock.sleep_for(suffered.delay);
  if (!suffered.fault) co_return co_await service(request);
  const Fault& fault = *suffered.fault;
  log::info("fault", {{"service", to_string(target)}, {"kind", to_string(fault.kind)}});
  const UtcTime now = with_.clock.now();
  if (fault.kind == FaultKind::drop) throw http::DropConnection{};
  if (fault.kind != FaultKind::ended_token) {
    co_return fault_answer(fault, request, now, with_.random);
  }
  if (gives_tokens(target)) {
    auto answer = co_await service(request);
    end_token_in(answer, with_.keys, now);
    co_return answer;
  }
  const auto changed = with_ended_token(request, with_.keys, now);
  const http::Request& seen = changed ? *changed : request;
  co_return co_await service(seen);
}

http::Handler TestControls::before(http::Handler management) {
  return [this, management = std::move(management)](const http::Request& request) {
    const bool ours =
        request.path().starts_with(with_.tenancy.resource_group_scope() + std::string(kProvider));
    return ours ? answer(request) : management(request);
  };
}

Task<http::Response> TestControls::answer(const http::Request& request) {
  const bool reads = request.method == http::Method::get;
  const ArmCall call{.action = fmt::format("Latchkey.TestControls/{}", reads ? "read" : "write"),
                     .scope = with_.tenancy.resource_group_scope()};
  if (auto refusal = with_.gate.refuse(request, call)) co_return std::move(*refusal);
  if (!allowed_) {
    co_return arm_error(403, "TestControlsOff",
                        "This local cloud was started without --test-controls, so its faults and "
                        "its clock cannot be set. Start it with: latchkey up --test-controls");
  }
  const auto path = request.path();
  const auto rest = path.substr(path.find(kProvider) + kProvider.size());
  if (rest == "clock") co_return clock(request);
  if (rest == "faults" || rest.starts_with("faults/")) {
    co_return faults(request, rest.substr(rest == "faults" ? 6 : 7));
  }
  co_return arm_error(404, "InvalidResourceType", "There are faults and clock.");
}

http::Response TestControls::faults(const http::Request& request, std::string_view rest) {
  const auto slash = rest.find('/');
  const auto service = rest.substr(0, slash);
  std::optional<FaultTarget> target;
  if (!service.empty()) {
    const auto read = fault_target_from(service);
    if (!read) return bad_request(read.error().message);
    target = *read;
  }
  if (request.method == http::Method::put && target && slash != rest.npos) {
    const auto kind = fault_kind_from(rest.substr(slash + 1));
    if (!kind) return bad_request(kind.error().message);
    auto body = read_object(request.body);
    if (!body) return bad_request(body.error().message);
    Fault fault{.target = *target, .kind = *kind};
    if (auto read = read_fault(*body, fault); !read) return bad_request(read.error().message);
    if (auto set = plan_.set(fault); !set) return bad_request(set.error().message);
    log::warning("fault_planned", {{"service", service}, {"kind", to_string(*kind)}});
    return ok(describe(fault));
  }
  if (request.method == http::Method::delete_) {
    plan_.clear(target);
  } else if (request.method != http::Method::get) {
    return method_not_allowed("GET, PUT, DELETE");
  }
  json::array all;
  for (const Fault& fault : plan_.faults()) all.push_back(describe(fault));
  return ok({{"value", std::move(all)}});
}

http::Response TestControls::clock(const http::Request& request) {
  MovableClock& clock = with_.clock;
  if (request.method == http::Method::post) {
    const auto body = read_object(request.body);
    const auto by = body ? read_move(text_of(*body, "by")) : std::nullopt;
    if (!by) return bad_request("\"by\" is a duration such as +10m, -5s, 1h or 7d");
    const auto offset = clock.offset() + *by;
    if (std::chrono::abs(offset) > kOffsetMax) {
      return bad_request("the clock cannot be more than 366 days from the machine's");
    }
    clock.set_offset(offset);
  } else if (request.method == http::Method::delete_) {
    clock.set_offset(std::chrono::microseconds{0});
  } else if (request.method != http::Method::get) {
    return method_not_allowed("GET, POST, DELETE");
  }
  const auto offset = std::chrono::duration_cast<milliseconds>(clock.offset());
  if (request.method != http::Method::get) {
    log::warning("clock_moved", {{"offset_ms", offset.count()}});
  }
  return ok({{"now", to_iso8601(clock.now())}, {"offsetMilliseconds", offset.count()}});
}

}  // namespace latchkey::cloud
