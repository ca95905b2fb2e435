#!/bin/sh
# The GPUs as CDI devices: a specification that names exactly the GPUs of this host, made again at every boot
# before Docker starts containers with it. Also checks that Docker can use it, or the nvidia runtime.
# usage: nvidia_cdi.sh apply cdi|runtime DOCKER_NEEDED [VERSION…]    the versions only make a change of them run this again
#        nvidia_cdi.sh remove
#        nvidia_cdi.sh check
set -eu

spec=/var/run/cdi/nvidia.yaml
order=/etc/systemd/system/docker.service.d/60-gpuhost-cdi.conf
state=/var/lib/gpuhost/nvidia_cdi
unit=nvidia-cdi-refresh

say() { echo "cdi: $*" >&2; }
fail() { say "$*"; exit 1; }

at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }
host_uuids() { nvidia-smi -L | sed -n 's/.*(UUID: \(GPU-[^)]*\)).*/\1/p' | sort; }
spec_uuids() { nvidia-ctk --quiet cdi list 2>/dev/null | sed -n 's|^nvidia\.com/gpu=\(GPU-.*\)|\1|p' | sort -u; }
in_words() { tr '\n' ' ' | sed 's/ $//'; }

check_docker() { # PATH DOCKER_NEEDED
  version=$(docker version --format '{{.Server.Version}}')
  if [ "$1" = cdi ]; then
    at_least "$2" "${version%%[+~-]*}" || fail "Docker $version is too old for the CDI path, which was chosen for $2 and newer: upgrade it, or set docker.floor to ${version%%[+~-]*}"
    [ "$(docker info --format '{{len .CDISpecDirs}}')" -gt 0 ] || fail "Docker $version runs without CDI: daemon.json needs {\"features\": {\"cdi\": true}} and Docker a restart"
  else
    docker info --format '{{json .Runtimes}}' | grep -q '"nvidia"' || fail "Docker $version has no runtime 'nvidia': daemon.json needs it, and Docker a restart"
    mode=$(sed -n 's/^mode = "\(.*\)"/\1/p' /etc/nvidia-container-runtime/config.toml)
    [ "$mode" = auto ] || [ "$mode" = cdi ] || [ "$(docker info --format '{{.CgroupDriver}}')" != systemd ] ||
      fail "the nvidia runtime is in mode '$mode', the legacy hook, which loses its GPUs at every systemctl daemon-reload under the systemd cgroup driver: nvidia-ctk config --in-place --set nvidia-container-runtime.mode=auto"
  fi
}

refresh() {
  if systemctl cat "$unit.service" > /dev/null 2>&1; then
    systemctl reset-failed "$unit.service" 2>/dev/null || true
    systemctl restart "$unit.service" || true
  fi
  # The unit stays quiet where it finds no module of the usual name on disk.
  if [ ! -s "$spec" ] || [ "$(spec_uuids)" != "$(host_uuids)" ]; then
    mkdir -p "${spec%/*}"
    fresh=$(mktemp -d /var/run/gpuhost-cdi.XXXXXX)
    said=$(nvidia-ctk --quiet cdi generate --output="$fresh/nvidia.yaml" 2>&1) ||
      { rm -rf "$fresh"; fail "nvidia-ctk cannot describe the GPUs: $said"; }
    mv "$fresh/nvidia.yaml" "$spec"
    rmdir "$fresh"
    say "described the GPUs in $spec, since $unit.service did not"
  fi
}

# A file of an earlier `nvidia-ctk cdi generate --output=/etc/cdi/…` outlives the GPUs it names.
move_stale() {
  for other in /etc/cdi/*.yaml /etc/cdi/*.json /var/run/cdi/*.yaml /var/run/cdi/*.json; do
    [ -f "$other" ] || continue
    [ "$other" != "$spec" ] || continue
    grep -qE '"?kind"?: *"?nvidia\.com/gpu"?' "$other" || continue
    gone=$(grep -oE 'GPU-[0-9a-f-]{36}' "$other" | sort -u | grep -vxF "$(host_uuids)" || true)
    [ -n "$gone" ] || continue
    mkdir -p "$state/stale"
    mv "$other" "$state/stale/"
    say "moved $other to $state/stale: it names $(echo "$gone" | in_words), which this host does not have"
  done
}

# Containers that Docker starts at boot need the specification, and Docker does not try twice.
start_before_docker() {
  mkdir -p "${order%/*}"
  cat > "$order.new" <<UNIT
[Unit]
Wants=$unit.service
After=$unit.service nvidia-persistenced.service
UNIT
  if cmp -s "$order.new" "$order"; then
    rm -f "$order.new"
  else
    mv "$order.new" "$order"
    systemctl daemon-reload
    say "wrote $order"
  fi
  for each in "$unit.path" "$unit.service"; do
    systemctl is-enabled --quiet "$each" 2>/dev/null || systemctl enable --quiet "$each" 2>/dev/null || true
  done
  systemctl start "$unit.path" 2>/dev/null || true
}

apply() { # PATH DOCKER_NEEDED
  check_docker "$1" "$2"
  start_before_docker
  move_stale
  refresh
  [ "$(spec_uuids)" = "$(host_uuids)" ] ||
    fail "the CDI specification names $(spec_uuids | in_words), this host has $(host_uuids | in_words); look at: nvidia-ctk cdi list; files: $(grep -lsE 'nvidia\.com/gpu' /etc/cdi/* /var/run/cdi/* | in_words)"
  host_uuids
}

check() { # one line for each thing that is not as wished
  command -v nvidia-ctk > /dev/null || { echo "there is no nvidia-ctk"; return; }
  [ "$(spec_uuids)" = "$(host_uuids)" ] || echo "CDI names $(spec_uuids | in_words), the host has $(host_uuids | in_words)"
  [ -f "$order" ] || echo "$order is missing"
  for each in "$unit.path" "$unit.service"; do
    systemctl is-enabled --quiet "$each" 2>/dev/null || echo "$each is not enabled"
  done
}

remove() {
  if [ -e "$order" ]; then
    rm -f "$order"
    rmdir "${order%/*}" 2>/dev/null || true
    systemctl daemon-reload
  fi
  rm -rf "$state"
  rmdir "${state%/*}" 2>/dev/null || true
  echo "removed"
}

case "${1:-}" in
  apply) [ $# -ge 3 ] || fail "usage: nvidia_cdi.sh apply cdi|runtime DOCKER_NEEDED"; apply "$2" "$3" ;;
  check) check ;;
  remove) remove ;;
  *) fail "usage: nvidia_cdi.sh apply cdi|runtime DOCKER_NEEDED | remove | check" ;;
esac
