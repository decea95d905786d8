#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/hash.hpp"
#include "base/result.hpp"
#include "base/rsa.hpp"
#include "base/secret.hpp"
#include "http/certificate.hpp"

/// The folder in which the local cloud keeps what must survive a restart:
///
///   lock                   held by the process that uses the folder
///   ca.pem                 the authority that clients trust (0644)
///   keys/ca-key.pem        its key (all in keys/: 0600, the folder itself 0700)
///   keys/server.pem        the servers' certificate, then the authority's
///   keys/server-key.pem
///   keys/token-key.pem     signs access tokens
///   keys/store-key         seals secrets and function keys in cloud.db
///   cloud.db, queues.db    identities, roles, secrets, function keys; queues
namespace latchkey::cloud {

class DataFolder {
 public:
  /// Makes what is not there, renews what ends within 30 days, and holds the lock until the object
  /// goes. The first start makes the keys (some 100 ms); later ones read files.
  /// Errors: conflict (DataFolderInUse: another process has it), storage.
  static Result<DataFolder> open(const std::filesystem::path& folder, const Clock& clock);
  DataFolder(DataFolder&& other) noexcept;
  DataFolder& operator=(DataFolder&& other) noexcept;
  ~DataFolder();

  std::filesystem::path authority_file() const { return folder_ / "ca.pem"; }
  std::filesystem::path cloud_database() const { return folder_ / "cloud.db"; }
  std::filesystem::path queue_database() const { return folder_ / "queues.db"; }
  const std::string& authority_pem() const { return authority_.certificate_pem; }
  /// The authority with its key, to sign more certificates.
  const http::CertificateAndKey& authority() const { return authority_; }
  /// Leaf first, then the authority.
  const std::string& server_chain_pem() const { return server_chain_pem_; }
  const Secret& server_key_pem() const { return server_key_pem_; }
  const RsaPrivateKey& token_key() const { return token_key_; }
  /// Takes another key in its place, for the next start.
  Result<> keep_token_key(const Secret& pem) const;
  const Sha256& store_key() const { return store_key_; }

 private:
  DataFolder(std::filesystem::path folder, int lock, RsaPrivateKey token_key);

  std::filesystem::path folder_;
  int lock_ = -1;
  http::CertificateAndKey authority_;
  std::string server_chain_pem_;
  Secret server_key_pem_;
  RsaPrivateKey token_key_;
  Sha256 store_key_{};
};

/// The key in `file` (64 hex digits, mode 0600), made, with its folder, when there is none. Error:
/// storage, also when the file holds something else: it may be the one that seals what is there.
Result<Sha256> keep_store_key(const std::filesystem::path& file);

}  // namespace latchkey::cloud
