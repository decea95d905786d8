#!/usr/bin/env bash
# Makes the Debian package: deploy/debian/build.sh [OUTPUT_FOLDER [PRESET]], of the release build unless said.
# Needs what `scripts/install build` installs. Prints the package's path.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
output=${1:-$root/build/package}
preset=${2:-release}

"$root/scripts/build" "$preset" latchkey >&2
# The same commit gives the same package, whenever it is made.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! (cd "$root/build/$preset" && cpack -B "$work") >"$work/log" 2>&1; then
  cat "$work/log" >&2
  exit 1
fi
mkdir -p "$output"
for package in "$work"/latchkey_*.deb; do
  mv "$package" "$output/"
  echo "$output/$(basename "$package")"
done
