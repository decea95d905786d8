#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/commands.hpp"
#include "app/management_client.hpp"

/// `latchkey role explain`: would an identity be allowed to do something somewhere, and through
/// what? What the cloud's checkAccess says, in words, and where it says no the command that mends.
namespace latchkey::app {

/// The name of an operation ("get-secret", "put-message") or a data action. Of the alternatives any
/// one is enough; each must be held wholly. Empty for an unknown name.
std::vector<std::vector<std::string>> needed_actions(std::string_view operation);

struct Question {
  IdentityFacts who;
  std::string scope;
  std::string scope_options;  ///< as the user would write it: "--queue code-requests"
};
Task<int> explain(ManagementClient& management, const RoleOptions& options, Question question);

}  // namespace latchkey::app
