#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "wire/shared_key.hpp"

/// What a client signed in place of what it should have: the mistakes that are made when somebody
/// writes or configures a client, tried one after the other. For the log, never for the answer.
namespace latchkey::cloud {

/// The mistake whose string-to-sign `is_signed_by` accepts, for a person; empty when it is none of
/// those known here. `account` is that in whose name the request is signed.
std::string signature_hint(const wire::SignedRequest& request, std::string_view account, bool lite,
                           const std::function<bool(std::string_view text)>& is_signed_by);

}  // namespace latchkey::cloud
