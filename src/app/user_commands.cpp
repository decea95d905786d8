#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <iostream>

#include "app/command_world.hpp"
#include "app/commands.hpp"
#include "app/protection_settings.hpp"
#include "app/running_cloud.hpp"
#include "base/time_text.hpp"
#include "service/sign_in/outbox.hpp"
#include "service/sign_in/user_store.hpp"

/// `latchkey user add|remove|list` and `latchkey outbox`: the people who use the sign-in pages of
/// this machine, and what was sent to them.
namespace latchkey::app {
namespace {

/// A terminal that does not show what is typed while this lives.
class HiddenInput {
 public:
  HiddenInput() {
    shown_ = ::isatty(STDIN_FILENO) == 1 && ::tcgetattr(STDIN_FILENO, &before_) == 0;
    if (!shown_) return;
    termios hidden = before_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &hidden);
    fmt::print(stderr, "Password: ");
  }
  ~HiddenInput() {
    if (!shown_) return;
    ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    fmt::print(stderr, "\n");
  }
  HiddenInput(const HiddenInput&) = delete;
  HiddenInput& operator=(const HiddenInput&) = delete;

 private:
  termios before_{};
  bool shown_ = false;
};

Secret read_password() {
  const HiddenInput hidden;
  std::string line;
  std::getline(std::cin, line);
  return Secret(std::move(line));
}

Result<> change_users(const std::filesystem::path& file, const UserOptions& options) {
  namespace sign_in = service::sign_in;
  if (options.action == "remove") return sign_in::remove_user(file, options.name);
  if (options.action == "add") {
    SystemRandom random;
    return sign_in::add_user(file, options.name, read_password(), random);
  }
  auto names = sign_in::user_names(file);
  if (!names) return fail(names.error());
  for (const auto& name : *names) fmt::print("{}\n", name);
  return {};
}

}  // namespace

int run_user(const CommonOptions& common, const UserOptions& options) {
  auto settings = read_sign_in_settings(common.environment, common.data);
  if (!settings) return report(settings.error());
  if (auto made = make_data_folder(common.data); !made) return report(made.error());
  auto done = change_users(settings->users, options);
  return done ? 0 : report(done.error());
}

int run_outbox(const CommonOptions& common, const std::string& user) {
  auto settings = read_sign_in_settings(common.environment, common.data);
  if (!settings) return report(settings.error());
  auto message = service::sign_in::read_outbox(settings->outbox, user);
  if (!message) return report(message.error());
  if (!*message) {
    fmt::print(stderr, "latchkey: nothing was sent to {}\n", user);
    return 1;
  }
  const auto& sent = **message;
  fmt::print("Your code: {}\nValid until {} UTC.\n", sent.code.reveal(),
             to_python_utc(sent.expires));
  if (!sent.not_me_url.empty()) {
    fmt::print("This was not you? {}\n", sent.not_me_url.reveal());
  }
  return 0;
}

}  // namespace latchkey::app
