#!/bin/sh
# Puts a model's files into its Docker volume and proves each of them by size and SHA-256.
# usage: model_volume.sh install VOLUME SOURCE [keep]
#        SOURCE: folder on this host with the files; without `keep` it is removed afterwards
#        model_volume.sh fetch VOLUME             downloads what the volume lacks
#        model_volume.sh keep VOLUME              says that the volume stays
#        model_volume.sh check VOLUME             one line for each file that is not as locked
# The lock comes as two functions: `hashes` prints "SHA256  PATH" lines, `sizes` "BYTES PATH" lines.
# For `fetch` there are `origin` (JSON), `hub_token`, `client_files` and a function `client_NAME` for each of them:
# the download client, which needs this host's Python and nothing else.
# A file that is already in the volume and right is not touched.
set -eu

say() { echo "model: $*" >&2; }
fail() { say "$*"; exit 1; }

# Volumes with models that no container uses: kept, since only their owner knows whether they may go.
say_others() {
  for other in $(docker volume ls --quiet --filter dangling=true --filter name=gpuhost-model- | grep -vx "$1"); do
    folder=$(docker volume inspect --format '{{.Mountpoint}}' "$other")
    say "volume $other holds another model, $(du -sm "$folder" | cut -f1) MiB; to delete it: docker volume rm $other"
  done
}

if [ "${1:-}" = keep ] && [ $# -eq 2 ]; then
  rm -f "/var/lib/gpuhost/models/$2"
  rmdir /var/lib/gpuhost/models 2>/dev/null || true
  say "volume $2 stays on this host with the model; to delete it: docker volume rm $2"
  say_others "$2"
  exit 0
fi
verb=${1:-} volume=${2:-} root=${3:-} keep=${4:-}
case "$verb $#" in
  'check 2' | 'fetch 2' | 'install 3' | 'install 4') ;;
  *) fail "usage: model_volume.sh install VOLUME SOURCE [keep] | fetch VOLUME | keep VOLUME | check VOLUME" ;;
esac
# What the files looked like when they were last proved: an unchanged one need not be hashed again.
proved=/var/lib/gpuhost/models/$volume
present() { find "$store" -name .incoming -prune -o -type f -printf "$1\n"; } # all but what is still arriving
look() { present '%s %T@ %i %P' | LC_ALL=C sort -k 4; }
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
  present '%P' | while read -r path; do
    [ -n "$(wished_hash "$path")" ] || echo "$path in volume $volume is not in the lock"
  done
  exit 0
fi
if [ -z "$store" ]; then
  docker volume create "$volume" > /dev/null
  store=$(docker volume inspect --format '{{.Mountpoint}}' "$volume")
fi

right() { # FILE PATH BYTES
  [ -f "$1" ] && [ ! -L "$1" ] && [ "$(stat -c %s "$1")" = "$3" ] && [ "$(hash_of "$1")" = "$(wished_hash "$2")" ]
}

for_each_missing() {
  sizes | while read -r bytes path; do
    right "$store/$path" "$path" "$bytes" || echo "$bytes $path"
  done
}
missing=$(for_each_missing)

copy_missing() { # from the folder $root
  needed_kib=$(echo "$missing" | awk '{ sum += $1 } END { printf "%d", sum / 1024 + 1024 }')
  free_kib=$(df -Pk "$store" | awk 'NR == 2 { print $4 }')
  if [ "$free_kib" -le "$needed_kib" ]; then
    say_others "$volume"
    fail "needs $((needed_kib / 1024)) MiB at $store, only $((free_kib / 1024)) MiB are free"
  fi
  from=$root
  # A copied folder arrives as itself or as its content, depending on whether its target existed.
  first=$(sizes | cut -d' ' -f2- | head -n 1)
  for inner in "$root"/*/; do
    if [ ! -e "$root/$first" ] && [ -e "$inner$first" ]; then from=${inner%/}; fi
  done
  [ -d "$from" ] || fail "'$from' is not a folder on this host, and the volume lacks: $(echo "$missing" | cut -d' ' -f2- | tr '\n' ' ')"
  echo "$missing" | while read -r bytes path; do copy "$from/$path" "$path" "$bytes"; done
}

copy() { # FILE PATH BYTES
  [ -f "$1" ] || fail "$2 is missing in ${1%"/$2"}"
  [ "$(stat -c %s "$1")" = "$3" ] || fail "$2 has $(stat -c %s "$1") bytes, its lock says $3: truncated or another file"
  mkdir -p "$(dirname "$store/$2")"
  cp "$1" "$store/$2.incoming"
  got=$(hash_of "$store/$2.incoming")
  if [ "$got" != "$(wished_hash "$2")" ]; then
    rm -f "$store/$2.incoming"
    fail "$2 has SHA-256 $got, its lock says $(wished_hash "$2"): the old file is kept"
  fi
  chmod 0644 "$store/$2.incoming"
  mv "$store/$2.incoming" "$store/$2"
  say "$2: $3 bytes, verified"
}

fetch_missing() { # by HTTP; the token goes to the client's standard input
  command -v python3 > /dev/null || fail "this host has no python3, which fetches the model: install it, or carry the files over with model.directory"
  echo "$missing" | while read -r bytes path; do
    [ ! -e "$store/$path" ] || say "$path in the volume is not as locked ($(stat -c %s "$store/$path") of $bytes bytes): fetched again"
  done
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/hosts/download"
  for module in $(client_files); do "client_$module" > "$work/hosts/download/$module.py"; done
  echo "$missing" > "$work/missing"
  hashes > "$work/hashes"
  { origin; hub_token; } |
    PYTHONPATH=$work PYTHONDONTWRITEBYTECODE=1 python3 -m hosts.download "$store" "$work/missing" "$work/hashes" || {
    say_others "$volume"
    fail "the files that are in place stay, and the next run goes on from here"
  }
}

if [ -n "$missing" ]; then
  case "$verb" in
    install) copy_missing ;;
    fetch) fetch_missing ;;
  esac
fi

# Files of an earlier model would be served beside the new one: only what the lock names may stay.
rm -rf "$store/.incoming"
present '%P' | while read -r path; do
  [ -n "$(wished_hash "$path")" ] || { rm -f "${store:?}/$path"; say "$path: removed, not in the lock"; }
done
chmod 0755 "$store"

mkdir -p "$(dirname "$proved")"
find "$(dirname "$proved")" -type f -delete
look > "$proved"
if [ -z "$keep" ] && [ -d "$root" ]; then rm -rf "$root"; fi
say_others "$volume"
sizes | awk '{ files++; bytes += $1 } END { printf "%d files, %d bytes, verified\n", files, bytes }'
