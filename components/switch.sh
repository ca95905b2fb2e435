#!/bin/sh
# Hands a service over from one container to the next, and back when the next one does not become healthy.
# One GPU cannot hold two servers: the old one is stopped, never removed, before the new one starts.
#
# usage: switch.sh handover KEY=VALUE…   check the new server's terms, then stop the old one
#        switch.sh gate KEY=VALUE…       wait until the new one is healthy, else return to the old one
#        switch.sh check service=NAME    one line for each way in which the service is not as it was left
#   service=NAME   label of every container of this service        new=NAME      the container to switch to
#   image=ID       its image     address=IP port=N  where it answers     deadline=SECONDS  until healthy
#   grace=SECONDS  the old one may finish its requests         pids=N         process limit of the new one
#   cache=VOLUME   given to user=UID:GID before the new one starts
# `trial` prints the docker options, one a line, that a trial container is started with.
#
# Between the two steps the switch is open, and a guard on this host watches: if the operator's side dies, it
# returns to the old one by itself. A switch that is found open at the next look is begun anew, under a new name.
set -eu

# An operator's side that dies takes the output along, and nothing else: what was begun here is finished.
trap '' PIPE
say() { echo "switch: $*" >&2 || true; }
fail() { say "$*"; exit 1; }

verb=${1:-}
[ $# -gt 0 ] && shift
service='' new='' image='' address='' port='' deadline='' grace='' pids='' cache='' user=''
for pair in "$@"; do
  value=${pair#*=}
  case "$pair" in
    service=*) service=$value ;; new=*) new=$value ;; image=*) image=$value ;; address=*) address=$value ;;
    port=*) port=$value ;; deadline=*) deadline=$value ;; grace=*) grace=$value ;; pids=*) pids=$value ;; cache=*) cache=$value ;; user=*) user=$value ;;
    *) fail "unknown setting '$pair'" ;;
  esac
done
run=/run/gpuhost/$service
record=/var/lib/gpuhost/services/$service # what serves, as the gate left it
open=$record.open                         # the container that no gate has seen yet
mkdir -p "$run"

state_of() {
  state=$(docker container inspect --format '{{.State.Status}}' "$1" 2>/dev/null) || state=absent
  echo "$state"
}
running() { [ "$(state_of "$1")" = running ]; }
others() { # running containers of the service, the new one left out
  docker ps --filter "label=gpuhost.service=$service" --format '{{.Names}}' | grep -vx -- "$new" || true
}
healthy() { # the server answers 200 on /health
  python3 - "$address" "$port" <<'PROBE'
import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
try:
    with opener.open(f"http://{sys.argv[1]}:{sys.argv[2]}/health", timeout=4) as answer:
        sys.exit(answer.status != 200)
except Exception:
    sys.exit(1)
PROBE
}

write_guard() {
  cat > "$run/guard.sh" <<GUARD
#!/bin/sh
# Returns to '$1' when the switch to '$new' is neither finished nor failed by its own hand in time.
new='$new' old='$1' run='$run' open='$open'
begun=\$(date +%s) waited=0
while [ \$waited -lt $((deadline + 60)) ]; do
  sleep 2
  waited=\$((\$(date +%s) - begun))
  [ -e "\$run/settled" ] && exit 0
  case "\$(docker inspect --format '{{.State.Status}} {{.State.Error}}' "\$new" 2>/dev/null)" in
    'created '?*) break ;; # it was made, and does not start
  esac
  [ -e "\$open" ] && [ \$waited -ge 40 ] && break # nobody came to open the gate
done
[ "\$(docker inspect --format '{{if .State.Health}}{{.State.Health.Status}}{{end}}' "\$new" 2>/dev/null)" = healthy ] && exit 0
echo "the switch to \$new was left unfinished: \$old serves again"
docker stop "\$new" > /dev/null 2>&1
docker start "\$old"
GUARD
  rm -f "$run/settled"
  unit="gpuhost-guard-$service"
  systemctl stop "$unit" 2>/dev/null || true
  systemctl reset-failed "$unit" 2>/dev/null || true
  systemd-run --quiet --collect --unit "$unit" sh "$run/guard.sh"
}

# What defines a container, as Docker records it; the same for as long as nobody changes it.
describe() {
  docker container inspect "$1" | python3 -c '
import json, sys
seen = json.load(sys.stdin)[0]
host, config = seen["HostConfig"], seen["Config"]
kept = {"name": seen["Name"].lstrip("/"), "image": seen["Image"]}
kept.update({"host." + key: host[key] for key in sorted(host)})
kept.update({"config." + key: config[key] for key in sorted(config) if key != "Hostname"})
json.dump(kept, sys.stdout)'
}
check() {
  [ ! -f "$open" ] || echo "the switch to $(cat "$open") was left unfinished"
  [ -f "$record" ] || { echo "no server was switched to yet"; return; }
  name=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["name"])' "$record")
  case "$(state_of "$name")" in
    absent) echo "container $name is missing"; return ;;
    running) ;;
    *) echo "container $name is $(state_of "$name"), not running" ;;
  esac
  python3 - "$record" "$(describe "$name")" <<'COMPARE'
import json, sys
with open(sys.argv[1]) as stream:
    was = json.load(stream)
now = json.loads(sys.argv[2])
for key in sorted(was):
    # After a restart of Docker nothing is null where it was an empty list, or the other way round.
    if now.get(key) != was[key] and (now.get(key) or was[key]):
        print(f"container {was['name']}: {key} is {json.dumps(now.get(key))}, not {json.dumps(was[key])}")
COMPARE
  new=$name
  for other in $(others); do echo "container $other runs beside $name"; done
}

settle() { : > "$run/settled"; }

stop_others() {
  old=$(others)
  [ -n "$old" ] || return 0
  last=$(echo "$old" | head -n 1)
  echo "$last" > "$run/old"
  write_guard "$last"
  for name in $old; do
    say "stopping $name (it is kept, and started again if $new fails)"
    docker stop -t "$grace" "$name" > /dev/null
  done
}

try_terms() { # a container under the very same limits, doing nothing: refused here, nothing has been touched
  name="$new-trial"
  docker rm --force "$name" > /dev/null 2>&1 || true
  set --
  while read -r option; do set -- "$@" "$option"; done <<OPTIONS
$(trial)
OPTIONS
  if ! said=$(docker run --rm --name "$name" "$@" --network none --entrypoint python3 "$image" -c pass 2>&1); then
    docker rm --force "$name" > /dev/null 2>&1 || true
    fail "this host refuses the new container's terms, the old one still serves: $said"
  fi
}

open_switch() { # what an unfinished one left behind is kept until a gate is passed: it may be all there is
  mkdir -p "$(dirname "$open")"
  [ ! -f "$open" ] || cat "$open" >> "$record.left"
  echo "$new" > "$open"
}

remove_left() {
  [ -f "$record.left" ] || return 0
  while read -r name; do
    [ "$name" = "$new" ] || docker rm --force "$name" > /dev/null 2>&1 || true
  done < "$record.left"
  rm -f "$record.left"
}

check_port() { # the old server's own hold on the port does not count: it lets go of it
  taker=$(docker ps --filter "publish=$port" --format '{{.Label "gpuhost.service"}}|{{.Ports}}|container {{.Names}}' |
    awk -F '|' -v service="$service" -v own=" $address:$port->" -v all=" 0.0.0.0:$port->" \
      '$1 != service && (index(" " $2, own) || index(" " $2, all)) { print $3; exit }')
  [ -n "$taker" ] || taker=$(ss -Hltnp "sport = :$port" 2>/dev/null |
    awk -v own="$address:$port" '!/"(dockerd|docker-proxy)"/ && ($4 == own || $4 ~ /^(0\.0\.0\.0|\*|\[::\]):/) { print $6; exit }')
  [ -z "$taker" ] || fail "$address:$port is taken by $taker, nothing was changed: free it or choose another server.port"
}

handover() {
  docker image inspect "$image" > /dev/null 2>&1 || fail "image $image is not on this host; the old server still serves"
  # A fresh volume belongs to root, and the server runs as somebody else.
  chown "$user" "$(docker volume inspect --format '{{.Mountpoint}}' "$cache")"
  running "$new" && { echo "$new already runs"; return; }
  check_port
  try_terms
  stop_others
  open_switch
  echo "ready for $new"
}

give_up() {
  say "$1. The last lines of $new:"
  docker logs --tail 40 "$new" >&2 2>&1 || true
  docker stop -t 10 "$new" > /dev/null 2>&1 || true
  old=$(cat "$run/old" 2>/dev/null || true)
  settle
  if [ -n "$old" ] && [ "$old" != "$new" ] && docker start "$old" > /dev/null; then
    fail "$new failed; $old serves again"
  fi
  fail "$new failed, and there is no earlier server to return to"
}

gate() {
  [ "$(state_of "$new")" != absent ] || fail "container $new does not exist"
  rm -f "$open"
  say "waiting for $new, at most $deadline s"
  if ! running "$new"; then
    stop_others
    say "starting $new"
    docker start "$new" > /dev/null || give_up "$new does not start"
  fi
  # The provider has no setting for the process limit; a running container takes it.
  docker update --pids-limit "$pids" "$new" > /dev/null || give_up "$new does not take a limit of $pids processes"
  restarts=$(docker inspect --format '{{.RestartCount}}' "$new")
  begun=$(date +%s)
  shown=0
  until healthy; do
    waited=$(($(date +%s) - begun))
    [ "$waited" -lt "$deadline" ] || give_up "$new was not healthy within $deadline s"
    [ "$(docker inspect --format '{{.RestartCount}}' "$new")" -le $((restarts + 1)) ] || give_up "$new crashes and restarts"
    case "$(state_of "$new")" in
      exited|dead) give_up "$new exited with $(docker inspect --format '{{.State.ExitCode}}' "$new")" ;;
    esac
    if [ $((waited - shown)) -ge 10 ]; then shown=$waited; say "$new is loading, $waited of at most $deadline s"; fi
    sleep 1
  done
  settle
  mkdir -p "$(dirname "$record")"
  describe "$new" > "$record.next"
  mv "$record.next" "$record"
  remove_left
  say "$new is healthy after $(($(date +%s) - begun)) s"
  echo "$new serves on $address:$port"
}

case "$verb" in
  check) check ;;
  handover) handover ;;
  gate) gate ;;
  *) fail "usage: switch.sh handover|gate KEY=VALUE…" ;;
esac
