#include "app/doctor.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "app/code_tables.hpp"
#include "app/token_facts.hpp"
#include "azure/vault_challenge.hpp"
#include "base/sqlite.hpp"
#include "base/time_text.hpp"
#include "codes/code.hpp"
#include "codes/message.hpp"
#include "codes/number_api.hpp"

namespace latchkey::app {
namespace {

using std::chrono::seconds;

constexpr std::string_view kSender = "Storage Queue Data Message Sender";
constexpr std::string_view kProcessor = "Storage Queue Data Message Processor";
/// The probe lives so long, and nobody sees it for the greater part of that.
constexpr seconds kProbeLife{60};
constexpr seconds kProbeHidden{59};
constexpr seconds kClockWarning{5};
constexpr int kTableBusyMs = 3000;

/// What a watcher deletes without a look into the code table: a code that was over long ago.
std::string probe_text(UtcTime now, Random& random) {
  return codes::render_message(
      {.code = codes::make_code(0, random), .timestamp = now - std::chrono::hours{24 * 365}});
}

std::string unreachable_remedy(const http::Url& url, std::string_view setting, const Error& error) {
  if (http::is_loopback_host(url.host) && error.code == "ConnectionRefused") {
    return fmt::format("start the local cloud (latchkey up), or correct {}", setting);
  }
  if (error.code == "TlsVerificationFailed") {
    return "set SSL_CERT_FILE to a file with the authority that signed its certificate";
  }
  return fmt::format("correct {} (it names {}), or let this machine reach it", setting,
                     url.authority());
}

}  // namespace

Task<std::vector<Finding>> Doctor::examine(Trust trust) {
  auto access = AzureAccess::create(patient_.settings, trust, world_);
  if (!access) {
    failed("credential", access.error().message, {});
    co_return std::move(findings_);
  }
  access_ = std::move(*access);
  co_await check_identity();
  const bool has_vault = co_await check_vault();
  const std::string number_secret = patient_.settings.number_secret_name;
  const std::string pepper_secret = patient_.settings.pepper_secret_name;
  if (has_vault) {
    if (issues()) {
      co_await check_secret(number_secret, set_number_key(patient_.place, number_secret));
    }
    co_await check_secret(pepper_secret, set_pepper(patient_.place, pepper_secret));
  } else {
    skipped("secrets", "the vault cannot be reached");
  }
  if (issues()) co_await check_number();
  co_await check_queues();
  co_await check_code_table(std::move(trust));
  check_clock();
  co_return std::move(findings_);
}

Task<> Doctor::check_identity() {
  auto resource = azure::initial_vault_resource(patient_.place.vault);
  if (resource.empty()) resource = "https://vault.azure.net";
  auto token = co_await access_->credential().get_token(resource);
  if (!token) {
    failed("credential", token.error().message,
           "give this process an identity: docs/settings.md tells the variables of each kind");
    co_return;
  }
  std::string answered = access_->credential().name();
  if (const auto others = access_->credential().passed_over(); !others.empty()) {
    answered += "; tried before it:\n" + others.substr(0, others.size() - 1);
  }
  ok("credential", std::move(answered));
  const auto facts = token_facts(token->value);
  if (!facts) {
    ok("identity", "the token does not say whose it is");
    co_return;
  }
  const auto name = patient_.names.find(facts->object_id);
  patient_.place.assignee = name == patient_.names.end() ? facts->object_id : name->second;
  ok("identity",
     fmt::format("object id {}, client id {}, tenant {}; token until {}", facts->object_id,
                 facts->client_id, facts->tenant_id, to_rfc1123(token->expires_on)));
}

/// Without a token: whether there is a vault at all, as its challenge shows.
Task<bool> Doctor::check_vault() {
  const http::Url& vault = patient_.place.vault;
  http::ClientRequest request;
  request.url = vault.with_path("/secrets");
  request.url.add_parameter("api-version", "7.4");
  auto answer = co_await access_->azure_http("doctor").send(std::move(request));
  if (!answer) {
    failed("vault", answer.error().message,
           unreachable_remedy(vault, "KEY_VAULT_URL", answer.error()));
    co_return false;
  }
  const auto challenge = answer->headers.find("WWW-Authenticate").value_or("");
  const auto resource = azure::challenged_resource(challenge, vault);
  if (answer->status != 401 || !resource) {
    failed("vault",
           fmt::format("{} is no vault that we can trust: it answered {} {}", vault.origin(),
                       answer->status, resource ? "" : resource.error().message),
           "set KEY_VAULT_URL to the vault's own address: https://NAME.vault.azure.net");
    co_return false;
  }
  ok("vault", fmt::format("{} answers, with tokens for {}", vault.origin(), *resource));
  co_return true;
}

Task<> Doctor::check_secret(std::string name, std::string remedy_when_missing) {
  const auto check = "secret " + name;
  auto secret = co_await access_->vault().get_secret(name);
  if (secret) {
    ok(check, "may be read");
  } else if (secret.error().kind == ErrorKind::not_found) {
    failed(check, secret.error().message, std::move(remedy_when_missing));
  } else if (secret.error().kind == ErrorKind::denied && secret.error().http_status == 403) {
    failed(check, secret.error().message, assign_on_secret(patient_.place, name));
  } else {
    failed(check, secret.error().message, {});
  }
}

Task<> Doctor::check_number() {
  const auto& settings = patient_.settings;
  azure::CachedSecret key(access_->vault(), settings.number_secret_name, world_.clock,
                          world_.executor);
  codes::NumberApi api(settings.number_endpoint, key, access_->http("number_api"));
  auto number = co_await api.get_number();
  const std::string check = "number API";
  if (number) {
    ok(check, "answers and accepts the key");
    co_return;
  }
  const Error& error = number.error();
  if (error.code == "NumberApiKey") {
    skipped(check, "its key cannot be read");
  } else if (error.code == "NumberApiUnreachable") {
    failed(check, error.message,
           unreachable_remedy(settings.number_endpoint, "THIRD_PARTY_API_ENDPOINT", error));
  } else if (error.http_status == 401 || error.http_status == 403) {
    failed(check, error.message, set_number_key(patient_.place, settings.number_secret_name));
  } else {
    failed(check, error.message, "correct THIRD_PARTY_API_ENDPOINT, or ask its owner");
  }
}

Task<> Doctor::check_queues() {
  for (std::size_t i = 0; i < access_->queues().size(); ++i) {
    queue_ = &access_->queues()[i];
    // The settings have been checked: this is a URL.
    if (auto url = http::parse_url(patient_.settings.queue_urls[i])) {
      patient_.place.queue = std::move(*url);
    }
    const bool has_queue = co_await check_queue_is_there();
    if (has_queue) co_await check_sending_and_receiving();
  }
}

std::string Doctor::on_queue(std::string_view check) const {
  if (access_->queues().size() == 1) return std::string(check);
  return fmt::format("{} {}", check, queue_->where());
}

/// Any answer will do: who is refused has reached it.
Task<bool> Doctor::check_queue_is_there() {
  http::ClientRequest request;
  request.url = patient_.place.queue.with_path(patient_.place.queue.path);  // without a SAS
  request.url.add_parameter("comp", "metadata");
  auto answer = co_await access_->azure_http("doctor").send(std::move(request));
  if (answer) {
    ok(on_queue("queue storage"), fmt::format("{} answers", patient_.place.queue.origin()));
    co_return true;
  }
  failed(on_queue("queue storage"), answer.error().message,
         unreachable_remedy(patient_.place.queue, "STORAGE_QUEUE_URL", answer.error()));
  skipped("queue " + queue_name(patient_.place), "queue storage cannot be reached");
  co_return false;
}

/// Only a message that is sent shows that one may be sent: Azure checks parameters before or after
/// roles as it likes, so a call that is wrong on purpose proves nothing. It is of our own form and
/// a year old, so that a watcher who sees it deletes it without a further thought; it is hidden and
/// deleted at once, or gone within the minute where deleting is not ours.
Task<> Doctor::check_sending_and_receiving() {
  azure::PutOptions options;
  options.visibility_timeout = kProbeHidden;
  options.time_to_live = kProbeLife;
  auto text = probe_text(world_.clock.now(), world_.random);
  auto probe = co_await queue_->put(std::move(text), options);
  if (probe) {
    ok(on_queue("may send"), fmt::format("to queue {}", queue_name(patient_.place)));
  } else if (probe.error().kind == ErrorKind::not_found) {
    failed(on_queue("may send"), probe.error().message, create_queue(patient_.place));
    co_return;
  } else {
    const bool lacks_role = probe.error().http_status == 403;
    failed(on_queue("may send"), probe.error().message,
           lacks_role ? allow_on_queue(kSender) : std::string{});
  }
  co_await check_receiving(std::move(probe));
}

/// To get messages would hide somebody's and count as a try. Instead we look at them without taking
/// them, and delete our own: who may do both may get them (Message Processor, Data Contributor).
Task<> Doctor::check_receiving(Result<wire::QueueMessage> probe) {
  Result<> removed;
  if (probe) removed = co_await queue_->remove_message(probe->id, probe->pop_receipt);
  if (!watches()) co_return;
  auto peeked = co_await queue_->peek();
  if (peeked && removed) {
    ok(on_queue("may receive"), probe ? "sees messages and may delete them" : "sees messages");
    co_return;
  }
  const Error& error = peeked ? removed.error() : peeked.error();
  const bool lacks_role = error.http_status == 403;
  failed(on_queue("may receive"), error.message,
         lacks_role ? allow_on_queue(kProcessor) : std::string{});
}

std::string Doctor::allow_on_queue(std::string_view role) const {
  if (patient_.place.queue.query.empty()) return assign_on_queue(patient_.place, role);
  return fmt::format(
      "the SAS in STORAGE_QUEUE_URL does not allow it: make one with permissions raup, or leave it "
      "out and have the role {}",
      role);
}

Task<> Doctor::check_code_table(Trust trust) {
  const CodeTableSettings& table = patient_.settings.code_table;
  if (!table.file.empty()) {
    check_code_file();
    co_return;
  }
  auto open = open_code_tables(patient_.settings, std::move(trust), world_);
  if (!open) {
    failed("code table", open.error().message, "correct CODE_TABLE_URL");
    co_return;
  }
  auto asked = co_await open->tables.codes->find({});
  if (asked) {
    ok("code table", fmt::format("{} answers", table.shown()));
  } else {
    failed("code table", asked.error().message,
           "let this process reach CODE_TABLE_URL, with a login that it knows");
  }
}

void Doctor::check_code_file() {
  const auto& file = patient_.settings.code_table.file;
  const std::string check = "code table";
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    auto folder = std::filesystem::absolute(file).parent_path();
    while (!std::filesystem::exists(folder, ignored)) folder = folder.parent_path();
    if (::access(folder.c_str(), W_OK) == 0) {
      ok(check, fmt::format("{} will be made at the first start", file.string()));
    } else {
      failed(
          check,
          fmt::format("{} is not there, and {} cannot be written", file.string(), folder.string()),
          "set CODE_TABLE_FILE to a file in a folder that this user can write");
    }
    return;
  }
  sqlite::OpenOptions options;
  options.busy_timeout_ms = kTableBusyMs;
  auto table = sqlite::Database::open(file, options);
  Result<> written;
  if (table) written = table->execute("BEGIN IMMEDIATE; ROLLBACK");
  if (table && written) {
    ok(check, fmt::format("{} can be written", file.string()));
    return;
  }
  const Error& error = table ? written.error() : table.error();
  failed(check, fmt::format("{}: {}", file.string(), error.message),
         "let this user write it, or set CODE_TABLE_FILE to another file");
}

void Doctor::check_clock() {
  const auto standing = access_->server_clock().standing();
  const auto off = std::chrono::abs(standing.off_by);
  const std::string check = "clock";
  if (standing.right && off < kClockWarning) {
    ok(check, "agrees with the servers' dates");
    return;
  }
  const auto detail =
      fmt::format("at least {} {} {}", to_duration_text(off),
                  standing.off_by.count() > 0 ? "behind" : "ahead of", standing.host);
  const std::string remedy = "let this machine's clock be set by NTP: timedatectl set-ntp true";
  if (standing.right) {
    findings_.push_back({check, Verdict::warning, detail, remedy});
  } else {
    failed(check,
           fmt::format("{}; beyond CLOCK_ERROR_MAX ({}) no code is accepted", detail,
                       to_duration_text(patient_.settings.clock_error_max)),
           remedy);
  }
}

void Doctor::ok(std::string check, std::string detail) {
  findings_.push_back({std::move(check), Verdict::ok, std::move(detail)});
}
void Doctor::failed(std::string check, std::string detail, std::string remedy) {
  findings_.push_back({std::move(check), Verdict::failed, std::move(detail), std::move(remedy)});
}
void Doctor::skipped(std::string check, std::string_view why) {
  findings_.push_back({std::move(check), Verdict::skipped, std::string(why)});
}

}  // namespace latchkey::app
