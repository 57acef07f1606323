#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# All tests: release build with gcc, fast tests with clang, AddressSanitizer and UBSan,
# ThreadSanitizer. Ends with the sum of the runs' own counts. --quick: the release build only.
# --dpdk PREFIX [SOURCE]: the release build only, against the DPDK that is installed under PREFIX; its
# source tree has the headers that drivers need.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/../apps/setup.sh"

passed=0
failed=0
skipped=0

# The number after LABEL in meson's summary, 0 if it has none.
count_of()
{
    awk -v label="$1:" 'index($0, label) == 1 { n = $NF } END { print n + 0 }' "$2"
}

add_counts()
{
    local log=$1 good bad skips
    good=$(($(count_of Ok "$log") + $(count_of 'Expected Fail' "$log")))
    bad=$(($(count_of Fail "$log") + $(count_of Timeout "$log")))
    bad=$((bad + $(count_of 'Unexpected Pass' "$log")))
    skips=$(count_of Skipped "$log")
    passed=$((passed + good))
    failed=$((failed + bad))
    skipped=$((skipped + skips))
    [ $((good + bad + skips)) -gt 0 ]
}

# run_tests NAME DIRECTORY [MESON TEST OPTION]...: a run that breaks off or is empty is a failure.
run_tests()
{
    local name=$1 dir=$2 status=0 before=$failed
    local log=$siov_log/$name-test.log
    shift 2
    echo "== $name: tests"
    mkdir -p "$siov_log"
    meson test -C "$dir" --no-rebuild --num-processes 2 --print-errorlogs "$@" \
        </dev/null 2>&1 | tee "$log" || status=$?
    if ! add_counts "$log"; then
        echo "error: $name: no test ran" >&2
        failed=$((failed + 1))
    elif [ "$status" -ne 0 ] && [ "$failed" -eq "$before" ]; then
        echo "error: $name: meson test ended with $status" >&2
        failed=$((failed + 1))
    fi
}

# build NAME DIRECTORY [MESON OPTION]...: a build that fails counts as one failure.
build()
{
    echo "== $1: build"
    build_dir "$@" && return 0
    failed=$((failed + 1))
    return 1
}

run_plain()
{
    build gcc "$siov_build" --buildtype=release || return 0
    run_tests gcc "$siov_build"
}

run_clang()
{
    local dir=$siov_root/build-clang
    CC=clang build clang "$dir" --buildtype=release || return 0
    run_tests clang "$dir" --suite fast
}

# Sanitizers of gcc 12 and clang 14 want their memory layout without large random offsets.
wrapper=()
if setarch -R true 2>/dev/null; then
    wrapper=(--wrapper 'setarch -R')
fi

run_asan()
{
    local dir=$siov_root/build-asan
    build asan "$dir" --buildtype=debugoptimized -Db_sanitize=address,undefined \
        -Db_lundef=false || return 0
    run_tests asan "$dir" -t 4 --no-suite style --no-suite install "${wrapper[@]}"
}

run_tsan()
{
    local dir=$siov_root/build-tsan
    # gcc does not see the copies that it inlines, clang does.
    CC=clang build tsan "$dir" --buildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false || return 0
    run_tests tsan "$dir" -t 4 --suite tsan "${wrapper[@]}"
}

# use_dpdk PREFIX: what is built and run from now on finds the DPDK there.
use_dpdk()
{
    local pc
    pc=$(find "$1" -name libdpdk.pc 2>/dev/null | head -n 1)
    [ -n "$pc" ] || die "--dpdk $1: no libdpdk.pc below it; allowed: where a DPDK was installed"
    export PKG_CONFIG_PATH=${pc%/*}${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
    LD_LIBRARY_PATH=$(pkg-config --variable=libdir libdpdk)${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
    export LD_LIBRARY_PATH
}

run_other()
{
    local name dir
    use_dpdk "$1"
    name=dpdk-$(pkg-config --modversion libdpdk)
    dir=$siov_root/build-$name
    build "$name" "$dir" --buildtype=release ${2:+"-Ddpdk_src=$2"} || return 0
    run_tests "$name" "$dir" --no-suite style
}

mode=all
case "${1-}" in
'') ;;
--quick) mode=quick ;;
--dpdk)
    [ -n "${2-}" ] || die '--dpdk: allowed is --dpdk PREFIX [SOURCE]'
    mode=other
    ;;
*) die "unknown argument '$1': allowed are --quick, --dpdk PREFIX [SOURCE]" ;;
esac

setup_packages "${build_packages[@]}" "${test_packages[@]}"
setup_dpdk_source
setup_hugepages || warn "no 2 MiB hugepages to use: tests go on with --no-huge"
if [ "$mode" = other ]; then
    run_other "$2" "${3-}"
else
    run_plain
fi
if [ "$mode" = all ]; then
    run_clang
    run_asan
    run_tsan
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
