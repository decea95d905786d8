#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "app/environment.hpp"
#include "base/file.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

/// What a running local cloud tells other processes of this machine, in files of its data folder:
/// endpoints.json (who listens where), identities.json (mode 0600), ca.pem and ca-bundle.pem.
namespace latchkey::app {

struct IdentityRecord {
  std::string client_id;
  std::string object_id;
  Secret identity_header;
};

struct RunningCloud {
  std::filesystem::path data;
  /// Keys api (absent for the cloud alone), functions, queue, vault, identity, login; full URLs.
  std::map<std::string, std::string> endpoints;
  Secret proxy_password;  ///< of the proxy's user "~nobody"
  std::string tenant_id;
  std::string subscription_id;
  std::string resource_group;
  std::map<std::string, IdentityRecord> identities;
  std::map<std::string, Secret, std::less<>> storage_keys;  ///< by account

  std::filesystem::path authority_file() const { return data / "ca.pem"; }
  /// The system's authorities and ours, for programs that take one file.
  std::filesystem::path bundle_file() const { return data / "ca-bundle.pem"; }
  /// An account key connection string with the plain http endpoint, which every tool accepts.
  /// Error: not_found, naming the accounts there are.
  Result<std::string> connection_string(std::string_view account) const;
};

/// $XDG_STATE_HOME/latchkey, else ~/.local/state/latchkey.
std::filesystem::path default_data_folder(const Environment& environment);
/// Makes the folder, mode 0700. Error: storage.
Result<> make_data_folder(const std::filesystem::path& data);

/// All files but endpoints.json, which says that everything is ready and is written last.
Result<> write_identities(const RunningCloud& cloud);
Result<> write_endpoints(const RunningCloud& cloud);
void remove_endpoints(const std::filesystem::path& data);
/// True when a process serves this folder now (it holds the folder's lock).
bool is_in_use(const std::filesystem::path& data);
/// Error: unavailable when nothing runs on that folder, with the command that starts it.
Result<RunningCloud> read_running_cloud(const std::filesystem::path& data);

/// The settings that let a program reach the local cloud as identity `name`, with the walkthrough's
/// names. Error: not_found, naming the identities there are.
Result<Environment> environment_for(const RunningCloud& cloud, const std::string& name);

}  // namespace latchkey::app
