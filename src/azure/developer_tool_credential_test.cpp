#include "azure/developer_tool_credential.hpp"

#include "azure/testing/credential_fixture.hpp"
#include "base/testing/await.hpp"

namespace latchkey::azure {
namespace {
using namespace std::chrono_literals;
using testing::kTenant;
using testing::kVault;

/// Stubs of the tools, in a folder that is all of PATH.
struct DeveloperToolTest : testing::CredentialFixture {
  DeveloperToolTest() {
    settings.tool_path = folder.string();
    settings.tool_environment = {"OUT=" + (folder / "out").string(), "TZ=Asia/Tokyo"};
  }
  Result<AccessToken> ask_tool(DeveloperTool which) {
    DeveloperToolCredential credential(std::move(which), settings, clock);
    return latchkey::testing::await(context, credential.get_token(kVault));
  }
  /// What a stub wrote about its call.
  std::string out() const {
    std::ifstream in(folder / "out");
    return {std::istreambuf_iterator<char>(in), {}};
  }

  CredentialSettings settings;
};

TEST_F(DeveloperToolTest, AzIsAskedForTheScopeAndItsLocalTimeIsUtc) {
  tool("az", R"(echo "$TZ $*" > "$OUT"
                echo '{"accessToken":"abc","expiresOn":"2030-01-02 03:04:05.000000"}')");
  const auto token = ask_tool(azure_cli());
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(token->value.reveal(), "abc");
  EXPECT_EQ(token->expires_on, UtcTime{1'893'553'445s});
  EXPECT_EQ(
      out(),
      "UTC account get-access-token --output json --scope https://vault.azure.net/.default\n");
}

TEST_F(DeveloperToolTest, AzdIsAskedForTheTenantToo) {
  settings.tenant_id = kTenant;
  tool("azd", R"(echo "$*" > "$OUT"
                 echo '{"token":"abc","expiresOn":"2030-01-02T03:04:05Z"}')");
  const auto token = ask_tool(azure_developer_cli());
  ASSERT_TRUE(token) << token.error().message;
  EXPECT_EQ(token->expires_on, UtcTime{1'893'553'445s});
  EXPECT_EQ(out(), std::string("auth token --output json --no-prompt --scope "
                               "https://vault.azure.net/.default --tenant-id ") +
                       kTenant + "\n");
}

TEST_F(DeveloperToolTest, FailuresSayWhatTheToolSaidAndWhatToDo) {
  struct Row {
    const char* script;
    const char* said;
  };
  for (const Row& row :
       {Row{"echo 'WARNING: old' >&2; echo \"ERROR: Please run 'az login'.\" >&2; exit 1",
            "ERROR: Please run 'az login'"},
        Row{"echo geheim; exit 7", "exit status 7; sign in with: az login"},
        Row{"kill -9 $$", "exit status 137"}, Row{"echo geheim", "not a JSON object"},
        Row{"true", "not a JSON object"},
        Row{R"(echo '{"accessToken":"abc","expires_on":1}')", "expired already"},
        Row{R"(echo '{"accessToken":"a b","expires_on":4000000000}')", "blanks"},
        Row{"yes", "wrote too much"}}) {
    tool("az", row.script);
    const auto token = ask_tool(azure_cli());
    ASSERT_FALSE(token) << row.script;
    EXPECT_EQ(token.error().kind, ErrorKind::unavailable) << row.script;
    EXPECT_NE(token.error().message.find(row.said), std::string::npos) << token.error().message;
    EXPECT_EQ(token.error().message.find("geheim"), std::string::npos);
  }
}

TEST_F(DeveloperToolTest, AToolThatIsNotThereIsSaidSo) {
  const auto token = ask_tool(azure_developer_cli());
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().message, "azd is not in PATH");
}

}  // namespace
}  // namespace latchkey::azure
