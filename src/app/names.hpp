#pragma once

#include <string_view>

#include "wire/connection_string.hpp"

/// The names that Microsoft's sample uses, kept as our defaults, and those of the local cloud's
/// identities.
namespace latchkey::app {

inline constexpr std::string_view kQueueName = "code-requests";
inline constexpr std::string_view kPoisonQueueName = "code-requests-poison";
inline constexpr std::string_view kNumberSecretName = "third-party-api-key";
inline constexpr std::string_view kPepperSecretName = "code-pepper";
inline constexpr std::string_view kNumberFunction = "RandomNumber";
inline constexpr std::string_view kAccountName = wire::kDevelopmentAccount;
inline constexpr std::string_view kAccountKey = wire::kDevelopmentKey;

inline constexpr const char* kApiIdentity = "api";
inline constexpr const char* kWatcherIdentity = "watcher";
inline constexpr const char* kOperatorIdentity = "operator";
inline constexpr const char* kAppIdentity = "app";

}  // namespace latchkey::app
