#!/usr/bin/env bash
# Deletes the resource group that provision.sh made, with all that is in it: deploy/azure/teardown.sh GROUP [--yes]
# The vault stays recoverable for its 90 days (provision.sh brings it back); codes and messages are gone.
set -euo pipefail

if [ $# -lt 1 ] || [ $# -gt 2 ] || [ "${2:---yes}" != --yes ]; then
  echo "usage: deploy/azure/teardown.sh GROUP [--yes]" >&2
  exit 2
fi
group=$1
if [ "$(az group exists --name "$group" --output tsv)" != true ]; then
  echo "There is no resource group $group."
  exit 0
fi
az resource list --resource-group "$group" --query '[].{type:type, name:name}' --output table
if [ "${2:-}" != --yes ]; then
  read -r -p "All of this will be deleted. Type the group's name to go on: " typed
  if [ "$typed" != "$group" ]; then
    echo "Nothing was deleted." >&2
    exit 1
  fi
fi
az group delete --name "$group" --yes
