#include "service/readiness.hpp"

#include <boost/json.hpp>

namespace latchkey::service {

Readiness::Readiness(Clock& clock, std::chrono::milliseconds keep) : clock_(clock), keep_(keep) {}

void Readiness::add(std::string name, Check check) {
  entries_.push_back({std::move(name), std::move(check), {}, {}, false});
}

Task<http::Response> Readiness::answer() {
  if (leaving_) {
    auto stopping = http::json_response(503, R"({"status":"stopping","checks":[]})");
    stopping.headers.set("Cache-Control", "no-store");
    co_return stopping;
  }
  bool ready = true;
  boost::json::array checks;
  for (Entry& entry : entries_) {
    if (!entry.known || clock_.steady_now() - entry.checked_at >= keep_) {
      Result<> outcome = co_await entry.check();
      entry.last = std::move(outcome);
      entry.checked_at = clock_.steady_now();
      entry.known = true;
    }
    boost::json::object row;
    row["name"] = entry.name;
    row["ok"] = entry.last.has_value();
    if (!entry.last) {
      ready = false;
      row["problem"] = entry.last.error().message;
    }
    checks.push_back(std::move(row));
  }
  boost::json::object body;
  body["status"] = ready ? "ready" : "not ready";
  body["checks"] = std::move(checks);
  auto response = http::json_response(ready ? 200 : 503, boost::json::serialize(body));
  response.headers.set("Cache-Control", "no-store");
  if (!ready) response.headers.set("Retry-After", "2");
  co_return response;
}

}  // namespace latchkey::service
