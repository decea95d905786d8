#pragma once

#include <string>
#include <string_view>

#include "app/settings.hpp"

/// The exact command that mends what `latchkey doctor` found: `az` for Azure, `latchkey` for the
/// local cloud. Which of them it is, the host of the setting says; nothing else depends on it.
/// Pure.
namespace latchkey::app {

/// Where the settings point, and who we are there.
struct Place {
  http::Url vault;
  http::Url queue;
  http::Url number;
  std::string assignee;        ///< who we are: object id or, on this machine, name; may be empty
  std::string program;         ///< how the user called us
  std::string data;            ///< the local cloud's folder; empty: the default one
  std::string resource_group;  ///< the local cloud's, as a resource id; empty when unknown
};
Place place_of(const ServiceSettings& settings);

/// "latchkey" of https://latchkey.vault.azure.net.
std::string vault_name(const Place& place);
std::string queue_name(const Place& place);

/// Gives us `role` on the queue.
std::string assign_on_queue(const Place& place, std::string_view role);
/// Gives us the right to read that secret.
std::string assign_on_secret(const Place& place, std::string_view secret);
std::string create_queue(const Place& place);
/// Makes the secret that is missing, or holds a key that the function refuses.
std::string set_number_key(const Place& place, std::string_view secret);
std::string set_pepper(const Place& place, std::string_view secret);

}  // namespace latchkey::app
