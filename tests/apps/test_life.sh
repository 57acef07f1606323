#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Start without arguments, signals, progress, and what is left behind.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/testpmd.sh"

# No argument at all: the default benchmark, with a line about memory if there are no hugepages.
run 0
expect out '^throughput: memmove by enqcmd'
[ "$(grep -cE '^ +[0-9]+ +0 ' "$work/out")" -eq 64 ] || fail "not 64 PASIDs by default"
if grep -q 'ordinary pages' "$work/out"; then
    [ "$(grep -c 'warning: .* going on with --no-huge$' "$work/err")" -eq 1 ] ||
        fail "no warning about memory"
fi

# SIGINT and SIGTERM end a run with what was measured.
for signal in INT TERM; do
    "$program" --no-huge -- --duration=60 --warmup=0 >"$work/out" 2>"$work/err" </dev/null &
    pid=$!
    for _ in $(seq 100); do
        [ -e "/proc/$pid/task" ] && [ "$(ls "/proc/$pid/task" | wc -l)" -ge 5 ] && break
        sleep 0.05
    done
    sleep 0.5
    kill -s "$signal" "$pid"
    wait "$pid" || fail "SIG$signal: status $?: $(cat "$work/err")"
    expect out '^ +total +[1-9]'
done

# A second one of two measurements that were asked for is left out, and that is no success.
run_app 0 --duration=0.3 --stats-period=0.1 --warmup=0
expect err '^measuring 0\.[0-9]+ s: [0-9]+ attempts, [0-9]+ completed, 0 failed since the start$'

# Nothing is left behind in the runtime directory.
dir=${RUNTIME_DIRECTORY:-/var/run}
[ "$(id -u)" -eq 0 ] || dir=${XDG_RUNTIME_DIR:-/tmp}
"$program" --no-huge -- --total-ops=10 >"$work/out" 2>"$work/err" &
pid=$!
wait "$pid" || fail "status $?"
[ ! -e "$dir/dpdk/siov_$pid" ] || fail "$dir/dpdk/siov_$pid is left behind"

# A prefix that the user chose is the user's.
run 0 --no-huge --file-prefix="siovtest$$" -- --total-ops=10
rm -rf "$dir/dpdk/siovtest$$"
finish
