#!/usr/bin/env bash
# Makes the OCI image without a daemon and without a registry, from the Debian package and Debian's mirror:
#   deploy/container/build.sh [OUTPUT_FOLDER [PACKAGE.deb]]
# The result is an OCI layout, OUTPUT_FOLDER:latchkey (build/image unless said). To hand it on:
#   skopeo copy oci:build/image:latchkey docker://REGISTRY/latchkey:0.1.0
# Needs what `scripts/install package` installs; as another user than root also a range of ids in /etc/subuid.
# LATCHKEY_DEBIAN_MIRROR: the mirror, or a sources.list; Debian's own otherwise.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
output=${1:-$here/../../build/image}
package=${2:-$("$here/../debian/build.sh")}
package=$(realpath "$package")

field() { dpkg-deb --field "$package" "$1"; }
# Names only; what ca-certificates depends on is for making its bundle (finish_rootfs does that).
libraries=$(field Depends | tr ',' '\n' | awk '$1 != "ca-certificates" {print $1}' | paste -sd ,)
# shellcheck source=/dev/null
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
SOURCE_DATE_EPOCH=$(stat --format %Y "$package")
export SOURCE_DATE_EPOCH

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cp "$package" "$work/latchkey.deb"  # where mmdebstrap's user may read it
# No package's script is run: "extract" only unpacks.
if ! mmdebstrap --variant=extract --include="$libraries" --skip=cleanup,output/dev \
  --extract-hook="$here/finish_rootfs \"\$1\" '$work/latchkey.deb'" \
  "$suite" "$work/rootfs.tar" ${LATCHKEY_DEBIAN_MIRROR:+"$LATCHKEY_DEBIAN_MIRROR"} >"$work/log" 2>&1; then
  cat "$work/log" >&2
  exit 1
fi

rm -rf "$output"
umoci init --layout "$output"
umoci new --image "$output:latchkey"
created=$(date --utc --date "@$SOURCE_DATE_EPOCH" +%FT%TZ)
umoci raw add-layer --image "$output:latchkey" --history.created "$created" \
  --history.created_by deploy/container/build.sh "$work/rootfs.tar"
# As in the Dockerfile.
umoci config --image "$output:latchkey" --created "$created" --no-history \
  --architecture "$(dpkg --print-architecture)" --os linux \
  --config.user 65532:65532 --config.exposedports 8080 --config.volume /data \
  --config.env LISTEN_ADDRESS=0.0.0.0,:: --config.env AZURE_TOKEN_CREDENTIALS=prod \
  --config.entrypoint /usr/bin/latchkey --config.entrypoint=--data --config.entrypoint /data \
  --config.entrypoint=--log-format --config.entrypoint json --config.cmd serve \
  --config.label org.opencontainers.image.title=latchkey \
  --config.label org.opencontainers.image.licenses=MIT \
  --config.label "org.opencontainers.image.version=$(field Version)"
umoci gc --layout "$output"
echo "$output:latchkey, $(du --summarize --block-size=1MB "$output" | cut -f1) MB compressed," \
  "$(du --block-size=1MB "$work/rootfs.tar" | cut -f1) MB unpacked"
