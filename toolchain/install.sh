#!/bin/sh
# Everything that `pulumi up` needs on this machine: virtual environment, engine, plugins, passphrase, state.
# Run it as often as you like; what is there is left alone. Then: . ./activate
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

mkdir -p "$root/.pulumi-state"
sh "$root/toolchain/passphrase.sh"
sh "$root/toolchain/venv.sh"
sh "$root/toolchain/engine.sh"
sh "$root/toolchain/plugins.sh"
