#!/bin/sh
# Builds the packages of the tests' NVIDIA repositories and prints the folder that holds them:
#   toolkit/  the four packages of NVIDIA's container toolkit for each version below. The binaries, units and
#             maintainer scripts of nvidia-container-toolkit and -base are the real ones, built from its Go
#             module. libnvidia-container1 and -tools (C, used by the legacy mode alone) are STAND-INs.
#   driver/   STAND-IN for the driver, two versions, under the names that Debian gives it.
# A second run finds them in the cache, which is keyed by everything they are made from.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH='' cd -- "$here/../../.." && pwd)
SAY='nvidia packages'
. "$root/toolchain/say.sh"
. "$root/toolchain/lock.sh"
. "$root/toolchain/cache.sh"

toolkits='1.19.1 1.20.0'
drivers='570.211.01 580.159.03 580.173.02'
module=github.com/NVIDIA/nvidia-container-toolkit

part=$(cache_part nvidia-packages "$here"/driver/* "$here"/toolkit/*/go.* "$here/build.sh")
if [ -d "$part" ]; then echo "$part"; exit 0; fi
only_one "$part.lock"
if [ -d "$part" ]; then echo "$part"; exit 0; fi

scratch=$(mktemp -d)
trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT
go=$(sh "$root/toolchain/go.sh")
arch=$(dpkg --print-architecture)
triplet=$(gcc -print-multiarch)

# package FOLDER NAME VERSION OUT: one .deb from FOLDER, whose DEBIAN/extra holds the relations.
package() {
    printf 'Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: gpuhost tests <root@localhost>\n' \
        "$2" "$3" "$arch" >"$1/DEBIAN/control"
    cat "$1/DEBIAN/extra" >>"$1/DEBIAN/control"
    rm "$1/DEBIAN/extra"
    find "$1/DEBIAN" -name 'p*' -exec chmod 0755 {} +
    dpkg-deb --root-owner-group -Zgzip -z1 --build "$1" "$4" >/dev/null
}

# --- the toolkit: the real thing -----------------------------------------------------------------

# What dh_installsystemd adds to a maintainer script for a unit that is enabled and started at install.
unit_snippet() {
    cat <<'SNIPPET'
if [ "$1" = configure ] && [ -d /run/systemd/system ]; then
    systemctl --system daemon-reload >/dev/null || true
    for unit in nvidia-cdi-refresh.service nvidia-cdi-refresh.path; do
        deb-systemd-helper enable "$unit" >/dev/null || true
        deb-systemd-invoke start "$unit" >/dev/null || true
    done
fi
SNIPPET
}

toolkit() { # VERSION
    bin=$scratch/bin-$1
    mkdir -p "$bin"
    export GOTOOLCHAIN=local GOFLAGS=-mod=readonly GOWORK=off CGO_ENABLED=1
    for name in nvidia-ctk nvidia-cdi-hook nvidia-container-runtime nvidia-container-runtime-hook; do
        (cd "$here/toolkit/$1" && nice -n 10 "$go" build -trimpath -buildvcs=false -o "$bin/$name" \
            -ldflags "-s -w -X $module/internal/info.version=$1" "$module/cmd/$name")
    done
    files=$(cd "$here/toolkit/$1" && "$go" list -m -f '{{.Dir}}' "$module")

    base=$scratch/base-$1
    mkdir -p "$base/DEBIAN" "$base/usr/bin" "$base/lib/systemd/system" "$base/etc/nvidia-container-toolkit"
    cp "$bin/nvidia-ctk" "$bin/nvidia-cdi-hook" "$bin/nvidia-container-runtime" "$base/usr/bin"
    cp "$files"/deployments/systemd/nvidia-cdi-refresh.service "$files"/deployments/systemd/nvidia-cdi-refresh.path \
        "$base/lib/systemd/system"
    cp "$files"/deployments/systemd/nvidia-cdi-refresh.env "$base/etc/nvidia-container-toolkit"
    echo /etc/nvidia-container-toolkit/nvidia-cdi-refresh.env >"$base/DEBIAN/conffiles"
    with_snippet "$files/packaging/debian/nvidia-container-toolkit-base.postinst" "$base/DEBIAN/postinst"
    printf 'Breaks: nvidia-container-runtime (<= 3.5.0-1), nvidia-container-runtime-hook\nDescription: NVIDIA Container Toolkit Base\n' >"$base/DEBIAN/extra"
    chmod -R u+w "$base"
    package "$base" nvidia-container-toolkit-base "$1-1" "$out/toolkit"

    top=$scratch/top-$1
    mkdir -p "$top/DEBIAN" "$top/usr/bin"
    cp "$bin/nvidia-container-runtime-hook" "$top/usr/bin"
    for script in postinst postrm; do
        sed 's/^#DEBHELPER#$//' "$files/packaging/debian/nvidia-container-toolkit.$script" >"$top/DEBIAN/$script"
    done
    printf 'Depends: nvidia-container-toolkit-base (= %s-1), libnvidia-container-tools (= %s-1), libnvidia-container-tools (<< 2.0.0)\nDescription: NVIDIA Container toolkit\n' "$1" "$1" >"$top/DEBIAN/extra"
    package "$top" nvidia-container-toolkit "$1-1" "$out/toolkit"

    for name in libnvidia-container1 libnvidia-container-tools; do
        folder=$scratch/$name-$1
        mkdir -p "$folder/DEBIAN" "$folder/usr/share/doc/$name"
        echo "STAND-IN: the C library of the legacy mode is not here" >"$folder/usr/share/doc/$name/README"
        printf 'Description: STAND-IN for %s\n' "$name" >"$folder/DEBIAN/extra"
        [ "$name" = libnvidia-container1 ] ||
            printf 'Depends: libnvidia-container1 (>= %s-1)\n' "$1" >>"$folder/DEBIAN/extra"
        package "$folder" "$name" "$1-1" "$out/toolkit"
    done
}

with_snippet() { # MAINTAINER_SCRIPT OUT
    unit_snippet >"$scratch/snippet"
    sed -e "/^#DEBHELPER#\$/{r $scratch/snippet" -e 'd}' "$1" >"$2"
}

# --- the driver: a STAND-IN ----------------------------------------------------------------------

driver() { # VERSION
    branch=${1%%.*}
    library=usr/lib/$triplet
    kernel=$scratch/kernel-$1 user=$scratch/user-$1 smi=$scratch/smi-$1 cuda=$scratch/cuda-$1
    mkdir -p "$kernel/DEBIAN" "$kernel/usr/lib/nvidia-stand-in" "$kernel/lib/systemd/system" \
        "$kernel/lib/firmware/nvidia/$1" "$user/DEBIAN" "$user/$library" "$smi/DEBIAN" "$smi/usr/bin" \
        "$cuda/DEBIAN" "$cuda/$library"
    set -- "$1" "-DDRIVER_VERSION=\"$1\"" -Wall -Wextra -Werror -O1

    cp "$here/driver/load.sh" "$kernel/usr/lib/nvidia-stand-in/"
    echo "$1" >"$kernel/usr/lib/nvidia-stand-in/module-version"
    cp "$here/driver/nvidia-stand-in.service" "$here/driver/nvidia-persistenced.service" "$kernel/lib/systemd/system/"
    echo 'GPU-5a5d0000-0000-4000-8000-000000000000 0 23028 STAND-IN A10G' >"$kernel/lib/firmware/nvidia/$1/gsp_stand_in.bin"
    cp "$here/driver/postinst.sh" "$kernel/DEBIAN/postinst"
    printf 'Provides: nvidia-headless-%s-server-open (= %s), nvidia-driver-stand-in\nDescription: STAND-IN for the kernel module\n' \
        "$branch" "$1" >"$kernel/DEBIAN/extra"
    package "$kernel" nvidia-kernel-dkms "$1-1" "$out/driver"

    shift_version=$1
    shift
    gcc "$@" -shared -fPIC -Wl,-soname,libnvidia-ml.so.1 -o "$user/$library/libnvidia-ml.so.$shift_version" "$here/driver/nvml.c"
    ln -s "libnvidia-ml.so.$shift_version" "$user/$library/libnvidia-ml.so.1"
    printf 'activate-noawait ldconfig\n' >"$user/DEBIAN/triggers"
    printf 'Description: STAND-IN for NVML\n' >"$user/DEBIAN/extra"
    package "$user" libnvidia-ml1 "$shift_version-1" "$out/driver"

    gcc "$@" -static -o "$smi/usr/bin/nvidia-smi" "$here/driver/nvidia_smi.c"
    printf 'Provides: nvidia-utils-%s-server (= %s)\nDepends: libnvidia-ml1 (= %s-1)\nDescription: STAND-IN for nvidia-smi\n' \
        "$branch" "$shift_version" "$shift_version" >"$smi/DEBIAN/extra"
    package "$smi" nvidia-smi "$shift_version-1" "$out/driver"

    echo 'int cuInit(unsigned flags) { (void)flags; return 100; }' >"$scratch/cuda.c"
    gcc -shared -fPIC -Wl,-soname,libcuda.so.1 -o "$cuda/$library/libcuda.so.$shift_version" "$scratch/cuda.c"
    ln -s "libcuda.so.$shift_version" "$cuda/$library/libcuda.so.1"
    printf 'activate-noawait ldconfig\n' >"$cuda/DEBIAN/triggers"
    printf 'Depends: libnvidia-ml1 (= %s-1)\nDescription: STAND-IN for libcuda\n' "$shift_version" >"$cuda/DEBIAN/extra"
    package "$cuda" libcuda1 "$shift_version-1" "$out/driver"
}

# --- all of it -----------------------------------------------------------------------------------

out=$scratch/out
mkdir -p "$out/toolkit" "$out/driver"
for version in $drivers; do driver "$version"; done
for version in $toolkits; do
    say "building the toolkit $version from its Go module (a minute)"
    toolkit "$version"
done
mv "$out" "$part"
say "built $(find "$part" -name '*.deb' | wc -l) packages"
echo "$part"
