#include "cloud/queues/sas_rules.hpp"

#include <gtest/gtest.h>

#include "base/time_text.hpp"

namespace latchkey::cloud {
namespace {
using enum QueueOperation;

const UtcTime kNow = *from_iso8601("2026-05-01T12:00:00Z");

wire::Sas account_sas(std::string permissions, std::string resources = "sco") {
  wire::Sas sas;
  sas.version = "2026-04-06";
  sas.services = "bq";
  sas.resources = std::move(resources);
  sas.permissions = std::move(permissions);
  sas.expiry = "2026-05-01T13:00:00Z";
  return sas;
}

wire::Sas service_sas(std::string permissions) {
  wire::Sas sas = account_sas(std::move(permissions), "");
  sas.services.clear();
  return sas;
}

std::string outcome(const wire::Sas& sas, QueueOperation operation, bool over_tls = false) {
  const auto refusal = check_sas_grants(
      sas,
      {.operation = operation, .now = kNow, .over_tls = over_tls, .peer_address = "127.0.0.1"});
  return refusal ? refusal->code : "";
}

struct PermissionRow {
  QueueOperation operation;
  std::string resource_types;
  std::string account;
  std::string service;
};
const PermissionRow kPermissions[] = {
    {list_queues, "s", "l", ""},
    {get_service_properties, "s", "r", ""},
    {set_service_properties, "s", "w", ""},
    {get_service_stats, "s", "r", ""},
    {get_user_delegation_key, "", "", ""},
    {create_queue, "c", "cw", ""},
    {delete_queue, "c", "d", ""},
    {get_metadata, "c", "r", "r"},
    {set_metadata, "c", "w", ""},
    {get_acl, "", "", ""},
    {set_acl, "", "", ""},
    {put_message, "o", "a", "a"},
    {get_messages, "o", "p", "p"},
    {peek_messages, "o", "r", "r"},
    {clear_messages, "oc", "d", ""},
    {update_message, "oc", "u", "u"},
    {delete_message, "oc", "p", "p"},
};

TEST(SasGrants, EachOperationNeedsItsOwnPermission) {
  for (const auto& row : kPermissions) {
    for (const char letter : std::string("rwdlacup")) {
      const std::string one(1, letter);
      const bool in_account = row.account.find(letter) != std::string::npos;
      const bool in_service = row.service.find(letter) != std::string::npos;
      EXPECT_EQ(outcome(account_sas(one), row.operation),
                in_account ? "" : "AuthorizationPermissionMismatch")
          << static_cast<int>(row.operation) << letter;
      EXPECT_EQ(outcome(service_sas(one), row.operation),
                in_service ? "" : "AuthorizationPermissionMismatch")
          << static_cast<int>(row.operation) << letter;
    }
  }
}

TEST(SasGrants, EachOperationNeedsItsOwnResourceType) {
  for (const auto& row : kPermissions) {
    if (row.resource_types.empty()) continue;
    for (const char type : std::string("sco")) {
      const bool allowed = row.resource_types.find(type) != std::string::npos;
      EXPECT_EQ(outcome(account_sas("rwdlacup", std::string(1, type)), row.operation),
                allowed ? "" : "AuthorizationResourceTypeMismatch")
          << static_cast<int>(row.operation) << type;
    }
  }
}

TEST(SasGrants, OtherServicesGrantNothingHere) {
  auto sas = account_sas("p");
  sas.services = "bft";
  EXPECT_EQ(outcome(sas, get_messages), "AuthorizationServiceMismatch");
}

TEST(SasGrants, HoldBetweenStartAndExpiry) {
  struct Row {
    std::string start;
    std::string expiry;
    std::string code;
  };
  const Row kRows[] = {
      {"", "2026-05-01T12:00:01Z", ""},
      {"", "2026-05-02", ""},
      {"2026-05-01T12:00Z", "2026-05-01T12:00:00.0000010Z", ""},
      {"", "2026-05-01T12:00:00Z", "AuthenticationFailed"},
      {"", "2026-05-01", "AuthenticationFailed"},
      {"", "", "AuthenticationFailed"},
      {"", "soon", "AuthenticationFailed"},
      {"2026-05-01T12:00:01Z", "2026-05-02", "AuthenticationFailed"},
      {"whenever", "2026-05-02", "AuthenticationFailed"},
  };
  for (const auto& row : kRows) {
    auto sas = service_sas("p");
    sas.start = row.start;
    sas.expiry = row.expiry;
    EXPECT_EQ(outcome(sas, get_messages), row.code) << row.start << " " << row.expiry;
  }
}

TEST(SasGrants, RespectProtocolAndAddress) {
  auto sas = service_sas("p");
  sas.protocol = "https";
  EXPECT_EQ(outcome(sas, get_messages, false), "AuthorizationProtocolMismatch");
  EXPECT_EQ(outcome(sas, get_messages, true), "");
  sas.protocol = "https,http";
  EXPECT_EQ(outcome(sas, get_messages, false), "");
  sas.protocol = "gopher";
  EXPECT_EQ(outcome(sas, get_messages, true), "AuthenticationFailed");
  sas.protocol = "";
  sas.ip = "10.0.0.1";
  EXPECT_EQ(outcome(sas, get_messages), "AuthorizationSourceIPMismatch");
  sas.ip = "127.0.0.0-127.0.0.9";
  EXPECT_EQ(outcome(sas, get_messages), "");
}

TEST(AddressRange, ComparesAddressesNotText) {
  struct Row {
    const char* address;
    const char* range;
    bool inside;
  };
  const Row kRows[] = {
      {"168.1.5.65", "168.1.5.65", true},
      {"168.1.5.9", "168.1.5.60-168.1.5.70", false},
      {"168.1.5.65", "168.1.5.60-168.1.5.70", true},
      {"168.1.5.60", "168.1.5.60-168.1.5.70", true},
      {"168.1.5.70", "168.1.5.60-168.1.5.70", true},
      {"168.1.5.71", "168.1.5.60-168.1.5.70", false},
      {"::ffff:168.1.5.65", "168.1.5.65", true},
      {"::1", "::1", true},
      {"::1", "127.0.0.1", false},
      {"127.0.0.1", "nonsense", false},
      {"127.0.0.1", "127.0.0.1-", false},
      {"", "127.0.0.1", false},
      {"127.0.0.1", "", false},
  };
  for (const auto& row : kRows) {
    EXPECT_EQ(address_in_range(row.address, row.range), row.inside) << row.address << row.range;
  }
}

}  // namespace
}  // namespace latchkey::cloud
