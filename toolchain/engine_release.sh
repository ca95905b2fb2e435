#!/bin/sh
# Brings the engine as Pulumi releases it, SHA-256 checked, and prints the directory that holds it.
# With --cached it only prints the directory if it is there already, and fetches nothing.
# GPUHOST_PULUMI_RELEASES names a mirror of Pulumi's release directory.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
SAY=engine
. "$root/toolchain/say.sh"
. "$root/toolchain/lock.sh"
. "$root/toolchain/cache.sh"
. "$root/toolchain/pins.env"

releases=${GPUHOST_PULUMI_RELEASES:-https://get.pulumi.com/releases/sdk}

case $(uname -s)-$(uname -m) in
    Linux-x86_64) platform=linux-x64 sha256=$PULUMI_SHA256_linux_x64 ;;
    Linux-aarch64 | Linux-arm64) platform=linux-arm64 sha256=$PULUMI_SHA256_linux_arm64 ;;
    *) platform='' sha256='' ;;
esac
if [ -z "$platform" ]; then
    say "no Pulumi release is pinned for $(uname -s) $(uname -m)"
    exit 1
fi

part="${XDG_CACHE_HOME:-$HOME/.cache}/gpuhost/engine-release-$(echo "$sha256" | cut -c1-12)"
if ! [ -x "$part/bin/pulumi" ]; then
    [ "${1:-}" != --cached ] || exit 1
    only_one "$part.lock"
fi
if ! [ -x "$part/bin/pulumi" ]; then
    archive=pulumi-v$PULUMI_VERSION-$platform.tar.gz
    rm -rf "$part.partial"
    mkdir -p "$part.partial/bin"
    say "fetching Pulumi $PULUMI_VERSION from $releases"
    # RES_OPTIONS: a name server that does not answer costs seconds, not half a minute.
    RES_OPTIONS='timeout:3 attempts:1' "$root/.venv/bin/python" "$root/toolchain/fetch.py" \
        "$releases/$archive" "$sha256" "$part.partial/$archive" || {
        rm -rf "$part.partial"
        exit 1
    }
    tar -xzf "$part.partial/$archive" -C "$part.partial"
    # Of its language hosts, the project speaks Python only.
    mv "$part.partial/pulumi/pulumi" "$part.partial"/pulumi/*python* "$part.partial/bin/"
    rm -rf "$part.partial/pulumi" "$part.partial/$archive"
    mv "$part.partial" "$part"
fi
echo "$part/bin"
