#include "azure/developer_tool_credential.hpp"

#include <utility>

#include "azure/token_fetch.hpp"
#include "base/process.hpp"
#include "base/text.hpp"
#include "wire/answer_error.hpp"
#include "wire/tool_token.hpp"

namespace latchkey::azure {
namespace {

constexpr std::size_t kSaidBytesMax = 300;

tl::unexpected<Error> unavailable(std::string message) {
  return fail(ErrorKind::unavailable, "CredentialUnavailable", std::move(message));
}

/// What a tool wrote before it gave up: its line with "ERROR", for warnings may come first.
std::string complaint(std::string_view error_output) {
  for (const std::string_view line : split(error_output, '\n')) {
    if (istarts_with(line, "ERROR")) return wire::first_line(line, kSaidBytesMax);
  }
  return wire::first_line(trim(error_output), kSaidBytesMax);
}

}  // namespace

DeveloperTool azure_cli() {
  return {.credential = "AzureCliCredential",
          .program = "az",
          .arguments = {"account", "get-access-token", "--output", "json", "--scope"},
          .tenant_flag = "--tenant",
          .sign_in = "az login",
          .parse = wire::parse_az_token};
}

DeveloperTool azure_developer_cli() {
  return {.credential = "AzureDeveloperCliCredential",
          .program = "azd",
          .arguments = {"auth", "token", "--output", "json", "--no-prompt", "--scope"},
          .tenant_flag = "--tenant-id",
          .sign_in = "azd auth login",
          .parse = wire::parse_azd_token};
}

DeveloperToolCredential::DeveloperToolCredential(DeveloperTool tool, CredentialSettings settings,
                                                 Clock& clock)
    : tool_(std::move(tool)), settings_(std::move(settings)), clock_(clock) {}

Task<Result<AccessToken>> DeveloperToolCredential::get_token(std::string resource) {
  const auto program = find_program(tool_.program, settings_.tool_path);
  if (!program) co_return unavailable(tool_.program + " is not in PATH");

  ProcessOptions options;
  options.program = *program;
  options.arguments = tool_.arguments;
  options.arguments.push_back(resource + "/.default");
  if (!settings_.tenant_id.empty()) {
    options.arguments.push_back(tool_.tenant_flag);
    options.arguments.push_back(settings_.tenant_id);
  }
  options.environment = settings_.tool_environment;
  options.environment.emplace_back("TZ=UTC");  // Old az prints local time.
  options.time_limit = kTimeLimit;
  auto done = co_await run_process(std::move(options));
  if (!done) co_return unavailable(done.error().message);

  const std::string who = tool_.program + " (" + *program + ")";
  if (done->exit_status != 0) {
    std::string said = complaint(done->error_output);
    if (said.empty()) said = "exit status " + std::to_string(done->exit_status);
    co_return unavailable(who + " gave no token: " + said + "; sign in with: " + tool_.sign_in);
  }
  auto parsed = tool_.parse(done->output.reveal());
  if (!parsed) co_return unavailable(who + ": " + parsed.error().message);
  co_return token_from(std::move(*parsed), who, clock_.now());
}

}  // namespace latchkey::azure
