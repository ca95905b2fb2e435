#!/bin/sh
# One signed package repository: its key, checked by fingerprint, in a keyring of its own, and its list file.
# usage: apt_repository.sh apply NAME KEY_URL FINGERPRINT
#        apt_repository.sh remove NAME
#        apt_repository.sh check NAME FINGERPRINT
# `source_line` prints the line with @KEYRING@ in it; `conflicts` prints extended regular expressions, one a
# line, of other entries for the same packages. Such list files are moved aside, and come back at remove.
# When the repository cannot be used, what was there before is back and apt works as it did.
set -eu

name=${2:-}
list=/etc/apt/sources.list.d/$name.list
keyring=/usr/share/keyrings/$name-keyring.gpg
state=/var/lib/gpuhost/apt_repository/$name

say() { echo "repository $name: $*" >&2; }
fail() { say "$*"; exit 1; }

fetch() { # URL FILE: through apt's own transport, so that its proxy and certificates count
  said=$(/usr/lib/apt/apt-helper -o Acquire::Retries=2 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 \
    download-file "$1" "$2" 2>&1) ||
    fail "cannot fetch the key $1: $(echo "$said" | grep -E '^(E|W|Err)' | tail -n 1); nothing was changed"
}

fingerprints_of() { # KEY_FILE
  GNUPGHOME=$work gpg --batch --quiet --with-colons --show-keys "$1" 2>/dev/null |
    awk -F: '$1 == "pub" { primary = 1 } $1 == "fpr" && primary { print $10; primary = 0 }'
}

key_into() { # FILE: the binary keyring, with exactly the one key that was asked for
  command -v gpg > /dev/null || apt_get -y --no-install-recommends install gpg || fail "gpg is missing and cannot be installed"
  fetch "$key_url" "$work/key"
  fingerprints=$(fingerprints_of "$work/key")
  [ "$fingerprints" = "$fingerprint" ] ||
    fail "the key at $key_url has fingerprint ${fingerprints:-none (it is no key)}, expected is $fingerprint: nothing was changed"
  if grep -q 'BEGIN PGP' "$work/key"; then GNUPGHOME=$work gpg --batch --dearmor < "$work/key" > "$1"; else cp "$work/key" "$1"; fi
}

active_lines() { grep -hvE '^[[:space:]]*(#|$)' "$1" 2>/dev/null || true; }

# Two entries for one repository with different keys stop every apt-get update.
move_conflicts() {
  conflicts > "$work/patterns"
  [ -s "$work/patterns" ] || return 0
  for other in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    [ -f "$other" ] || continue
    [ "$other" != "$list" ] || continue
    active_lines "$other" | grep -qEf "$work/patterns" || continue
    case "$other" in
      *.sources) rest='' ;;
      *) rest=$(active_lines "$other" | grep -vEf "$work/patterns" || true) ;;
    esac
    [ -z "$rest" ] || fail "$other names the same repository beside others: remove that line of it, then run pulumi up again"
    mkdir -p "$state/moved"
    mv "$other" "$state/moved/"
    say "moved $other to $state/moved: it names the same repository with another key"
  done
}

restore() { # what was there before this run
  for each in "$list" "$keyring"; do
    if [ -f "$work/before/${each##*/}" ]; then cp -p "$work/before/${each##*/}" "$each"; else rm -f "$each"; fi
  done
}

refresh() {
  apt_get -o Dir::Etc::SourceList="$list" -o Dir::Etc::SourceParts=- -o APT::Get::List-Cleanup=0 \
    -o Acquire::Retries=2 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 update
}

apply() {
  command -v apt-get > /dev/null || fail "this host has no apt-get: packages come to Debian and Ubuntu alone; nothing was changed"
  key_url=$1 fingerprint=$2
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  mkdir -p "$work/before"
  key_into "$work/keyring"
  source_line | sed "s|@KEYRING@|$keyring|" > "$work/list"
  for each in "$list" "$keyring"; do [ ! -f "$each" ] || cp -p "$each" "$work/before/"; done
  move_conflicts
  changed=''
  cmp -s "$work/keyring" "$keyring" || { install -m 0644 "$work/keyring" "$keyring.new"; mv "$keyring.new" "$keyring"; changed="$keyring"; }
  cmp -s "$work/list" "$list" || { install -m 0644 "$work/list" "$list.new"; mv "$list.new" "$list"; changed="$changed $list"; }
  if ! refresh; then
    restore
    fail "the repository cannot be used, see above: $list and $keyring are as they were before"
  fi
  [ -z "$changed" ] || say "wrote ${changed# }"
  echo "$fingerprint"
}

check() { # FINGERPRINT: one line for each thing that is not as wished
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  if [ ! -f "$list" ]; then
    echo "$list is missing"
  elif [ "$(cat "$list")" != "$(source_line | sed "s|@KEYRING@|$keyring|")" ]; then
    echo "$list was edited"
  fi
  if [ ! -f "$keyring" ]; then
    echo "$keyring is missing"
  elif command -v gpg > /dev/null && [ "$(fingerprints_of "$keyring")" != "$1" ]; then
    echo "$keyring holds $(fingerprints_of "$keyring"), not $1"
  fi
}

remove() {
  rm -f "$list" "$keyring"
  for moved in "$state"/moved/*; do
    [ -f "$moved" ] || continue
    mv "$moved" /etc/apt/sources.list.d/
    say "${moved##*/} is back in /etc/apt/sources.list.d"
  done
  rm -rf "$state"
  rmdir -p "${state%/*}" 2>/dev/null || true
  echo "removed"
}

case "${1:-}" in
  apply) [ $# -eq 4 ] || fail "usage: apt_repository.sh apply NAME KEY_URL FINGERPRINT"; apply "$3" "$4" ;;
  check) check "$3" ;;
  remove) [ $# -eq 2 ] || fail "usage: apt_repository.sh remove NAME"; remove ;;
  *) fail "usage: apt_repository.sh apply NAME KEY_URL FINGERPRINT | remove NAME" ;;
esac
