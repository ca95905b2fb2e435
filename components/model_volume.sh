#!/bin/sh
# Puts a model's files into its Docker volume and proves each of them by size and SHA-256.
# usage: model_volume.sh install VOLUME SOURCE [keep]
#        SOURCE: folder on this host with the files; without `keep` it is removed afterwards
#        model_volume.sh keep VOLUME              says that the volume stays
#        model_volume.sh check VOLUME             one line for each file that is not as locked
# The lock comes as two functions: `hashes` prints "SHA256  PATH" lines, `sizes` "BYTES PATH" lines.
# A file that is already in the volume and right is not touched.
set -eu

say() { echo "model: $*" >&2; }
fail() { say "$*"; exit 1; }

if [ "${1:-}" = keep ] && [ $# -eq 2 ]; then
  rm -f "/var/lib/gpuhost/models/$2"
  rmdir /var/lib/gpuhost/models 2>/dev/null || true
  say "volume $2 stays on this host with the model; to delete it: docker volume rm $2"
  exit 0
fi
verb=${1:-} volume=${2:-} root=${3:-} keep=${4:-}
[ "$verb" = check ] || { [ "$verb" = install ] && [ $# -ge 3 ]; } ||
  fail "usage: model_volume.sh install VOLUME SOURCE [keep] | keep VOLUME | check VOLUME"
# What the files looked like when they were last proved: an unchanged one need not be hashed again.
proved=/var/lib/gpuhost/models/$volume
look() { find "$store" -type f -printf '%s %T@ %i %P\n' | LC_ALL=C sort -k 4; }
hash_of() { sha256sum "$1" | cut -d' ' -f1; }
wished_hash() { hashes | awk -v path="$1" 'substr($0, 67) == path { print substr($0, 1, 64) }'; }

store=$(docker volume inspect --format '{{.Mountpoint}}' "$volume" 2>/dev/null) || store=''
if [ "$verb" = check ]; then
  [ -n "$store" ] || { echo "volume $volume is missing"; exit 0; }
  look | cmp -s - "$proved" && exit 0
  sizes | while read -r bytes path; do
    if [ ! -f "$store/$path" ]; then
      echo "$path is missing in volume $volume"
    elif [ "$(hash_of "$store/$path")" != "$(wished_hash "$path")" ]; then
      echo "$path was altered in volume $volume ($(stat -c %s "$store/$path") of $bytes bytes)"
    fi
  done
  find "$store" -type f -printf '%P\n' | while read -r path; do
    [ -n "$(wished_hash "$path")" ] || echo "$path in volume $volume is not in the lock"
  done
  exit 0
fi
if [ -z "$store" ]; then
  docker volume create "$volume" > /dev/null
  store=$(docker volume inspect --format '{{.Mountpoint}}' "$volume")
fi

source=$root
# A copied folder arrives as itself or as its content, depending on whether its target existed.
first=$(sizes | cut -d' ' -f2- | head -n 1)
for inner in "$root"/*/; do
  if [ ! -e "$root/$first" ] && [ -e "$inner$first" ]; then source=${inner%/}; fi
done

right() { # FILE PATH BYTES
  [ -f "$1" ] && [ ! -L "$1" ] && [ "$(stat -c %s "$1")" = "$3" ] && [ "$(hash_of "$1")" = "$(wished_hash "$2")" ]
}

for_each_missing() {
  sizes | while read -r bytes path; do
    right "$store/$path" "$path" "$bytes" || echo "$bytes $path"
  done
}
missing=$(for_each_missing)

if [ -n "$missing" ]; then
  needed_kib=$(echo "$missing" | awk '{ sum += $1 } END { printf "%d", sum / 1024 + 1024 }')
  free_kib=$(df -Pk "$store" | awk 'NR == 2 { print $4 }')
  [ "$free_kib" -gt "$needed_kib" ] ||
    fail "needs $((needed_kib / 1024)) MiB at $store, only $((free_kib / 1024)) MiB are free"
  [ -d "$source" ] || fail "'$source' is not a folder on this host, and the volume lacks: $(echo "$missing" | cut -d' ' -f2- | tr '\n' ' ')"
  echo "$missing" | while read -r bytes path; do
    from=$source/$path
    [ -f "$from" ] || fail "$path is missing in $source"
    [ "$(stat -c %s "$from")" = "$bytes" ] || fail "$path has $(stat -c %s "$from") bytes, its lock says $bytes: truncated or another file"
    mkdir -p "$(dirname "$store/$path")"
    cp "$from" "$store/$path.incoming"
    got=$(hash_of "$store/$path.incoming")
    if [ "$got" != "$(wished_hash "$path")" ]; then
      rm -f "$store/$path.incoming"
      fail "$path has SHA-256 $got, its lock says $(wished_hash "$path"): the old file is kept"
    fi
    chmod 0644 "$store/$path.incoming"
    mv "$store/$path.incoming" "$store/$path"
    say "$path: $bytes bytes, verified"
  done
fi

# Files of an earlier model would be served beside the new one: only what the lock names may stay.
find "$store" -type f | sed "s|^$store/||" | while read -r path; do
  [ -n "$(wished_hash "$path")" ] || { rm -f "${store:?}/$path"; say "$path: removed, not in the lock"; }
done
chmod 0755 "$store"

mkdir -p "$(dirname "$proved")"
look > "$proved"
if [ -z "$keep" ] && [ -d "$root" ]; then rm -rf "$root"; fi
sizes | awk '{ files++; bytes += $1 } END { printf "%d files, %d bytes, verified\n", files, bytes }'
