# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What apps/run.sh, bench/run.sh and tests/run.sh do before their own work. Sourced, from any
# directory; every function may run again and again. Silent when all is well: logs are in
# build/log/ and are shown when something fails.

siov_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
siov_build=$siov_root/build
siov_log=$siov_build/log

# Debian's packages: for the library, the programs and the test binaries, and for tests/run.sh.
build_packages=(
    gcc libc6-dev meson ninja-build pkg-config
    libdpdk-dev libnuma-dev libisal-dev libjansson-dev libcmocka-dev libck-dev
)
test_packages=(
    g++ clang clang-format libclang-rt-14-dev pciutils dpdk-dev
    doxygen groff-base man-db python3 curl iproute2 iputils-ping
)

# 2 MiB pages to reserve, if a quarter of the machine's memory allows.
hugepages_wanted=1024

warn()
{
    echo "warning: $*" >&2
}

die()
{
    echo "error: $*" >&2
    exit 1
}

is_root()
{
    [ "$(id -u)" -eq 0 ]
}

# run_logged NAME COMMAND...: its output goes to NAME.log, and its end to the terminal if it fails.
run_logged()
{
    local log=$siov_log/$1.log
    shift
    mkdir -p "$siov_log" || die "$siov_log cannot be written"
    if ! "$@" >"$log" 2>&1 </dev/null; then
        tail -n 100 "$log" >&2
        echo "error: failed: $* (all of it: $log)" >&2
        return 1
    fi
}

missing_packages()
{
    local package
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q ' installed$' ||
            echo "$package"
    done
}

# setup_packages PACKAGE...: install those that are missing; without root, name them and end.
setup_packages()
{
    command -v dpkg-query >/dev/null || return 0 # no Debian: meson names what it misses
    local missing apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
    mapfile -t missing < <(missing_packages "$@")
    [ "${#missing[@]}" -gt 0 ] || return 0
    is_root || die "not root and these packages are missing: ${missing[*]}"
    echo "installing ${missing[*]}" >&2
    run_logged apt-update "${apt[@]}" update || warn "package lists are not up to date"
    run_logged apt-install "${apt[@]}" install -y --no-install-recommends "${missing[@]}" ||
        die "packages could not be installed"
}

has_hugetlbfs()
{
    local fs dir type rest
    while read -r fs dir type rest; do
        [ "$type" = hugetlbfs ] && [ -w "$dir" ] && return 0
    done </proc/mounts
    return 1
}

reserve_hugepages()
{
    local nr=$1/nr_hugepages total_kb quarter wanted=$hugepages_wanted
    total_kb=$(awk '$1 == "MemTotal:" { print $2 }' /proc/meminfo)
    quarter=$((total_kb / 4 / 2048))
    [ "$wanted" -le "$quarter" ] || wanted=$quarter
    [ "$(cat "$nr")" -ge "$wanted" ] || echo "$wanted" 2>/dev/null >"$nr"
}

# Reserve 2 MiB hugepages and mount hugetlbfs when root. Answers whether there are any to use.
setup_hugepages()
{
    local pages=/sys/kernel/mm/hugepages/hugepages-2048kB
    [ -r "$pages/nr_hugepages" ] || return 1
    if is_root; then
        { reserve_hugepages "$pages"; } 2>/dev/null || true
        if ! has_hugetlbfs; then
            { mkdir -p /dev/hugepages && mount -t hugetlbfs nodev /dev/hugepages; } \
                2>/dev/null || true
        fi
    fi
    has_hugetlbfs && [ "$(cat "$pages/free_hugepages")" -gt 0 ]
}

# Where the headers come from that only drivers of DPDK need; see the option dpdk_src.
dpdk_source=$siov_build/dpdk-src

# private_apt DIRECTORY ARGUMENT...: apt-get with lists and a cache of its own, so that the machine's
# lists of sources stay as they are and nobody need be root.
private_apt()
{
    local dir=$1
    shift
    apt-get -q -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$dir/parts" \
        -o "Dir::State::lists=$dir/lists" -o "Dir::Cache=$dir/cache" \
        -o APT::Sandbox::User="$(id -un)" "$@"
}

# The machine's own lists, of sources instead of packages. $1: where they go.
write_source_lists()
{
    local list
    mkdir -p "$1"
    for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ ! -f "$list" ] || sed -n 's/^deb /deb-src /p' "$list" >"$1/$(basename "$list" .list).list"
    done
    for list in /etc/apt/sources.list.d/*.sources; do
        [ ! -f "$list" ] || sed 's/^Types:.*/Types: deb-src/' "$list" >"$1/${list##*/}"
    done
}

# fetch_dpdk_source DIRECTORY VERSION: unpack what the drivers need of Debian's source package.
fetch_dpdk_source()
{
    local dir=$1
    mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
    write_source_lists "$dir/parts"
    private_apt "$dir" update || true # some list may have no sources
    mkdir -p "$dir/src"
    (cd "$dir" && private_apt "$dir" source --download-only "dpdk=$2") || return 1
    tar -xf "$dir"/dpdk_*.orig.tar.* -C "$dir/src" --strip-components=1 --wildcards \
        '*/VERSION' '*/drivers/bus/vdev/*.h' '*/lib/dmadev/*.h' '*/lib/eal/include/*.h' || return 1
    rm -rf "$dpdk_source"
    mv "$dir/src" "$dpdk_source"
    # Builds that were set up without it look again.
    rm -f "$siov_root"/build*/build.ninja
}

# Have DPDK's source for the drivers, once for each version; without, they are left out.
setup_dpdk_source()
{
    local version dir=$siov_build/dpdk-fetch
    command -v apt-get >/dev/null || return 0
    version=$(dpkg-query -W -f='${source:Version}' libdpdk-dev 2>/dev/null) || return 0
    mkdir -p "$siov_build" || die "$siov_build cannot be written"
    (
        flock 9
        [ "$(cat "$dpdk_source/VERSION" 2>/dev/null)" != "$(pkg-config --modversion libdpdk)" ] ||
            exit 0
        run_logged dpdk-source fetch_dpdk_source "$dir" "$version" ||
            warn "no source of DPDK $version: drivers are left out"
        rm -rf "$dir"
    ) 9>"$siov_build/.lock"
}

# build_dir NAME DIRECTORY [MESON OPTION]...: configure if needed, and build. Two at once take turns.
build_dir()
{
    local name=$1 dir=$2
    shift 2
    mkdir -p "$dir" 2>/dev/null && [ -w "$dir" ] || die "$dir cannot be written"
    (
        flock 9
        if [ ! -f "$dir/build.ninja" ]; then
            rm -rf "$dir/meson-private" "$dir/meson-info"
            run_logged "$name-setup" meson setup "$dir" "$siov_root" "$@" || exit 1
        fi
        run_logged "$name-ninja" ninja -C "$dir"
    ) 9>"$dir/.lock"
}

# The release build that programs, benchmarks and tests share.
setup_build()
{
    setup_dpdk_source
    build_dir build "$siov_build" --buildtype=release
}
