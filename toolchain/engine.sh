#!/bin/sh
# Chooses where the Pulumi engine comes from, brings it, and links it as .gpuhost/bin/pulumi.
#
#   path      the pinned version, with its Python language host, is on PATH already
#   release   Pulumi's release, SHA-256 checked
#   modules   built from Pulumi's published Go modules, where its downloads are out of reach
#
# The first that works is taken, what is there already before anything is fetched. GPUHOST_ENGINE=path, release
# or modules insists on one.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
SAY=engine
. "$root/toolchain/say.sh"
. "$root/toolchain/lock.sh"
. "$root/toolchain/pins.env"

wanted=${GPUHOST_ENGINE:-auto}

# Prints the path of a usable pulumi on PATH; otherwise says what is missing. Our own link does not count.
on_path() {
    PATH=$(printf '%s' "$PATH" | tr ':' '\n' | grep -Fvx "$root/.gpuhost/bin" | paste -sd: -)
    found=$(command -v pulumi) || {
        echo "no pulumi on PATH"
        return 1
    }
    version=$(PULUMI_SKIP_UPDATE_CHECK=1 "$found" version 2>/dev/null) || version='broken'
    if [ "$version" != "v$PULUMI_VERSION" ]; then
        echo "$found is $version, not v$PULUMI_VERSION"
        return 1
    fi
    if ! command -v pulumi-language-python >/dev/null &&
        ! [ -x "$(dirname "$(readlink -f "$found")")/pulumi-language-python" ]; then
        echo "$found has no pulumi-language-python beside it"
        return 1
    fi
    echo "$found"
}

# use ORIGIN FILE links the chosen engine and records where it came from.
use() {
    mkdir -p "$root/.gpuhost/bin"
    ln -sf "$2" "$root/.gpuhost/bin/pulumi.$$"
    mv -f "$root/.gpuhost/bin/pulumi.$$" "$root/.gpuhost/bin/pulumi"
    echo "$1" >"$root/.gpuhost/engine-origin"
    case $1 in
        path) say "Pulumi $PULUMI_VERSION: the one on PATH, $2" ;;
        release) say "Pulumi $PULUMI_VERSION: its release" ;;
        modules) say "Pulumi $PULUMI_VERSION: built from its Go modules" ;;
    esac
    exit 0
}

release() { bin=$(sh "$root/toolchain/engine_release.sh" "$@"); }
modules() { bin=$(sh "$root/toolchain/engine_modules.sh" "$@"); }

case $wanted in
    auto | path | release | modules) ;;
    *) fail "GPUHOST_ENGINE=$wanted is unknown; it may be path, release or modules, or unset for the first that works" ;;
esac

reason="GPUHOST_ENGINE=$wanted"
if [ "$wanted" = auto ] || [ "$wanted" = path ]; then
    if found=$(on_path); then use path "$found"; fi
    [ "$wanted" = auto ] || fail "$found; GPUHOST_ENGINE=path allows no other"
    reason=$found
fi
if [ "$wanted" = auto ]; then
    if release --cached; then use release "$bin/pulumi"; fi
    if modules --cached; then use modules "$bin/pulumi"; fi
fi

sh "$root/toolchain/venv.sh"
if [ "$wanted" = auto ] || [ "$wanted" = release ]; then
    if release; then use release "$bin/pulumi"; fi
    [ "$wanted" = auto ] || fail "Pulumi's release cannot be had; GPUHOST_ENGINE=release allows no other"
    reason="$reason and its download is out of reach"
fi
say "building Pulumi $PULUMI_VERSION from its Go modules: $reason. This happens once and takes minutes"
modules || fail "the engine could not be built; run the same again to go on where it stopped"
use modules "$bin/pulumi"
