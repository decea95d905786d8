#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "app/commands.hpp"

/// How the parts of the command line add their commands to it.
namespace latchkey::app {

/// What was chosen, to be run when everything is parsed.
using Run = std::function<int(const CommonOptions&)>;

/// Makes a command whose callback only notes what to run: the run itself comes after all is parsed.
CLI::App* command(CLI::App& parent, Run& chosen, const char* name, const char* help, Run run);

/// `latchkey queue ...`
void add_queue_commands(CLI::App& app, Run& chosen);
/// `latchkey run`, `latchkey env`
void add_app_commands(CLI::App& app, Run& chosen);
/// `latchkey fault ...`, `latchkey clock`
void add_test_control_commands(CLI::App& app, Run& chosen);
/// `latchkey doctor`
void add_doctor_command(CLI::App& app, Run& chosen);

}  // namespace latchkey::app
