#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "http/message.hpp"
#include "wire/user_delegation.hpp"

/// Shared access signatures for queues: account SAS, service SAS and user delegation SAS.
/// Source: REST reference, "Create an account SAS", "Create a service SAS", "Create a user
/// delegation SAS"; the order of the last one's fields from Azure's SDK for JavaScript.
namespace latchkey::wire {

/// The fields of a SAS as they stand in the query, decoded, unchecked; empty when absent.
struct Sas {
  std::string version;              ///< sv
  std::string services;             ///< ss; set for an account SAS
  std::string resources;            ///< srt; set for an account SAS
  std::string permissions;          ///< sp
  std::string start;                ///< st
  std::string expiry;               ///< se
  std::string ip;                   ///< sip
  std::string protocol;             ///< spr
  std::string identifier;           ///< si, stored access policy
  std::string encryption_scope;     ///< ses
  std::string signature;            ///< sig
  UserDelegation delegation{};      ///< skoid, sktid, skt, ske, sks, skv, skdutid
  std::string delegated_object_id;  ///< sduoid: who alone may use it
  bool is_account_sas() const { return !services.empty() || !resources.empty(); }
  bool is_user_delegation_sas() const { return !delegation.object_id.empty(); }
};

/// Nullopt when the query has no `sig`. Error: invalid_argument, code InvalidQueryParameterValue,
/// when a field stands twice (then two readers could see two different grants).
Result<std::optional<Sas>> parse_sas(const http::Query& query);

/// Each field on a line of its own; from version 2020-12-06 with the encryption scope.
std::string account_sas_string_to_sign(const Sas& sas, std::string_view account);
/// `queue` is the resource: /queue/ACCOUNT/QUEUE. The form of versions from 2015-04-05 on.
std::string service_sas_string_to_sign(const Sas& sas, std::string_view account,
                                       std::string_view queue);

std::string user_delegation_sas_string_to_sign(const Sas& sas, std::string_view account,
                                               std::string_view queue);

/// The query text of a signed account SAS ("sv=...&ss=q&...&sig=..."), for clients and tests.
std::string make_account_sas(Sas fields, std::string_view account, const Secret& account_key);
std::string make_service_sas(Sas fields, std::string_view account, std::string_view queue,
                             const Secret& account_key);
std::string make_user_delegation_sas(Sas fields, std::string_view account, std::string_view queue,
                                     const Secret& delegation_key);

}  // namespace latchkey::wire
