#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "codes/code_hasher.hpp"

/// What the browser carries from page to page, sealed so that only we can read or make it. Nothing
/// is kept here: any copy of the service can go on with any session, and a flood of visitors costs
/// no memory. The price: a session cannot be taken back before its end (docs/sign-in.md).
namespace latchkey::service::sign_in {

enum class Stage {
  visitor,   ///< has seen a page: a place for the token of its forms
  pending,   ///< has claimed to be somebody; a code decides
  signed_in  ///< both factors were right
};

struct Session {
  Stage stage = Stage::visitor;
  std::string id;    ///< new with every stage, against fixation
  std::string csrf;  ///< what a form must bring back
  std::string subject;
  /// The first factor was right. The browser is not told: who claimed wrongly sees the same pages.
  bool proven = false;
  UtcTime started{};       ///< of this stage
  UtcTime code_expires{};  ///< when pending
  UtcTime expires{};
};

/// Seals sessions and the tokens of "this was not me" links: AES-256-GCM under keys derived from
/// the pepper. After a rotation old ones open as long as the old pepper is kept.
class Sealer {
 public:
  /// What is given here must outlive the sealer.
  Sealer(const codes::CodeHasher& hasher, const Clock& clock, Random& random)
      : hasher_(hasher), clock_(clock), random_(random) {}

  /// A session that begins now, with a new id and token.
  Session begin(Stage stage, std::string subject, std::chrono::seconds lifetime);

  /// Text for a cookie.
  std::string seal(const Session& session);
  /// Nullopt for anything but a session of ours that has not ended.
  std::optional<Session> open(std::string_view text) const;

  std::string seal_not_me(std::string_view subject, UtcTime expires);
  /// The subject of a link that has not ended.
  std::optional<std::string> open_not_me(std::string_view token) const;

 private:
  std::string seal_as(std::string_view use, std::string_view plain);
  std::optional<std::string> open_as(std::string_view use, std::string_view text) const;

  const codes::CodeHasher& hasher_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace latchkey::service::sign_in
