#!/bin/sh
# Kernel settings of a serving host, in one file of ours under /etc/sysctl.d, applied and read back.
# usage: host_limits.sh apply | remove | check
# The wished settings come as the function `settings`, one `name = value` a line.
set -eu

file=/etc/sysctl.d/60-gpuhost.conf
state=/var/lib/gpuhost/host_limits
before=$state/before.conf

say() { echo "host limits: $*" >&2; }
fail() { say "$*"; exit 1; }

value_of() { sysctl -n "$1" 2>/dev/null | tr '\t' ' '; }

# What each setting was before we first touched it, kept until `remove`.
remember() {
  mkdir -p "$state"
  touch "$before"
  settings | while IFS=' =' read -r name _; do
    grep -q "^$name = " "$before" || echo "$name = $(value_of "$name")" >> "$before"
  done
}

apply() {
  settings | while IFS=' =' read -r name value; do
    [ -n "$name" ] || continue
    value_of "$name" > /dev/null || fail "this kernel has no setting '$name'"
    echo "$name = $value"
  done > "$file.new"
  remember
  if cmp -s "$file.new" "$file" && [ "$(stat -c '%U:%G %a' "$file")" = 'root:root 644' ]; then
    rm -f "$file.new"
  else
    chmod 0644 "$file.new"
    chown root:root "$file.new"
    mv "$file.new" "$file"
    say "wrote $file"
  fi
  while IFS=' =' read -r name value; do
    [ "$(value_of "$name")" = "$value" ] && continue
    sysctl -q -w "$name=$value" || fail "could not set $name to $value"
    say "$name is now $value"
  done < "$file"
  echo "applied"
}

remove() {
  rm -f "$file"
  if [ -f "$before" ]; then
    while IFS=' =' read -r name value; do
      sysctl -q -w "$name=$value" || say "could not set $name back to $value"
    done < "$before"
  fi
  rm -rf "$state"
  echo "removed"
}

check() { # one line for each setting that is not as wished
  if [ ! -f "$file" ]; then
    echo "$file is missing"
  elif [ "$(stat -c '%U:%G %a' "$file")" != 'root:root 644' ]; then
    echo "$file is $(stat -c '%U:%G %a' "$file"), not root:root 644"
  elif [ "$(cat "$file")" != "$(settings)" ]; then
    echo "$file was edited"
  fi
  settings | while IFS=' =' read -r name value; do
    [ "$(value_of "$name")" = "$value" ] || echo "$name is $(value_of "$name"), not $value"
  done
}

case "${1:-}" in
  check) check ;;
  apply) apply ;;
  remove) remove ;;
  *) fail "usage: host_limits.sh apply|remove|check" ;;
esac
