#!/bin/sh
# Builds the engine from its published Go modules, pinned by go.sum, and prints the directory that holds it.
# With --cached it only prints the directory if it is there already, and builds nothing.
#
#   pulumi                        engine/    the command line and engine, PULUMI_VERSION
#   pulumi-language-python        language/  its Python host, from the last module that contains it
#   pulumi-language-python-exec   } scripts that the engine's version of the SDK module carries
#   pulumi-resource-pulumi-python }
#
# Modules and compiled packages lie beside the result until it is whole: a killed build goes on where it was.
set -eu
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
SAY=engine
. "$root/toolchain/say.sh"
. "$root/toolchain/lock.sh"
. "$root/toolchain/cache.sh"
. "$root/toolchain/pins.env"

engine=$root/toolchain/engine
language=$root/toolchain/language
part=$(cache_part engine-modules "$engine/go.mod" "$engine/go.sum" "$language/go.mod" "$language/go.sum")

sdk=github.com/pulumi/pulumi/sdk/v3
version_variable=$sdk/go/common/version.Version

finish_if_whole() {
    if [ -x "$part/bin/pulumi" ]; then
        rm -rf "$part.work"
        echo "$part/bin"
        exit 0
    fi
}

# build MODULE_DIRECTORY VERSION PACKAGE, into the work directory. Listing the dependencies fetches the modules that
# the package needs and no others (`go mod download` would fetch several times as many).
build() {
    name=$(basename "$3")
    with_progress "fetching the modules of $name" "$go" -C "$1" list -deps "$3"
    with_progress "compiling $name $2" "$go" -C "$1" build -trimpath -tags osusergo,grpcnotrace \
        -ldflags "-s -w -X $version_variable=v$2" -o "$work/bin/$name" "$3"
}

finish_if_whole
[ "${1:-}" != --cached ] || exit 1
only_one "$part.lock"
finish_if_whole

go=$(sh "$root/toolchain/go.sh")
work=$part.work
mkdir -p "$work/bin"
# The user's GOPROXY and the like stay in force; what would change the build does not.
export GOMODCACHE="$work/modules" GOCACHE="$work/compiled" GOFLAGS='-mod=readonly -modcacherw'
export GOTOOLCHAIN=local GOWORK=off CGO_ENABLED=0

build "$language" "$LANGUAGE_SDK_VERSION" "$sdk/python/cmd/pulumi-language-python"
build "$engine" "$PULUMI_VERSION" github.com/pulumi/pulumi/pkg/v3/cmd/pulumi
scripts=$("$go" -C "$engine" list -m -f '{{.Dir}}' "$sdk")/python
cp "$scripts/cmd/pulumi-language-python-exec" "$scripts/dist/pulumi-resource-pulumi-python" "$work/bin/"
chmod 755 "$work"/bin/*

mkdir -p "$part.partial"
rm -rf "$part.partial/bin"
mv "$work/bin" "$part.partial/bin"
mv "$part.partial" "$part"
finish_if_whole
