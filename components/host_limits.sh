#!/bin/sh
# Kernel settings of a serving host, in files of ours under /etc/sysctl.d and /etc/tmpfiles.d, applied and
# read back. A file that is read after ours and says otherwise is named, not overruled.
# usage: host_limits.sh apply | remove | check
# `settings` prints sysctl lines, `name = value`; `tmpfiles` prints lines of tmpfiles.d that write to /sys.
# Comments in both say why.
set -eu

file=/etc/sysctl.d/60-gpuhost.conf
boot=/etc/tmpfiles.d/60-gpuhost.conf
state=/var/lib/gpuhost/host_limits
before=$state/before.conf

say() { echo "host limits: $*" >&2; }
fail() { say "$*"; exit 1; }

sysctl_lines() { settings | grep -v '^#' || true; }
written_lines() { tmpfiles | sed -n 's|^w \([^ ]*\) - - - - \(.*\)|\1 \2|p'; } # PATH VALUE

value_of() { sysctl -n "$1" 2>/dev/null | tr '\t' ' '; }
# A choice in /sys shows all its words, the one in force in brackets.
chosen_in() { sed -n 's/.*\[\(.*\)\].*/\1/p; t; p' "$1" | head -n 1; }

# What each setting was before we first touched it, kept until `remove`.
remember() {
  mkdir -p "$state"
  touch "$before"
  sysctl_lines | while IFS=' =' read -r name _; do
    grep -q "^$name = " "$before" || echo "$name = $(value_of "$name")" >> "$before"
  done
  written_lines | while read -r path _; do
    grep -q "^$path = " "$before" || echo "$path = $(chosen_in "$path")" >> "$before"
  done
}

# The files that sysctl reads at boot after ours, last of all the old one.
later_files() {
  for folder in /etc/sysctl.d /run/sysctl.d /usr/local/lib/sysctl.d /usr/lib/sysctl.d; do
    for other in "$folder"/*.conf; do
      if [ -f "$other" ] && [ "$(printf '%s\n%s\n' "${file##*/}" "${other##*/}" | LC_ALL=C sort | tail -n 1)" != "${file##*/}" ]; then
        echo "$other"
      fi
    done
  done
  [ ! -f /etc/sysctl.conf ] || echo /etc/sysctl.conf
}

check_agreement() {
  sysctl_lines | while IFS=' =' read -r name value; do
    pattern=$(echo "$name" | sed 's/[./]/[.\/]/g')
    later_files | while read -r other; do
      theirs=$(sed -n "s/^[[:space:]]*-\{0,1\}${pattern}[[:space:]]*=[[:space:]]*\(.*[^[:space:]]\)[[:space:]]*$/\1/p" "$other" | tail -n 1)
      [ -z "$theirs" ] || [ "$theirs" = "$value" ] ||
        fail "$other sets $name to $theirs and is read after $file, which would say $value: remove that line there, or wish for $theirs. Nothing was changed"
    done || exit 1
  done
}

access_of() { stat -c '%U:%G %a' "$1"; }

put() { # FILE: from standard input, only where it differs; an empty one is no file
  cat > "$1.gpuhost-new"
  if [ ! -s "$1.gpuhost-new" ]; then
    rm -f "$1.gpuhost-new"
    [ ! -e "$1" ] || { rm -f "$1"; say "removed $1"; }
  elif cmp -s "$1.gpuhost-new" "$1" && [ "$(access_of "$1")" = 'root:root 644' ]; then
    rm -f "$1.gpuhost-new"
  else
    chmod 0644 "$1.gpuhost-new"
    chown root:root "$1.gpuhost-new"
    mv "$1.gpuhost-new" "$1"
    say "wrote $1"
  fi
}

set_back() { # NAME: to what it was before us
  old=$(sed -n "s|^$1 = ||p" "$before" | head -n 1)
  case "$1" in
    /*) echo "$old" > "$1" ;;
    *) sysctl -q -w "$1=$old" ;;
  esac || say "could not set $1 back to $old"
}

# What an earlier deploy set and this one does not.
forget_others() {
  cut -d' ' -f1 "$before" > "$state/known"
  while read -r name; do
    sysctl_lines | grep -q "^$name = " && continue
    written_lines | grep -q "^$name " && continue
    set_back "$name"
    say "$name is as it was"
    grep -v "^$name = " "$before" > "$before.new" || true
    mv "$before.new" "$before"
  done < "$state/known"
  rm -f "$state/known"
}

apply() {
  sysctl_lines | while IFS=' =' read -r name _; do
    [ -z "$name" ] || sysctl -n "$name" > /dev/null 2>&1 || fail "this kernel has no setting '$name'"
  done
  written_lines | while read -r path _; do
    [ -e "$path" ] || fail "this kernel has no $path"
  done
  check_agreement
  remember
  settings | put "$file"
  mkdir -p "${boot%/*}"
  tmpfiles | sed '/^$/d' | put "$boot"
  sysctl_lines | while IFS=' =' read -r name value; do
    [ "$(value_of "$name")" = "$value" ] && continue
    sysctl -q -w "$name=$value" || fail "could not set $name to $value"
    [ "$(value_of "$name")" = "$value" ] || fail "$name is $(value_of "$name") though $value was written"
    say "$name is now $value"
  done
  written_lines | while read -r path value; do
    [ "$(chosen_in "$path")" = "$value" ] && continue
    echo "$value" > "$path" || fail "could not write $value to $path"
    say "$path is now $value"
  done
  forget_others
  echo "applied"
}

remove() {
  rm -f "$file" "$boot"
  if [ -f "$before" ]; then
    cut -d' ' -f1 "$before" | while read -r name; do set_back "$name"; done
  fi
  rm -rf "$state"
  rmdir "${state%/*}" 2>/dev/null || true
  echo "removed"
}

check_file() { # FILE WISHED
  if [ ! -f "$1" ]; then
    [ -z "$2" ] || echo "$1 is missing"
  elif [ "$(access_of "$1")" != 'root:root 644' ]; then
    echo "$1 is $(access_of "$1"), not root:root 644"
  elif [ "$(cat "$1")" != "$2" ]; then
    echo "$1 was edited"
  fi
}

check() { # one line for each setting that is not as wished
  check_file "$file" "$(settings)"
  check_file "$boot" "$(tmpfiles)"
  sysctl_lines | while IFS=' =' read -r name value; do
    [ "$(value_of "$name")" = "$value" ] || echo "$name is $(value_of "$name"), not $value"
  done
  written_lines | while read -r path value; do
    [ "$(chosen_in "$path")" = "$value" ] || echo "$path is $(chosen_in "$path"), not $value"
  done
  said=$( (check_agreement) 2>&1) || echo "${said%%:*}"
}

case "${1:-}" in
  check) check ;;
  apply) apply ;;
  remove) remove ;;
  *) fail "usage: host_limits.sh apply|remove|check" ;;
esac
