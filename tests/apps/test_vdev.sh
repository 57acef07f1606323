#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# VDEVs at the prompt: their life, their state in files, and on their way to another program.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/testpmd.sh"

commands()
{
    printf '%s\n' "$@" >"$work/commands"
}

# Each is created, set up by its guest driver, and destroyed.
commands 'vdev create type swq' 'vdev create type dynamic' 'show vdev info all' 'show vdev stats 0' \
    'show vdev xstats 1' 'vdev suspend 0' 'show vdev info 0' 'vdev resume 0' 'vdev reset 0' \
    'show vdev summary all' 'vdev destroy 0' 'vdev destroy 1' 'show adi summary all'
run_app 0 --cmdline-file="$work/commands" --err-exit
expect out '^VDEV 1$'
expect out '^vdev 0: swq, running, enabled, rid 00:01.0, function 0 of 1, 1 queues, 1 ADIs$'
expect out '^vdev 0: swq, stopped, enabled, '
expect out '^vdev_1_commands: [1-9]'
expect out '^VDEV 0: swq, 0 accepted, '
expect out '^0 ADIs; '

# With dedicated queues, of which there are two; the third VDEV has to go without.
commands 'wq config 1 mode=dedicated,size=8' 'wq config 2 mode=dedicated,size=8' \
    'vdev create type mixed dwqs 1' 'vdev create type dwq' 'vdev create type dwq' \
    'vdev create type dwq dwqs 9' 'vdev create type none' 'vdev destroy 7' 'vdev save 7 x' \
    'show vdev info 9' 'dump config vdev 9' 'show vdev info all'
run_app 0 --cmdline-file="$work/commands"
[ "$(wc -l <"$work/err")" -eq 7 ] || fail "7 commands fail, said: $(cat "$work/err")"
expect err '^siov-testpmd: vdev create type dwq dwqs 1: fewer dedicated queues are free '
expect err '^siov-testpmd: vdev create type dwq dwqs 9: allowed: 1 to 8$'
expect err '^siov-testpmd: vdev create type none: allowed: swq, dwq, mixed, dynamic$'
expect err '^siov-testpmd: vdev 9: no such VDEV; '
expect out '^vdev 1: dwq, running, enabled, '

# State in files: saved, brought back, and refused when it is not what it says.
echo 'no image' >"$work/bad"
commands 'vdev create type swq' "vdev save 0 $work/image" "vdev restore 0 $work/image" \
    'show vdev info 0' "vdev restore 0 $work/bad" "vdev restore 0 $work/none"
run_app 0 --cmdline-file="$work/commands"
[ "$(wc -l <"$work/err")" -eq 2 ] || fail "2 commands fail, said: $(cat "$work/err")"
expect err "^siov-testpmd: vdev restore $work/bad: not an image of a VDEV, or a damaged one$"
expect out '^vdev 0: swq, running, enabled, '

# To another machine of this program, and workloads beside it.
commands 'vdev create type swq' 'vdev migrate 0' 'show vdev info all' 'set duration 0.1' \
    'set warmup 0' start wait 'show vdev info all'
run_app 0 --cmdline-file="$work/commands" --err-exit
expect out '^VDEV 1$'
expect out '^[0-9]+ rounds, [0-9]+ pages of which [0-9]+ while it stood still, '
expect out '^vdev 1: swq, running, enabled, '

# To another program, by a path and by TCP.
for address in "$work/socket" 127.0.0.1:47011; do
    printf '%s\n' "vdev receive $address" 'show vdev info all' >"$work/there"
    timeout 60 "$program" --no-huge -- --cmdline-file="$work/there" --err-exit \
        >"$work/there.out" 2>"$work/there.err" </dev/null &
    there=$!
    commands 'vdev create type dynamic' "vdev send 0 $address" 'show vdev info all'
    run_app 0 --cmdline-file="$work/commands" --err-exit
    wait "$there" || fail "receiver at $address: $(cat "$work/there.err")"
    expect there.out '^vdev 0: dynamic, running, enabled, '
    grep -q '^vdev 0' "$work/out" && fail 'the sender has it yet'
done

# Configuration space as lspci reads it.
commands 'vdev create type swq' 'dump config pf' 'dump config vdev 0'
run_app 0 --cmdline-file="$work/commands" --err-exit
expect out '^00: 86 80 25 0b '
expect out '^ff0: 00 00 '
finish
