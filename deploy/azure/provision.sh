#!/usr/bin/env bash
# Makes, or brings up to date, everything of main.bicep in one resource group. Sign in first: az login.
#   deploy/azure/provision.sh GROUP REGION [--image REGISTRY.azurecr.io/latchkey:VERSION] [--number-zip FILE]
# Names and sizes: main.parameters.json. Without --image API and watcher are not started: run them where you like
# with the settings printed at the end. May be run again at any time; the pepper stays what it is.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage() { sed -n '2,5s/^# //p' "${BASH_SOURCE[0]}" >&2; exit 2; }
[ $# -ge 2 ] || usage
group=$1
region=$2
shift 2
image=
number_zip=
while [ $# -gt 0 ]; do
  [ $# -ge 2 ] || usage
  case $1 in
    --image) image=$2 ;;
    --number-zip) number_zip=$2 ;;
    *) usage ;;
  esac
  shift 2
done

say() { printf '== %s\n' "$*" >&2; }
# again COMMAND...: roles take minutes until they hold everywhere, a new host until it answers.
again() {
  local tries=20
  until "$@"; do
    tries=$((tries - 1))
    [ "$tries" -gt 0 ] || return 1
    sleep "${LATCHKEY_RETRY_SECONDS:-30}"
  done
}

work=$(mktemp -d) # mode 0700: the pepper is here for a moment
trap 'rm -rf "$work"' EXIT

if [ -z "$number_zip" ]; then
  say "building the number API's package"
  "$here/../../scripts/build" release latchkey >&2
  "$here/../functions/package.py" number --output "$work" >&2
  number_zip=$work/number.zip
fi

say "resource group $group"
az group create --name "$group" --location "$region" --output none
group_id=$(az group show --name "$group" --query id --output tsv)

# deploy_main IMAGE: its outputs, as JSON.
deploy_main() {
  az deployment group create --resource-group "$group" --name latchkey --template-file "$here/main.bicep" \
    --parameters "@$here/main.parameters.json" image="$1" recoverVault="$recover" \
    --query properties.outputs --output json
}
# A vault that was deleted keeps its name, and its secrets, until its time is over.
deleted=$(az keyvault list-deleted --resource-type vault \
  --query "[?starts_with(properties.vaultId, '$group_id/')] | length(@)" --output tsv)
recover=false
[ "${deleted:-0}" = 0 ] || recover=true

say "resources and roles"
deploy_main '' >"$work/outputs"
recover=false
output() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]]["value"])' "$work/outputs" "$1"; }
vault=$(output vaultName)
number=$(output numberAppName)

say "code of the number API ($number)"
again az functionapp deployment source config-zip --resource-group "$group" --name "$number" \
  --src "$number_zip" --output none
again az functionapp function show --resource-group "$group" --name "$number" --function-name RandomNumber \
  --output none

say "secrets of the vault ($vault)"
# Whether it is there is a matter of management; its value needs a role that we do not ask for.
secret_id=$group_id/providers/Microsoft.KeyVault/vaults/$vault/secrets
pepper=
if ! az rest --method get --url "$secret_id/code-pepper?api-version=2022-07-01" --output none 2>/dev/null; then
  pepper=$(openssl rand -hex 32)
fi
api_keys=$(python3 -c 'import json, sys
parameters = json.load(open(sys.argv[1]))["parameters"]
print(parameters.get("apiKeysSecretName", {}).get("value", ""))' "$here/main.parameters.json")
# The role on the API keys waits until somebody has put them there; run this again then.
if [ -n "$api_keys" ] && ! az rest --method get --url "$secret_id/$api_keys?api-version=2022-07-01" \
  --output none 2>/dev/null; then
  say "no secret $api_keys in the vault yet: make a key (latchkey api-key new), put its entry there, run this again"
  api_keys=
fi
printf '{"pepper": {"value": "%s"}}\n' "$pepper" >"$work/pepper.json"
again az deployment group create --resource-group "$group" --name latchkey-secrets \
  --template-file "$here/secrets.bicep" --output none \
  --parameters "@$work/pepper.json" vaultName="$vault" numberAppName="$number" apiKeysSecretName="$api_keys" \
  servePrincipalId="$(output servePrincipalId)" watchPrincipalId="$(output watchPrincipalId)"
rm "$work/pepper.json"

if [ -n "$image" ]; then
  say "API and watcher"
  deploy_main "$image" >"$work/outputs"
fi
for name in apiUrl KEY_VAULT_URL STORAGE_QUEUE_URL CODE_TABLE_URL THIRD_PARTY_API_ENDPOINT SERVE_CLIENT_ID \
  WATCH_CLIENT_ID; do
  echo "$name=$(output "$name")"
done
