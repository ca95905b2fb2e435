#!/bin/sh
# Makes the passphrase that encrypts this checkout's stack secrets, once: random, readable by its owner alone.
# Who sets PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE uses his own instead; ./activate heeds that.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
SAY=passphrase
. "$root/toolchain/say.sh"

file=$root/.gpuhost/passphrase
if [ -s "$file" ]; then
    chmod 600 "$file"
    exit 0
fi
umask 077
mkdir -p "$root/.gpuhost"
od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$file.partial"
# A link does not replace a file that another run has made meanwhile.
ln "$file.partial" "$file" 2>/dev/null || true
rm -f "$file.partial"
say "made a random passphrase for this checkout's stack secrets: .gpuhost/passphrase"
