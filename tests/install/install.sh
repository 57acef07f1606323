#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# install.sh SOURCE-DIR BUILD-DIR: installs the build into a temporary directory and uses it from
# outside the tree with nothing but pkg-config, as C, as C++, and linked statically.
set -euo pipefail
source_dir=$1
build_dir=$2
tmp=$(mktemp -d)
# EAL leaves its runtime files behind.
runtime=/tmp/dpdk
if [ "$(id -u)" -eq 0 ]; then
    runtime=/var/run/dpdk
elif [ -n "${XDG_RUNTIME_DIR-}" ]; then
    runtime=$XDG_RUNTIME_DIR/dpdk
fi
trap 'rm -rf "$tmp" "${runtime:?}/install-$$"' EXIT

fail()
{
    echo "install: $*" >&2
    exit 1
}

# The installed libsiov.pc names the final prefix; move it to where the files are for now.
# (--define-variable and a sysroot would move DPDK's paths as well.)
install_build()
{
    DESTDIR=$tmp/stage meson install -C "$build_dir" --no-rebuild >"$tmp/install.log" ||
        { cat "$tmp/install.log" >&2; fail 'meson install failed'; }
    pc=$(find "$tmp/stage" -name libsiov.pc)
    [ -n "$pc" ] || fail 'libsiov.pc is not installed'
    prefix=$tmp/stage$(sed -n 's/^prefix=//p' "$pc")
    sed -i "s|^prefix=.*|prefix=$prefix|" "$pc"
    export PKG_CONFIG_PATH=${pc%/*}${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
    libdir=$(pkg-config --variable=libdir libsiov)
}

check_files()
{
    local header name program
    for name in libsiov.so libsiov.so.0 libsiov.a; do
        [ -e "$libdir/$name" ] || fail "$name is not installed"
    done
    for header in "$source_dir"/{swq,iommu,adi,dataplane,ctrl,host,guest}/siov_*.h; do
        name=${header##*/}
        case $name in
        *'*'* | *_priv.h) continue ;;
        esac
        [ -f "$prefix/include/siov/$name" ] || fail "$name is not installed"
    done
    name=$(find "$prefix/include" -type f ! -path "$prefix/include/siov/siov_*.h" -o \
        -name '*_priv.h')
    [ -z "$name" ] || fail "not a public header: $name"
    for name in man/man1/siov-{copyfwd,testpmd}.1 man/man7/siov.7 dpdk/telemetry-endpoints/siov.py; do
        [ ! -d "$build_dir/apps" ] || [ -f "$prefix/share/$name" ] || fail "$name is not installed"
    done
    for program in siov-testpmd siov-copyfwd; do
        [ ! -x "$build_dir/apps/$program/$program" ] || [ -x "$prefix/bin/$program" ] ||
            fail "$program is not installed"
    done
}

# run PROGRAM: in a process of its own, with memory that needs no set-up.
run()
{
    LD_LIBRARY_PATH=$libdir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} "$1" --no-pci --no-huge -m 64 --no-telemetry \
        --file-prefix "install-$$" >"$tmp/run.log" 2>&1 ||
        { cat "$tmp/run.log" >&2; fail "$1 failed"; }
}

# Lines that say something: a small program embeds the library.
check_size()
{
    local nb
    nb=$(grep -vcE '^(/\*.*\*/)?$' embed.c)
    [ "$nb" -lt 30 ] || fail "embed.c has $nb lines, and should have fewer than 30"
}

check_program()
{
    local cflags libs
    read -r -a cflags < <(pkg-config --cflags libsiov)
    read -r -a libs < <(pkg-config --libs libsiov)
    cc -std=gnu11 -O2 -Wall -Wextra -Werror "${cflags[@]}" embed.c "${libs[@]}" -o embed
    run ./embed
    # The library's own archive, on shared DPDK: what its users need is in Requires.private.
    read -r -a libs < <(pkg-config --libs libdpdk $(pkg-config --print-requires-private libsiov))
    cc -std=gnu11 -O2 "${cflags[@]}" embed.c "$libdir/libsiov.a" "${libs[@]}" -lpthread \
        -o embed-static
    run ./embed-static
}

# Both spellings of an include, in C++ with all headers at once.
check_cxx()
{
    local cflags header
    read -r -a cflags < <(pkg-config --cflags libsiov)
    for header in "$prefix"/include/siov/*.h; do
        echo "#include <siov/${header##*/}>"
        echo "#include \"${header##*/}\""
    done >all.cc
    "${CXX:-c++}" -std=c++11 -Wall -Wextra -Werror -fsyntax-only "${cflags[@]}" all.cc
}

install_build
mkdir "$tmp/outside"
cp "$source_dir/tests/install/embed.c" "$tmp/outside"
cd "$tmp/outside"
check_files
check_size
check_program
check_cxx
