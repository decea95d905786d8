#pragma once

#include <vector>

#include "cloud/queues/queue_addressing.hpp"
#include "http/message.hpp"
#include "wire/service_properties.hpp"

/// Cross-origin requests from browsers, by an account's CORS rules; the first that matches counts.
/// Source: REST reference, "Cross-Origin Resource Sharing (CORS) support for Azure Storage"; the
/// preflight's headers as Azurite sends them.
namespace latchkey::cloud {

/// Errors: InvalidHeaderValue (no Origin, no Access-Control-Request-Method), CorsPreflightFailure.
Served<http::Response> answer_preflight(const std::vector<wire::CorsRule>& rules,
                                        const http::Request& request);

/// Adds what a browser needs to show `response`, an error as well, to the page that asked. Nothing
/// when the request has no Origin or there are no rules.
void add_cors_headers(const std::vector<wire::CorsRule>& rules, const http::Request& request,
                      http::Response& response);

}  // namespace latchkey::cloud
