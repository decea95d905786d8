#include "cloud/identity/identities.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.hpp"
#include "base/encoding.hpp"
#include "base/text.hpp"
#include "cloud/identity/identity_rows.hpp"

namespace latchkey::cloud {
namespace {

constexpr std::size_t kNameMax = 64;
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kHintLength = 3;
constexpr std::array<std::string_view, 3> kKinds{"systemAssigned", "userAssigned",
                                                 "servicePrincipal"};

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameMax && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

tl::unexpected<Error> not_found(std::string_view name) {
  return fail(ErrorKind::not_found, "IdentityNotFound",
              fmt::format("there is no identity '{}'", name));
}

/// Whether an identity of that kind may have that credential, as in Azure.
Result<> check_allowed(const Identity& identity, std::size_t credential_index) {
  constexpr std::size_t kFederated = 2;
  const bool allowed =
      identity.kind == IdentityKind::service_principal ||
      (identity.kind == IdentityKind::user_assigned && credential_index == kFederated);
  if (!allowed) {
    return fail(ErrorKind::invalid_argument, "CredentialNotAllowed",
                fmt::format("'{}' is a {} identity: secrets and certificates are for service "
                            "principals, federated credentials for user-assigned ones as well",
                            identity.name, to_string(identity.kind)));
  }
  if (identity.credentials.size() >= Identities::kCredentialsMax) {
    return fail(ErrorKind::conflict, "TooManyCredentials",
                fmt::format("'{}' has {} credentials: remove one first", identity.name,
                            Identities::kCredentialsMax));
  }
  return {};
}

}  // namespace

std::string_view to_string(IdentityKind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}

std::optional<IdentityKind> identity_kind_from(std::string_view text) {
  const auto found = std::ranges::find_if(kKinds, [&](auto kind) { return iequals(kind, text); });
  if (found == kKinds.end()) return std::nullopt;
  return static_cast<IdentityKind>(found - kKinds.begin());
}

struct Identities::Impl {
  explicit Impl(Random& random_in) : random(random_in) {}

  template <class Condition>
  Identity* find(Condition condition) {
    const auto found = std::ranges::find_if(all, condition);
    return found == all.end() ? nullptr : &*found;
  }
  Identity* by_name(std::string_view name) {
    return find([&](const Identity& each) { return iequals(each.name, name); });
  }
  Identity* by_object_id(std::string_view id) {
    return find([&](const Identity& each) { return iequals(each.object_id, id); });
  }

  Random& random;
  std::list<Identity> all;
  sqlite::Writer* writer = nullptr;
};

Identities::Identities(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Identities::~Identities() = default;

Result<std::unique_ptr<Identities>> Identities::load(sqlite::Database& database, Random& random) {
  auto read = identity_rows::read(database);
  if (!read) return fail(read.error());
  auto impl = std::make_unique<Impl>(random);
  impl->all = std::move(*read);
  return std::unique_ptr<Identities>(new Identities(std::move(impl)));
}

void Identities::use_writer(sqlite::Writer& writer) {
  impl_->writer = &writer;
}

Task<Result<Identity>> Identities::ensure(std::string name) {
  if (const auto* found = by_name(name)) co_return *found;
  co_return co_await create(std::move(name), IdentityKind::system_assigned);
}

Task<Result<Identity>> Identities::create(std::string name, IdentityKind kind) {
  LK_ASSERT(impl_->writer != nullptr);
  if (!is_name(name)) {
    co_return fail(ErrorKind::invalid_argument, "InvalidIdentityName",
                   fmt::format("'{}' cannot name an identity: use 1 to {} letters, digits, '-', "
                               "'_' and '.'",
                               name.substr(0, kNameMax), kNameMax));
  }
  const auto exists = [&]() -> Result<Identity> {
    const auto* found = by_name(name);
    if (found->kind == kind) return *found;
    return fail(ErrorKind::conflict, "IdentityExists",
                fmt::format("'{}' is there already, as {}", name, to_string(found->kind)));
  };
  if (by_name(name) != nullptr) co_return exists();
  if (impl_->all.size() >= kIdentitiesMax) {
    co_return fail(ErrorKind::conflict, "TooManyIdentities", "there are too many identities");
  }
  const Identity identity{.name = name,
                          .kind = kind,
                          .client_id = impl_->random.uuid(),
                          .object_id = impl_->random.uuid(),
                          .identity_header = Secret(impl_->random.hex(kSecretBytes))};
  auto work = [identity](sqlite::Database& database) {
    return identity_rows::insert(database, identity);
  };
  auto written = co_await impl_->writer->run(std::move(work));
  // Another call may have made it while ours waited for the writer.
  if (by_name(name) != nullptr) co_return exists();
  if (!written) co_return fail(written.error());
  impl_->all.push_back(identity);
  co_return identity;
}

Task<Result<>> Identities::remove(std::string name) {
  const auto* identity = by_name(name);
  if (identity == nullptr) co_return not_found(name);
  const std::string id = identity->object_id;
  auto work = [id](sqlite::Database& database) { return identity_rows::remove(database, id); };
  auto written = co_await impl_->writer->run(std::move(work));
  if (!written) co_return written;
  impl_->all.remove_if([&](const Identity& each) { return each.object_id == id; });
  for (Identity& each : impl_->all) std::erase(each.attached, id);
  co_return Result<>{};
}

Task<Result<>> Identities::ensure_app_role(std::string object_id, std::string role) {
  LK_ASSERT(impl_->writer != nullptr);
  if (!is_name(role)) {
    co_return fail(
        ErrorKind::invalid_argument, "InvalidAppRole",
        fmt::format("an app role is named by 1 to {} letters, digits, '-', '_' and '.'", kNameMax));
  }
  const auto* identity = by_object_id(object_id);
  if (identity == nullptr) co_return not_found(object_id);
  auto work = [id = identity->object_id, role](sqlite::Database& database) {
    return identity_rows::insert_app_role(database, id, role);
  };
  auto written = co_await impl_->writer->run(std::move(work));
  auto* now = impl_->by_object_id(object_id);
  if (!written || now == nullptr) co_return written;
  auto& roles = now->app_roles;
  if (std::ranges::find(roles, role) == roles.end()) roles.push_back(std::move(role));
  co_return written;
}

Task<Result<NewSecret>> Identities::add_secret(std::string name, Credential credential) {
  Bytes bytes(kSecretBytes);
  impl_->random.fill(bytes);
  Secret text(to_base64url(bytes));
  credential.content = SecretCredential{.digest = sha256(text.reveal()),
                                        .hint = std::string(text.reveal().substr(0, kHintLength))};
  auto added = co_await add_credential(std::move(name), std::move(credential));
  if (!added) co_return fail(added.error());
  co_return NewSecret{.credential = std::move(*added), .text = std::move(text)};
}

Task<Result<Credential>> Identities::add_credential(std::string name, Credential credential) {
  LK_ASSERT(impl_->writer != nullptr);
  const auto* identity = by_name(name);
  if (identity == nullptr) co_return not_found(name);
  auto allowed = check_allowed(*identity, credential.content.index());
  if (!allowed) co_return fail(allowed.error());
  if (credential.id.empty()) credential.id = impl_->random.uuid();
  auto work = [id = identity->object_id, credential](sqlite::Database& database) {
    return identity_rows::insert_credential(database, id, credential);
  };
  auto written = co_await impl_->writer->run(std::move(work));
  if (!written) co_return fail(written.error());
  auto* now = impl_->by_name(name);
  if (now == nullptr) co_return not_found(name);
  std::erase_if(now->credentials, [&](const auto& each) { return each.id == credential.id; });
  now->credentials.push_back(credential);
  co_return credential;
}

Task<Result<>> Identities::remove_credential(std::string name, std::string credential_id) {
  const auto* identity = by_name(name);
  if (identity == nullptr) co_return not_found(name);
  const auto is_it = [&](const Credential& each) { return iequals(each.id, credential_id); };
  if (std::ranges::none_of(identity->credentials, is_it)) {
    co_return fail(ErrorKind::not_found, "CredentialNotFound",
                   fmt::format("'{}' has no credential {}", name, credential_id));
  }
  auto work = [credential_id](sqlite::Database& database) {
    return identity_rows::remove_credential(database, credential_id);
  };
  auto written = co_await impl_->writer->run(std::move(work));
  auto* now = impl_->by_name(name);
  if (written && now != nullptr) std::erase_if(now->credentials, is_it);
  co_return written;
}

Task<Result<>> Identities::attach(std::string app, std::string user_assigned) {
  const auto* holder = by_name(app);
  const auto* used = by_name(user_assigned);
  if (holder == nullptr) co_return not_found(app);
  if (used == nullptr) co_return not_found(user_assigned);
  if (used->kind != IdentityKind::user_assigned) {
    co_return fail(ErrorKind::invalid_argument, "NotUserAssigned",
                   fmt::format("'{}' is {}: only user-assigned identities are attached to apps",
                               used->name, to_string(used->kind)));
  }
  const identity_rows::Attachment attachment{holder->object_id, used->object_id};
  auto work = [attachment](sqlite::Database& database) {
    return identity_rows::insert_attachment(database, attachment);
  };
  auto written = co_await impl_->writer->run(std::move(work));
  auto* now = impl_->by_object_id(attachment.app);
  if (!written || now == nullptr) co_return written;
  std::erase(now->attached, attachment.identity);
  now->attached.push_back(attachment.identity);
  co_return written;
}

Task<Result<>> Identities::detach(std::string app, std::string user_assigned) {
  const auto* holder = by_name(app);
  const auto* used = by_name(user_assigned);
  if (holder == nullptr) co_return not_found(app);
  if (used == nullptr) co_return not_found(user_assigned);
  const identity_rows::Attachment attachment{holder->object_id, used->object_id};
  auto work = [attachment](sqlite::Database& database) {
    return identity_rows::remove_attachment(database, attachment);
  };
  auto written = co_await impl_->writer->run(std::move(work));
  auto* now = impl_->by_object_id(attachment.app);
  if (written && now != nullptr) std::erase(now->attached, attachment.identity);
  co_return written;
}

const Identity* Identities::by_name(std::string_view name) const {
  return impl_->by_name(name);
}

const Identity* Identities::by_client_id(std::string_view client_id) const {
  return impl_->find([&](const Identity& each) { return iequals(each.client_id, client_id); });
}

const Identity* Identities::by_object_id(std::string_view object_id) const {
  return impl_->by_object_id(object_id);
}

const Identity* Identities::by_header(std::string_view identity_header) const {
  return impl_->find([&](const Identity& each) {
    return !identity_header.empty() && each.kind != IdentityKind::service_principal &&
           each.identity_header.equals(identity_header);
  });
}

const Identity* Identities::default_identity() const {
  if (const auto* marked = by_name(kDefaultName)) return marked;
  const Identity* only = nullptr;
  for (const Identity& each : impl_->all) {
    if (each.kind == IdentityKind::service_principal) continue;
    if (only != nullptr) return nullptr;
    only = &each;
  }
  return only;
}

const std::list<Identity>& Identities::all() const {
  return impl_->all;
}

}  // namespace latchkey::cloud
