#include "codes/redis_address.hpp"

#include "base/encoding.hpp"
#include "base/text.hpp"
#include "http/url.hpp"

namespace latchkey::codes {
namespace {

constexpr std::uint16_t kPort = 6379;
constexpr int kDatabasesMax = 16;
constexpr int kReplicasMax = 10;

tl::unexpected<Error> wrong(std::string what) {
  return fail(ErrorKind::invalid_argument, "InvalidRedisUrl", std::move(what));
}

bool has_port(std::string_view authority) {
  const auto colon = authority.rfind(':');
  return colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
}

/// "user", "user:password" or ":password", percent-encoded.
Result<> read_login(std::string_view text, RedisAddress& address) {
  const auto colon = text.find(':');
  const auto user = percent_decode(text.substr(0, colon));
  std::optional<std::string> password = std::string();
  if (colon != std::string_view::npos) password = percent_decode(text.substr(colon + 1));
  if (!user || !password) return wrong("user or password is not percent-encoded");
  address.user = *user;
  address.password = Secret(std::move(*password));
  return {};
}

Result<> read_options(const http::Url& url, RedisAddress& address) {
  if (url.path != "/") {
    const auto database = parse_integer<int>(url.path.substr(1));
    if (!database || *database < 0 || *database >= kDatabasesMax) {
      return wrong("the path is the database's number, 0 to 15");
    }
    address.database = *database;
  }
  if (url.query.empty()) return {};
  constexpr std::string_view kReplicas = "replicas=";
  const auto replicas = url.query.starts_with(kReplicas)
                            ? parse_integer<int>(url.query.substr(kReplicas.size()))
                            : std::nullopt;
  if (!replicas || *replicas < 0 || *replicas > kReplicasMax) {
    return wrong("the only option is replicas=0 to replicas=10");
  }
  address.replicas = *replicas;
  return {};
}

}  // namespace

Result<RedisAddress> parse_redis_url(std::string_view text) {
  RedisAddress address;
  const auto scheme_end = text.find("://");
  const auto scheme = text.substr(0, scheme_end);
  if (scheme != "redis" && scheme != "rediss") return wrong("it begins with redis:// or rediss://");
  std::string_view rest = text.substr(scheme_end + 3);
  const auto at = rest.substr(0, rest.find_first_of("/?")).rfind('@');
  if (at != std::string_view::npos) {
    auto login = read_login(rest.substr(0, at), address);
    if (!login) return fail(login.error());
    rest.remove_prefix(at + 1);
  }
  const auto url = http::parse_url("http://" + std::string(rest));
  if (!url) return wrong(url.error().message);
  const bool port = has_port(rest.substr(0, rest.find_first_of("/?")));
  address.peer = {.host = url->host, .port = port ? url->port : kPort, .tls = scheme == "rediss"};
  auto options = read_options(*url, address);
  if (!options) return fail(options.error());
  return address;
}

}  // namespace latchkey::codes
