#include "app/private_trust.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

namespace latchkey::app {
namespace {

/// Debian, Alpine and others; Fedora and its kin; a name that points to one of them.
constexpr std::array<const char*, 3> kSystemFiles{
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"};

tl::unexpected<Error> refused(std::string_view doing, int cause) {
  return fail(ErrorKind::unavailable, "NoPrivateTrust",
              fmt::format("--private-trust cannot {}: {}. It needs user namespaces for everybody "
                          "(sysctl kernel.unprivileged_userns_clone=1 and, on Ubuntu, "
                          "kernel.apparmor_restrict_unprivileged_userns=0; Docker's default "
                          "profile forbids them). Without it, add ca.pem to the system's "
                          "authorities",
                          doing, std::strerror(cause)));
}

bool write_to(const char* file, const std::string& text) {
  const int descriptor = ::open(file, O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const auto count = ::write(descriptor, text.data(), text.size());
  const int cause = errno;
  ::close(descriptor);
  errno = cause;
  return count == static_cast<ssize_t>(text.size());
}

/// Everybody stays who they are; a kernel lets groups be mapped only once setgroups is off.
bool map_own_ids(uid_t user, gid_t group) {
  return write_to("/proc/self/setgroups", "deny") &&
         write_to("/proc/self/uid_map", fmt::format("{0} {0} 1", user)) &&
         write_to("/proc/self/gid_map", fmt::format("{0} {0} 1", group));
}

}  // namespace

Result<> enter_private_trust(const std::filesystem::path& bundle) {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return refused("make a namespace", errno);
  if (!map_own_ids(user, group)) return refused("stay the same user", errno);
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return refused("make mounts private", errno);
  }
  bool replaced = false;
  for (const char* file : kSystemFiles) {
    if (::access(file, F_OK) != 0) continue;
    if (::mount(bundle.c_str(), file, nullptr, MS_BIND, nullptr) != 0) {
      return refused(fmt::format("put the bundle over {}", file), errno);
    }
    replaced = true;
  }
  if (replaced) return {};
  return refused("find the system's file of authorities (package ca-certificates)", ENOENT);
}

}  // namespace latchkey::app
