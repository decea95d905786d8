#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/tracer.hpp"

namespace latchkey::service {

/// Who sends spans: "service.name", "service.version", "host.name" and what the operator adds.
using OtlpResource = std::vector<std::pair<std::string, std::string>>;

/// The body of an OTLP/HTTP export of traces in its JSON form: ids in hex, numbers of 64 bits as
/// text, enumerations as numbers. Source: OTLP specification 1.x, "JSON Protobuf Encoding".
std::string otlp_json(const OtlpResource& resource, const std::vector<Span>& spans);

}  // namespace latchkey::service
