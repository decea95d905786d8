#!/usr/bin/env bash
# Empties the queue, as the walkthrough's script does. Codes that the watcher had not seen yet never become valid; those
# that it had end at their time all the same, only their rows stay in the table.
#   deploy/azure/clear_queue.sh ACCOUNT [QUEUE]                                 with your own sign-in (az login)
#   AZURE_STORAGE_CONNECTION_STRING=... deploy/azure/clear_queue.sh             on the local cloud
set -euo pipefail

if [ -n "${AZURE_STORAGE_CONNECTION_STRING:-}" ]; then
  account=()
else
  account=(--account-name "${1:?say which storage account}" --auth-mode login)
fi
az storage message clear --queue-name "${2:-code-requests}" "${account[@]}" --output none
