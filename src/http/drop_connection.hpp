#pragma once

namespace latchkey::http {

/// A handler throws this to have the connection closed without an answer, for tests of what clients
/// make of that. An exception, because no answer of HTTP says it.
struct DropConnection {};

}  // namespace latchkey::http
