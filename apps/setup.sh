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
    g++ clang clang-format libclang-rt-14-dev pciutils
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
    build_dir build "$siov_build" --buildtype=release
}
