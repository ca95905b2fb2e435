#!/bin/sh
# Builds the STAND-IN server image for tests, without a Docker Engine: image.tar for `docker load`, and
# image.json that describes it. Prints the directory that holds both; a second run finds it in the cache.
#
#   build.sh [BEHAVIOUR]    BEHAVIOUR is baked in as FAIL: never_healthy, crash, slow:N, exit_after:N
#
# The image is called vllm-tiny-server:ok, or vllm-tiny-server:crash, :slow-5, ... for one that misbehaves.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../../.." && pwd)
SAY='tiny server'
. "$root/toolchain/say.sh"
. "$root/toolchain/lock.sh"
. "$root/toolchain/cache.sh"

behaviour=${1:-}
case $behaviour in
    '' | never_healthy | crash | slow:[0-9]* | exit_after:[0-9]*) ;;
    *) fail "BEHAVIOUR is $behaviour, not one of never_healthy, crash, slow:SECONDS, exit_after:SECONDS" ;;
esac
tag=$(printf '%s' "${behaviour:-ok}" | tr : -)

sources="$here/main.go $here/options.go $here/model.go $here/server.go $here/python.go $here/go.mod $here/process.json"
# shellcheck disable=SC2086 # a list of words; the paths are the checkout's
part=$(cache_part tiny-server $sources "$here/build.sh" "$root/toolchain/vllm_cpu/image_archive.py")
if [ -f "$part/$tag/image.json" ]; then
    echo "$part/$tag"
    exit 0
fi
only_one "$part.lock"
if [ -f "$part/$tag/image.json" ]; then
    echo "$part/$tag"
    exit 0
fi
sh "$root/toolchain/venv.sh"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

layer=$scratch/layer
mkdir -p "$layer/usr/local/bin" "$layer/etc" "$layer/tmp" "$layer/home/vllm"
chmod 1777 "$layer/tmp"
chmod 0775 "$layer/home/vllm"
printf 'root:x:0:0:root:/root:/sbin/nologin\nvllm:x:2000:0:vllm:/home/vllm:/sbin/nologin\n' >"$layer/etc/passwd"
printf 'root:x:0:\n' >"$layer/etc/group"

go=$(sh "$root/toolchain/go.sh")
(cd "$here" && GOTOOLCHAIN=local GOFLAGS='' GOWORK=off CGO_ENABLED=0 GOOS=linux GOARCH=amd64 \
    "$go" build -trimpath -buildvcs=false -ldflags='-s -w -buildid=' -o "$layer/usr/local/bin/vllm" .)
chmod 0755 "$layer/usr/local/bin/vllm"
ln -s vllm "$layer/usr/local/bin/python3"
tar --create --file "$scratch/tiny_server.tar" --directory "$layer" --sort=name --mtime=@0 --format=gnu \
    --numeric-owner --owner=0 --group=0 .

set -- --reference "vllm-tiny-server:$tag" --process "$here/process.json" --layer "$scratch/tiny_server.tar" \
    --fact vllm_version=0.32.0
[ -z "$behaviour" ] || set -- "$@" --env "FAIL=$behaviour"
"$root/.venv/bin/python" "$root/toolchain/vllm_cpu/image_archive.py" "$scratch/$tag" "$@" >/dev/null
mkdir -p "$part"
rm -rf "${part:?}/$tag"
mv "$scratch/$tag" "$part/$tag"
say "built vllm-tiny-server:$tag"
echo "$part/$tag"
