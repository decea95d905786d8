#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What Python's str() makes of a flat dictionary: {'code': 'ojE-161-pTv', 'n': 1, 'x': None}. The
/// original sample sends its message so, since it hands a dict to send_message.
/// Source: Python language reference, "String and Bytes literals".
namespace latchkey::codes {

struct PythonEntry {
  std::string key;
  std::optional<std::string> text;  ///< nothing for a number, None, True or False
};

/// The entries in their order; nullopt for anything else, nested values included. Strings may stand
/// in single or double quotes, with the escapes that repr() writes: \\ \' \" \n \r \t \xNN \uNNNN
/// \UNNNNNNNN.
std::optional<std::vector<PythonEntry>> parse_python_dict(std::string_view text);

}  // namespace latchkey::codes
