#!/usr/bin/env bash
# Asks the API for a code, then takes one message off the queue, as the walkthrough's script does:
#   deploy/azure/test.sh API_URL ACCOUNT [QUEUE]                                        with your own sign-in (az login)
#   AZURE_STORAGE_CONNECTION_STRING=... deploy/azure/test.sh http://localhost:8080      on the local cloud
# LATCHKEY_API_KEY is sent where the API wants one. The message is hidden for a second only: the watcher still gets it.
set -euo pipefail

[ $# -ge 1 ] || { sed -n '3,4s/^# *//p' "${BASH_SOURCE[0]}" >&2; exit 2; }
url=${1%/}
if [ -n "${AZURE_STORAGE_CONNECTION_STRING:-}" ]; then
  account=()
else
  account=(--account-name "${2:?say which storage account}" --auth-mode login)
fi
queue=${3:-code-requests}

# The key goes by standard input: arguments can be seen by others.
header=
[ -z "${LATCHKEY_API_KEY:-}" ] || header="header = \"x-api-key: $LATCHKEY_API_KEY\""
curl --silent --show-error --fail --config - "$url/api/v1/getcode" <<<"$header"
echo
az storage message get --queue-name "$queue" --visibility-timeout 1 "${account[@]}" --output json
