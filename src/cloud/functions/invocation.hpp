#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "cloud/functions/function_json.hpp"
#include "cloud/functions/function_route.hpp"
#include "cloud/functions/host_json.hpp"
#include "http/message.hpp"
#include "wire/queue_xml.hpp"

/// What the host says to a custom handler, and what it makes of the answer: pure, no I/O.
///
///   POST /FUNCTION {"Data":{"TRIGGER":...},"Metadata":{...}}
///   200 {"Outputs":{"BINDING":...},"Logs":["..."],"ReturnValue":...}
///
/// Two traps of the real host are here on purpose. A text that goes to the handler is JSON in a
/// JSON string ("\"abc\""), numbers of the metadata as well ("1"). And a text that comes back and
/// happens to be Base64 ("abcd") is taken for bytes, unless the binding's dataType is binary.
/// Source: azure-functions-host, ScriptInvocationContextExtensions and
/// HttpScriptInvocationResultExtensions.
namespace latchkey::cloud {

/// The value of an HTTP trigger.
std::string render_http_invocation(const FunctionJson& function, const http::Request& request,
                                   const FunctionRoute::Parameters& parameters);

/// Facts that no message has.
struct InvocationFacts {
  std::string function;
  UtcTime now;
  std::string random_id;
};
/// The value of a queue trigger. `text` is the decoded message; its members join the metadata when
/// it is a JSON object, and win over ours, as with the real host.
std::string render_queue_invocation(const FunctionJson& function, const wire::QueueMessage& message,
                                    std::string_view text, const InvocationFacts& facts);

/// The message as the function sees it. Nullopt: it is not in that encoding.
std::optional<std::string> decode_message(std::string_view text, MessageEncoding encoding);

struct QueuedOutput {
  const QueueBinding* binding = nullptr;  ///< of the FunctionJson
  std::string text;                       ///< as it is put, encoded
};

struct InvocationResult {
  std::vector<std::string> logs;
  std::vector<QueuedOutput> messages;
  http::Response response;  ///< of a function with an HTTP output; else 204
};
/// Error: protocol, saying what is wrong with the answer.
Result<InvocationResult> read_invocation_result(const FunctionJson& function,
                                                const http::Response& answer,
                                                MessageEncoding encoding);

}  // namespace latchkey::cloud
