#include "cloud/data_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "base/encoding.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "base/text.hpp"
#include "http/certificate.hpp"

namespace latchkey::cloud {
namespace {

constexpr unsigned kPrivate = 0600;
constexpr unsigned kPublic = 0644;
constexpr std::chrono::days kAuthorityLifetime{3650};
constexpr std::chrono::days kServerLifetime{397};
constexpr std::chrono::days kRenewBefore{30};

/// Every name under which one of the local services is reached. A wildcard stands for one label.
const std::vector<std::string>& server_names() {
  static const std::vector<std::string> names = {"localhost",
                                                 "*.localhost",
                                                 "vault.localhost",
                                                 "*.vault.localhost",
                                                 "*.queue.localhost",
                                                 "login.localhost",
                                                 "management.localhost",
                                                 "127.0.0.1",
                                                 "::1"};
  return names;
}

/// As private as it should be, from now on. Nullopt when there is no such file.
Result<std::optional<std::string>> read_private(const std::filesystem::path& file) {
  auto content = read_file_if_any(file);
  if (!content) return fail(content.error());
  if (!*content) return std::optional<std::string>{};
  if ((*content)->open_to_others()) {
    log::warning("key_file_was_readable_by_others", {{"file", file.string()}});
    if (::chmod(file.c_str(), kPrivate) != 0) return file_error("protect", file);
  }
  return std::optional(std::move((*content)->text));
}

Result<> make_folder(const std::filesystem::path& folder) {
  if (::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return file_error("make the folder", folder);
}

/// The descriptor that holds the lock. The kernel lets go of it when the process ends, however.
Result<int> take_lock(const std::filesystem::path& folder) {
  const auto file = folder / "lock";
  Descriptor descriptor(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kPrivate));
  if (!descriptor.is_open()) return file_error("open", file);
  if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return file_error("lock", file);
    return fail(ErrorKind::conflict, "DataFolderInUse",
                fmt::format("the data folder {} is in use by another latchkey; stop that one, or "
                            "give this one a folder of its own with --data",
                            folder.string()));
  }
  return descriptor.release();
}

struct Authority {
  http::CertificateAndKey pair;
  bool is_new = false;
};

bool ends_soon(std::string_view pem, UtcTime now) {
  const auto expiry = http::certificate_expiry(pem);
  return !expiry || *expiry < now + kRenewBefore;
}

Result<Authority> read_or_make_authority(const std::filesystem::path& folder, UtcTime now) {
  const auto certificate_file = folder / "ca.pem";
  const auto key_file = folder / "keys" / "ca-key.pem";
  auto certificate = read_file_if_any(certificate_file);
  if (!certificate) return fail(certificate.error());
  auto key = read_private(key_file);
  if (!key) return fail(key.error());
  if (*certificate && *key && !ends_soon((*certificate)->text, now)) {
    return Authority{{std::move((*certificate)->text), Secret(std::move(**key))}, false};
  }
  auto made = http::make_authority("latchkey local cloud", now, kAuthorityLifetime);
  // The key first: a certificate whose key is missing is made anew at the next start.
  auto written = write_file(key_file, made.key_pem.reveal(), kPrivate);
  if (!written) return fail(written.error());
  written = write_file(certificate_file, made.certificate_pem, kPublic);
  if (!written) return fail(written.error());
  return Authority{std::move(made), true};
}

Result<http::CertificateAndKey> read_or_make_server(const std::filesystem::path& folder,
                                                    const Authority& authority, UtcTime now) {
  const auto chain_file = folder / "keys" / "server.pem";
  const auto key_file = folder / "keys" / "server-key.pem";
  auto chain = read_private(chain_file);
  if (!chain) return fail(chain.error());
  auto key = read_private(key_file);
  if (!key) return fail(key.error());
  if (!authority.is_new && *chain && *key && !ends_soon(**chain, now) &&
      (*chain)->ends_with(authority.pair.certificate_pem)) {
    return http::CertificateAndKey{std::move(**chain), Secret(std::move(**key))};
  }
  auto made = http::make_server_certificate(authority.pair, server_names(), now, kServerLifetime);
  if (!made) return fail(made.error());
  // A crash between the two leaves a pair that does not fit, so the chain must not be believed
  // before its key is there.
  if (::unlink(chain_file.c_str()) != 0 && errno != ENOENT) {
    return file_error("replace", chain_file);
  }
  auto written = write_file(key_file, made->key_pem.reveal(), kPrivate);
  if (!written) return fail(written.error());
  written = write_file(chain_file, made->certificate_pem, kPrivate);
  if (!written) return fail(written.error());
  return made;
}

Result<RsaPrivateKey> read_or_make_token_key(const std::filesystem::path& folder) {
  const auto file = folder / "keys" / "token-key.pem";
  auto pem = read_private(file);
  if (!pem) return fail(pem.error());
  if (*pem) {
    const Secret text(std::move(**pem));
    auto key = RsaPrivateKey::from_pem(text.reveal());
    if (key) return key;
    return fail(ErrorKind::storage, "DataFolderError",
                fmt::format("{} holds no RSA private key; remove it to have a new one made "
                            "(tokens that were issued end with it)",
                            file.string()));
  }
  auto key = RsaPrivateKey::generate();
  const auto written = write_file(file, key.to_pem().reveal(), kPrivate);
  if (!written) return fail(written.error());
  return key;
}

}  // namespace

Result<Sha256> keep_store_key(const std::filesystem::path& file) {
  if (auto made = make_folder(file.parent_path()); !made) return fail(made.error());
  auto text = read_private(file);
  if (!text) return fail(text.error());
  Sha256 key{};
  if (*text) {
    const Secret kept(std::move(**text));
    const auto bytes = from_hex(trim(kept.reveal()));
    if (!bytes || bytes->size() != key.size()) {
      return fail(
          ErrorKind::storage, "DataFolderError",
          fmt::format("{} does not hold a key of {} hex digits; put the file back from "
                      "where it was saved, or remove it together with the database beside it",
                      file.string(), 2 * key.size()));
    }
    std::ranges::copy(*bytes, key.begin());
    return key;
  }
  SystemRandom().fill(key);
  const Secret made(to_hex(key) + "\n");
  const auto written = write_file(file, made.reveal(), kPrivate);
  if (!written) return fail(written.error());
  return key;
}

DataFolder::DataFolder(std::filesystem::path folder, int lock, RsaPrivateKey token_key)
    : folder_(std::move(folder)), lock_(lock), token_key_(std::move(token_key)) {}

DataFolder::DataFolder(DataFolder&& other) noexcept
    : folder_(std::move(other.folder_)),
      lock_(std::exchange(other.lock_, -1)),
      authority_(std::move(other.authority_)),
      server_chain_pem_(std::move(other.server_chain_pem_)),
      server_key_pem_(std::move(other.server_key_pem_)),
      token_key_(other.token_key_),
      store_key_(other.store_key_) {}

DataFolder& DataFolder::operator=(DataFolder&& other) noexcept {
  std::swap(folder_, other.folder_);
  std::swap(lock_, other.lock_);
  std::swap(authority_, other.authority_);
  std::swap(server_chain_pem_, other.server_chain_pem_);
  std::swap(server_key_pem_, other.server_key_pem_);
  std::swap(token_key_, other.token_key_);
  std::swap(store_key_, other.store_key_);
  return *this;
}

DataFolder::~DataFolder() {
  if (lock_ >= 0) ::close(lock_);
}

Result<DataFolder> DataFolder::open(const std::filesystem::path& folder, const Clock& clock) {
  for (const auto& each : {folder, folder / "keys"}) {
    if (auto made = make_folder(each); !made) return fail(made.error());
  }
  auto taken = take_lock(folder);
  if (!taken) return fail(taken.error());
  Descriptor lock(*taken);
  const UtcTime now = clock.now();
  auto authority = read_or_make_authority(folder, now);
  if (!authority) return fail(authority.error());
  auto server = read_or_make_server(folder, *authority, now);
  if (!server) return fail(server.error());
  auto token_key = read_or_make_token_key(folder);
  if (!token_key) return fail(token_key.error());
  auto store_key = keep_store_key(folder / "keys" / "store-key");
  if (!store_key) return fail(store_key.error());

  DataFolder opened(folder, lock.release(), std::move(*token_key));
  opened.authority_ = std::move(authority->pair);
  opened.server_chain_pem_ = std::move(server->certificate_pem);
  opened.server_key_pem_ = std::move(server->key_pem);
  opened.store_key_ = *store_key;
  return opened;
}

Result<> DataFolder::keep_token_key(const Secret& pem) const {
  return write_file(folder_ / "keys" / "token-key.pem", pem.reveal(), 0600);
}

}  // namespace latchkey::cloud
