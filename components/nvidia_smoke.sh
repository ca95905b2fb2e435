#!/bin/sh
# Runs a container on the very path that the server will take, and asks it for its GPUs: once, and again after
# systemctl daemon-reload, which takes the GPUs away from containers of the legacy hook.
# usage: nvidia_smoke.sh apply [VERSION…]    the versions only make a change of them run this again
#        nvidia_smoke.sh remove
# `gpu_options` prints the options of `docker run` that inject the GPUs, one a line. The image is made of this
# host's own nvidia-smi surroundings, so nothing is pulled.
set -eu

repository=gpuhost-smoke
container=gpuhost-smoke

say() { echo "smoke test: $*" >&2; }
fail() { say "$*"; exit 1; }

uuids() { sed -n 's/.*(UUID: \(GPU-[^)]*\)).*/\1/p' | sort; }
in_words() { tr '\n' ' ' | sed 's/ $//'; }

# The C library that nvidia-smi and sleep need, and sleep: what CDI does not bring.
image_files() {
  echo /bin/sleep
  for program in "$(command -v sleep)" "$(command -v nvidia-smi)"; do
    ldd "$program" 2>/dev/null | grep -oE '/[^ ]+' || true
  done
}

make_image() {
  files=$(image_files | sort -u)
  # shellcheck disable=SC2086 # a list of paths
  image=$repository:$(cat $files | sha256sum | cut -c1-12)
  docker image inspect "$image" > /dev/null 2>&1 && return
  # shellcheck disable=SC2086 # a list of paths
  tar --create --dereference --absolute-names --file - $files 2>/dev/null | docker import - "$image" > /dev/null
}

end() { docker rm --force "$container" > /dev/null 2>&1 || true; }

begin() {
  end
  set --
  while read -r option; do set -- "$@" "$option"; done <<OPTIONS
$(gpu_options)
OPTIONS
  said=$(docker run --detach --name "$container" --network none --cap-drop ALL --security-opt no-new-privileges:true \
    --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@" "$image" sleep 600 2>&1) ||
    fail "Docker cannot start a container with the GPUs ($(gpu_options | in_words)): $said"
}

see() { # WHEN
  said=$(docker exec "$container" nvidia-smi -L 2>&1) || fail "$1, nvidia-smi in a container ($(gpu_options | in_words)) fails: $said"
  seen=$(echo "$said" | uuids)
  [ "$seen" = "$wished" ] || fail "$1, a container sees ${seen:-no GPU} and the host has $(echo "$wished" | in_words)"
}

# Running containers that a reload would take the GPUs from, whoever made them.
fragile() {
  [ "$(docker info --format '{{.CgroupDriver}}')" = systemd ] || return 0
  for id in $(docker ps --quiet); do
    docker inspect --format '{{.Name}} {{range .HostConfig.DeviceRequests}}{{if ne .Driver "cdi"}}hook{{end}}{{end}}' "$id"
  done | sed -n 's|^/\(.*\) hook.*|\1|p'
}

apply() {
  wished=$(nvidia-smi -L | uuids)
  make_image
  trap end EXIT
  begin
  see "at its start"
  at_risk=$(fragile)
  if [ -n "$at_risk" ]; then
    say "not tried after a daemon-reload, which would take the GPUs from $(echo "$at_risk" | in_words): recreate those with --device nvidia.com/gpu=all"
    echo "$wished"
    return
  fi
  systemctl daemon-reload
  sleep 1
  see "after systemctl daemon-reload"
  say "a container sees $(echo "$wished" | in_words), after a daemon-reload too"
  echo "$wished"
}

remove() {
  end
  docker image ls --quiet "$repository" 2>/dev/null | sort -u | xargs -r docker image rm --force > /dev/null 2>&1 || true
  echo "removed"
}

case "${1:-}" in
  apply) apply ;;
  remove) remove ;;
  *) fail "usage: nvidia_smoke.sh apply | remove" ;;
esac
