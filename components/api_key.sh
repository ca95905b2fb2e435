#!/bin/sh
# Keeps a server's API key in a file of its own, which root and the server's group can read.
# usage: api_key.sh write SERVICE FINGERPRINT USER   the key comes from the function `api_key`
#        api_key.sh settle SERVICE FINGERPRINT       the files of other keys go
#        api_key.sh remove SERVICE
#        api_key.sh check SERVICE FINGERPRINT USER   one line for what is not as it was written
# USER is UID:GID of the server. The file is on disk: a container restarts with it after a reboot.
set -eu
umask 077

say() { echo "api key: $*" >&2; }
fail() { say "$*"; exit 1; }

case "${1:-} $#" in
  'write 4' | 'settle 3' | 'remove 2' | 'check 4') ;;
  *) fail "usage: api_key.sh write SERVICE FINGERPRINT USER | settle SERVICE FINGERPRINT | remove SERVICE | check SERVICE FINGERPRINT USER" ;;
esac
verb=$1 service=$2 name=${3:-} group=${4:-}
group=${group#*:}
folder=/var/lib/gpuhost/keys/$service
file=$folder/$name
# What was written, so that a change by hand is noticed without the key.
record=/var/lib/gpuhost/keys/$service.sha256

hash_of() { sha256sum "$1" | cut -d' ' -f1; }

check() {
  if [ ! -f "$file" ]; then
    if [ -n "$(find "$folder" -type f 2>/dev/null)" ]; then
      echo "the API key is another than the one on this host; the server restarts once, since vLLM reads its key only when it starts"
    else
      echo "the API key's file is missing; the server that runs keeps its key"
    fi
    return
  fi
  mode=$(stat -c '%a %u:%g' "$file")
  [ "$mode" = "440 0:$group" ] || echo "the API key's file is $mode, not 440 0:$group"
  [ "$(cat "$record" 2>/dev/null)" = "$(hash_of "$file")" ] || echo "the API key's file was altered"
}

write() {
  mkdir -p "$folder"
  chown "0:$group" "$folder"
  chmod 0750 "$folder"
  api_key > "$file.next"
  chown "0:$group" "$file.next"
  chmod 0440 "$file.next"
  mv "$file.next" "$file"
  hash_of "$file" > "$record"
  echo "API key $name is on this host"
}

settle() {
  find "$folder" -type f ! -name "$name" -delete
  echo "API key $name alone is on this host"
}

case "$verb" in
  check) check ;;
  write) write ;;
  settle) settle ;;
  remove)
    rm -rf "$folder" "$record"
    rmdir /var/lib/gpuhost/keys 2>/dev/null || true
    echo "API key removed"
    ;;
esac
