#include "wire/storage_error_table.hpp"

#include <algorithm>

namespace latchkey::wire {
namespace {

constexpr std::string_view kAuthenticationFailed =
    "Server failed to authenticate the request. Make sure the value of Authorization header is "
    "formed correctly including the signature.";
constexpr std::string_view kSeeChallenge =
    "Server failed to authenticate the request. Please refer to the information in the "
    "www-authenticate header.";

/// Sorted by code (a test checks it), because it is searched by halves.
constexpr StorageErrorRow kTable[] = {
    {409, "AccountAlreadyExists", "The specified account already exists."},
    {409, "AccountBeingCreated", "The specified account is in the process of being created."},
    {403, "AccountIsDisabled", "The specified account is disabled."},
    {403, "AuthenticationFailed", kAuthenticationFailed},
    {403, "AuthorizationFailure", "This request is not authorized to perform this operation."},
    {403, "AuthorizationPermissionMismatch",
     "This request is not authorized to perform this operation using this permission."},
    {403, "AuthorizationProtocolMismatch",
     "This request is not authorized to perform this operation using this protocol."},
    {403, "AuthorizationResourceTypeMismatch",
     "This request is not authorized to perform this operation using this resource type."},
    {403, "AuthorizationServiceMismatch",
     "This request is not authorized to perform this operation using this service."},
    {403, "AuthorizationSourceIPMismatch",
     "This request is not authorized to perform this operation using this source IP."},
    {400, "ConditionHeadersNotSupported", "Condition headers are not supported."},
    {412, "ConditionNotMet",
     "The condition specified using HTTP conditional header(s) is not met."},
    {403, "CorsPreflightFailure", "CORS not enabled or no matching rule found for this request."},
    {400, "EmptyMetadataKey", "The key for one of the metadata key-value pairs is empty."},
    {403, "FeatureVersionMismatch",
     "The operation for the resource is not supported by the API version."},
    {400, "IncompleteBody", "The specified body of the request is incomplete."},
    {403, "InsufficientAccountPermissions", "Read-only operations are currently allowed."},
    {500, "InternalError",
     "Server encountered an internal error. Please try again after some time."},
    {401, "InvalidAuthenticationInfo", kSeeChallenge},
    {400, "InvalidHeaderValue",
     "The value for one of the HTTP headers is not in the correct format."},
    {400, "InvalidHttpVerb", "The HTTP verb specified is invalid."},
    {400, "InvalidInput", "One of the request inputs is not valid."},
    {400, "InvalidMarker", "The specified marker is invalid."},
    {400, "InvalidMd5", "The MD5 value specified in the request is invalid."},
    {400, "InvalidMetadata",
     "The metadata specified is invalid. It has characters that are not permitted."},
    {400, "InvalidQueryParameterValue",
     "Value for one of the query parameters specified in the request URI is invalid."},
    {416, "InvalidRange", "The range specified is invalid for the current size of the resource."},
    {400, "InvalidResourceName", "The specified resource name contains invalid characters."},
    {400, "InvalidUri", "The requested URI does not represent any resource on the server."},
    {400, "InvalidXmlDocument", "XML specified is not syntactically valid."},
    {400, "InvalidXmlNodeValue",
     "The value for one of the XML nodes is not in the correct format."},
    {403, "KeyBasedAuthenticationNotPermitted",
     "Key based authentication is not permitted on this storage account."},
    {400, "Md5Mismatch",
     "The MD5 value specified in the request did not match with the MD5 value calculated by the "
     "server."},
    {404, "MessageNotFound", "The specified message does not exist."},
    {400, "MessageTooLarge", "The message exceeds the maximum allowed size."},
    {400, "MetadataTooLarge",
     "The size of the specified metadata exceeds the maximum size permitted."},
    {411, "MissingContentLengthHeader", "Content-Length HTTP header is missing."},
    {400, "MissingRequiredHeader",
     "An HTTP header that's mandatory for this request is not specified."},
    {400, "MissingRequiredQueryParameter",
     "A query parameter that's mandatory for this request is not specified."},
    {400, "MissingRequiredXmlNode", "A required XML node was not specified in the request body."},
    {400, "MultipleConditionHeadersNotSupported", "Multiple condition headers are not supported."},
    {401, "NoAuthenticationInformation", kSeeChallenge},
    {500, "OperationTimedOut", "Operation could not be completed within the specified time."},
    {400, "OutOfRangeInput", "One of the request inputs is out of range."},
    {400, "OutOfRangeQueryParameterValue",
     "One of the query parameters specified in the request URI is outside the permissible range."},
    {400, "PopReceiptMismatch",
     "The specified pop receipt did not match the pop receipt for a dequeued message."},
    {409, "QueueAlreadyExists", "The specified queue already exists."},
    {409, "QueueBeingDeleted", "The specified queue is being deleted."},
    {409, "QueueDisabled", "The specified queue has been disabled by the administrator."},
    {409, "QueueNotEmpty", "The specified queue is not empty."},
    {404, "QueueNotFound", "The specified queue does not exist."},
    {413, "RequestBodyTooLarge",
     "The request body is too large and exceeds the maximum permissible limit."},
    {400, "RequestUrlFailedToParse", "The url in the request could not be parsed."},
    {409, "ResourceAlreadyExists", "The specified resource already exists."},
    {404, "ResourceNotFound", "The specified resource does not exist."},
    {409, "ResourceTypeMismatch",
     "The specified resource type does not match the type of the existing resource."},
    {503, "ServerBusy",
     "The server is currently unable to receive requests. Please retry your request."},
    // Not Azure's: its disks do not fill up. 503, so that clients try again.
    {503, "StorageFull",
     "There is no room left on the disk that holds the queues. Nothing was changed; the request "
     "will be served again when there is room."},
    {400, "UnsupportedHeader",
     "One of the HTTP headers specified in the request is not supported."},
    {405, "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb."},
    {400, "UnsupportedQueryParameter",
     "One of the query parameters specified in the request URI is not supported."},
    {400, "UnsupportedXmlNode",
     "One of the XML nodes specified in the request body is not supported."},
};

}  // namespace

std::span<const StorageErrorRow> storage_error_table() {
  return kTable;
}

const StorageErrorRow* find_storage_error(std::string_view code) {
  const auto* found = std::lower_bound(
      std::begin(kTable), std::end(kTable), code,
      [](const StorageErrorRow& row, std::string_view wanted) { return row.code < wanted; });
  return found != std::end(kTable) && found->code == code ? found : nullptr;
}

}  // namespace latchkey::wire
