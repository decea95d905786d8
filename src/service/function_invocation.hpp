#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "codes/issuer.hpp"
#include "codes/watcher.hpp"
#include "http/message.hpp"

/// What an Azure Functions host posts to a custom handler for a function with bindings, and what
/// it wants back: {"Data":{binding: value},"Metadata":{...}} and
/// {"Outputs":{binding: value},"Logs":[...],"ReturnValue":...}. Pure.
///
/// The host writes every string and number of Data and Metadata as JSON text within the JSON
/// ("DequeueCount":"1", "Id":"\"0a1b...\""); the documentation's examples show them plain. Both are
/// read. Source: "Azure Functions custom handlers", request and response payload; the host's
/// ScriptInvocationContextExtensions and HttpScriptInvocationResultExtensions.
namespace latchkey::service {

/// The names that the bindings have in deploy/functions/app.
inline constexpr std::string_view kHttpOutput = "res";
inline constexpr std::string_view kMessageOutput = "msg";

/// The request that an HTTP trigger got, of whoever called the host. Error: protocol.
Result<http::Request> read_http_trigger(std::string_view body);
/// The message that a queue trigger got. Error: protocol, also without an insertion time, for it
/// bounds what the message may claim.
Result<codes::QueueMessage> read_queue_trigger(std::string_view body);

/// The answer for the HTTP trigger's caller and, with a code, the message for the queue: as an
/// object, because a host decodes any string that can be read as Base64.
std::string render_outputs(const http::Response& response,
                           const std::optional<codes::IssuedCode>& issued);
/// Done, nothing to put out. Not empty: a host logs a warning about each empty part.
std::string render_done();

}  // namespace latchkey::service
