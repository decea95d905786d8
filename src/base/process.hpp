#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/task.hpp"

/// Other programs, run to their end and listened to: the developer tools `az` and `azd` know how to
/// get a token. No shell stands between, so no argument can turn into a command.
namespace latchkey {

struct ProcessOptions {
  std::string program;                     ///< absolute path
  std::vector<std::string> arguments;      ///< behind the program's own name
  std::vector<std::string> environment{};  ///< "NAME=value", all that the program gets
  std::chrono::milliseconds time_limit{std::chrono::seconds{10}};
  std::size_t output_bytes_max = std::size_t{64} * 1024;  ///< of each of the two outputs
};

struct ProcessOutcome {
  int exit_status = 0;  ///< 128 + the signal's number when a signal ended it, as shells have it
  Secret output;        ///< a token, maybe
  std::string error_output;
};

/// Runs the program in a process group of its own, with nothing to read and no file of ours open.
/// When it has ended, or when the caller is cancelled, whatever is left of its group is killed.
///
/// Errors: not_found (code "ProgramNotStarted"), timeout (code "ProgramTimeLimit"), protocol (code
/// "ProgramOutputLimit"). What the program wrote is in none of them. Takes the loop's thread for
/// starting only, some 0.3 ms.
Task<Result<ProcessOutcome>> run_process(ProcessOptions options);

/// The first executable file `name` in the folders of `path`, as PATH has them; only absolute
/// folders count, so that no program comes from wherever we happen to have been started.
std::optional<std::string> find_program(std::string_view name, std::string_view path);

}  // namespace latchkey
