#pragma once

#include <optional>
#include <string>

#include "base/secret.hpp"

namespace latchkey::app {

/// Whom a token names, as far as it says. Not verified: for showing to its own holder only.
struct TokenFacts {
  std::string object_id;
  std::string client_id;
  std::string tenant_id;
};
/// Nullopt for what is no JSON Web Token, which tokens need not be.
std::optional<TokenFacts> token_facts(const Secret& token);

}  // namespace latchkey::app
