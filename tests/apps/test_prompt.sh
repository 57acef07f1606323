#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Commands from a file and from a pipe, what they show, and how failing ones end the program.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/testpmd.sh"
short=(--duration=0.1 --warmup=0 --nb-pasids=2)

commands()
{
    printf '%s\n' "$@" >"$work/commands"
}

commands '# a comment' '' help 'help set' 'show config cores' 'show config wl' 'set op noop' \
    'set duration 0.05' start wait 'show wq stats 0' 'show wq xstats all' 'show pasid stats 1' \
    'clear wq stats all' 'show wq summary 0' 'show iommu stats' 'show iommu atc' 'show iommu faults' quit
run_app 0 --cmdline-file="$work/commands" "${short[@]}"
expect out '^lcore [0-9]+ @ CPU [0-9]+: submitter 0$'
expect out '^op: memmove$'
expect out '^throughput: noop by enqcmd'
expect out '^swq_q0_accepted_ops: [1-9]'
expect out '^swq_q0_retry_capacity_ops: [0-9]+$'
expect out '^pasids_allocated: 0$'
expect out '^0 of 0 records shown; 0 faults were lost'
expect out '^wq 0: shared, enabled, size 128, '
grep -qE '^ +0 +0 +0 +0 +0 +0$' "$work/out" || fail "clear did not clear"
[ ! -s "$work/err" ] || fail "stderr: $(cat "$work/err")"

# PASIDs and mappings by hand; the workload takes others.
commands 'pasid alloc' 'pasid alloc 9' 'pasid bind 9' 'pasid bind 1 with 9' \
    'iommu map pasid 9 iova 0x10000 len 0x2000' 'iommu map pasid 1 iova 0x40000 len 4096 perm r' \
    'show pasid info all' start wait 'iommu unmap pasid 1 iova 0x10000 len 0x2000' \
    'iommu invalidate pasid 1 iova 0x40000 len 4096' 'show pasid info 1' \
    'pasid unbind 1' 'pasid free 1' 'show pasid summary all'
run_app 0 --cmdline-file="$work/commands" --err-exit "${short[@]}"
expect out '^PASID 9: made by hand, bound to domain [0-9]+ \(second\) of 2 PASIDs$'
expect out '^  iova 0x40000 len 0x1000 perm r$'
expect out '^ +2 +0 +[0-9]+ '
expect out '^1 PASIDs allocated, 1 bound, '

# Queues: states, and another configuration.
commands 'wq enable 0' 'wq drain 0' 'wq disable 0' 'wq config 0 size=33,threshold=9' \
    'wq config 1 size=5' 'show config wq' start wait
run_app 0 --cmdline-file="$work/commands" --err-exit "${short[@]}"
expect out '^wq 0: shared, disabled, size 33, threshold 9, '
expect out '^wq 1: shared, disabled, size 5, '

# Aborts under load: what they end is counted as aborted, and the counts still add up.
commands 'set duration 0.4' start 'wq abort 0' 'wq drain 0' 'pasid abort 1' 'pasid drain 2' wait \
    'wq reset 0' 'wq enable 0' start wait
run_app 0 --cmdline-file="$work/commands" --err-exit "${short[@]}" --verify

# Each bad command fails by itself; the others go on.
commands 'adi create type x wq 0 pasid 1' 'show ims table 7' 'vdev reset 1' 'set qos 1' \
    'set op none' 'bogus' 'iommu map pasid 5 iova 0 len 4096' 'pasid alloc 0' \
    'show wq info 7' 'stop' "load $work/none" 'start nonsense' 'wq config 0 size=0' \
    'pasid alloc 3' 'pasid bind 3' 'pasid free 3' 'pasid alloc 3' 'show config wq'
run_app 0 --cmdline-file="$work/commands" "${short[@]}"
[ "$(wc -l <"$work/err")" -eq 15 ] || fail "15 commands fail, said: $(cat "$work/err")"
expect err '^siov-testpmd: adi create type x: allowed: context, dedicated, composite$'
expect err '^siov-testpmd: show ims table 7: no such ADI$'
expect err '^siov-testpmd: vdev 1: no such VDEV; '
expect err '^siov-testpmd: --qos=1: allowed: weight=0..255, '
expect err '^siov-testpmd: bogus: no such command'
expect err '^siov-testpmd: wq 7: allowed: 0 to 0$'
expect err '^siov-testpmd: pasid 0: allowed: 1 to 1048575$'
expect out '^wq 0: shared, disabled, size 128, '

# --err-exit: the first of them ends the program.
commands 'show config wq' bogus 'show config cores'
run_app 1 --cmdline-file="$work/commands" --err-exit
expect out '^wq 0: '
grep -q '^lcore' "$work/out" && fail "went on after a failing command"

# Files that load files end somewhere.
commands "load $work/commands"
run_app 1 --cmdline-file="$work/commands" --err-exit
expect err 'files that load files, more than 8 deep$'

# A pipe: start at once, stop, quit; end of input ends the program as well.
printf 'wait 1\nstop\nquit\n' |
    timeout 60 "$program" --no-huge -- -i -a --duration=60 --warmup=0 >"$work/out" 2>"$work/err" ||
    fail "pipe: status $?: $(cat "$work/err")"
expect out '^throughput: '
printf 'show config wq\n' | timeout 60 "$program" --no-huge -- -i >"$work/out" 2>"$work/err" ||
    fail "end of input: status $?"
expect out '^wq 0: '
finish
