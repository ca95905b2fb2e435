#!/bin/sh
# Puts the docker and command plugins into the project's own Pulumi home, .pulumi-home (or the directory given).
#
#   official   from Pulumi's release, which the engine fetches and checks itself
#   stand-in   where those downloads are out of reach: launchers of toolchain/plugins/, named STAND-IN
#
# An engine built from modules means that downloads are out of reach. GPUHOST_PLUGINS=official or stand-in insists.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
SAY=plugins
. "$root/toolchain/say.sh"
. "$root/toolchain/lock.sh"
. "$root/toolchain/pins.env"

home=${1:-$root/.pulumi-home}
wanted=${GPUHOST_PLUGINS:-auto}
case $wanted in
    auto | official | stand-in) ;;
    *) fail "GPUHOST_PLUGINS=$wanted is unknown; it may be official or stand-in, or unset for the first that works" ;;
esac
only_one "$root/.gpuhost/plugins.lock"

is_stand_in() { grep -qs STAND-IN "$1"; }

# official NAME VERSION
official() {
    plugin=$home/plugins/resource-$1-v$2/pulumi-resource-$1
    if [ -x "$plugin" ] && ! is_stand_in "$plugin"; then return 0; fi
    rm -rf "$home/plugins/resource-$1-v$2"
    PULUMI_HOME=$home PULUMI_SKIP_UPDATE_CHECK=1 RES_OPTIONS='timeout:3 attempts:1' \
        with_progress "fetching the $1 plugin $2" "$root/.gpuhost/bin/pulumi" plugin install resource "$1" "$2"
}

# stand_in NAME VERSION
stand_in() {
    script=$root/toolchain/plugins/$1/pulumi-resource-$1
    directory=$home/plugins/resource-$1-v$2
    launcher=$directory/pulumi-resource-$1
    if ! [ -f "$script" ]; then
        say "there is no stand-in for the $1 plugin at $script"
        return 1
    fi
    text="#!/bin/sh
# STAND-IN for Pulumi's $1 plugin $2, whose download was out of reach: a launcher of the project's own server.
exec '$root/.venv/bin/python' '$script' \"\$@\""
    if [ -x "$launcher" ] && [ "$(cat "$launcher")" = "$text" ]; then return 0; fi
    say "STAND-IN for the $1 plugin $2, in place of Pulumi's own: its download is out of reach"
    rm -rf "$directory"
    mkdir -p "$directory"
    printf '%s\n' "$text" >"$launcher.partial"
    chmod 755 "$launcher.partial"
    mv "$launcher.partial" "$launcher"
}

origin=$(cat "$root/.gpuhost/engine-origin" 2>/dev/null) || fail "no engine yet; run: sh toolchain/engine.sh"
missing=0
while read -r name version; do
    case $wanted-$origin in
        official-*) official "$name" "$version" || missing=1 ;;
        stand-in-* | auto-modules) stand_in "$name" "$version" || missing=1 ;;
        *) official "$name" "$version" || stand_in "$name" "$version" || missing=1 ;;
    esac
done <<EOF
docker $DOCKER_PLUGIN_VERSION
command $COMMAND_PLUGIN_VERSION
EOF
[ "$missing" -eq 0 ] || fail "the plugins named above are missing"
