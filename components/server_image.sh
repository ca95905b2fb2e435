#!/bin/sh
# Loads a carried image archive into this host's Docker Engine, unless the image is there already.
# usage: server_image.sh load ARCHIVE SHA256 IMAGE_ID REFERENCE
#        server_image.sh check IMAGE
set -eu

say() { echo "image: $*" >&2; }
fail() { say "$*"; exit 1; }

if [ "${1:-}" = check ] && [ $# -eq 2 ]; then
  docker image inspect "$2" > /dev/null 2>&1 || echo "image $2 is missing"
  exit 0
fi
[ "${1:-}" = load ] && [ $# -eq 5 ] || fail "usage: server_image.sh load ARCHIVE SHA256 IMAGE_ID REFERENCE"
archive=$2 sha256=$3 image=$4 reference=$5

present() { docker image inspect --format '{{.Id}}' "$image" > /dev/null 2>&1; }

if ! present; then
  [ -f "$archive" ] || fail "$archive is not on this host, and neither is image $image"
  got=$(sha256sum "$archive" | cut -d' ' -f1)
  [ "$got" = "$sha256" ] || fail "$archive has SHA-256 $got, its lock says $sha256: the transfer was cut or altered"
  say "loading $reference, $(du -m "$archive" | cut -f1) MiB"
  docker load --quiet --input "$archive" >&2
  present || fail "the archive holds no image $image; it is not the one its lock describes"
fi
docker tag "$image" "$reference"
rm -f "$archive"
echo "$image"
