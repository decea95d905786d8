#pragma once

#include <map>
#include <memory>

#include "sim/programs.hpp"

/// The walkthrough's own design as a negative control: issue puts a message; the watcher pulls one
/// and, if its code is in the table, removes it, else adds it and sends the same message again,
/// hidden for the lifetime; sign-in takes a code that is in the table. The same world that ours
/// must bear must find it out.
namespace latchkey::sim {

/// "The table of valid two-factor codes": what is in it is valid.
using ToggleTable = std::map<Life, UtcTime>;  // with the time at which it should end

std::unique_ptr<Program> toggle_program(const Setup& setup, World& world, Machine& machine,
                                        ToggleTable& table);

}  // namespace latchkey::sim
