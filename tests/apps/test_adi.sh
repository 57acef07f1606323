#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# ADIs and their messages at the prompt, those of workloads and of files, and limits of PASIDs.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/testpmd.sh"
short=(--duration=0.2 --warmup=0)

commands()
{
    printf '%s\n' "$@" >"$work/commands"
}

# The life of one, and its message.
commands 'adi create type context wq 0 pasid 500' 'show adi info 0' 'adi enable 0' \
    'ims trigger 0 0' 'show ims table 0' 'ims unmask 0 0' 'ims trigger 0 0' 'show ims stats all' \
    'adi qos weight=3,ops=1000 0' 'show adi info all' 'adi drain 0' 'adi abort 0' 'adi suspend 0' \
    'show adi stats 0' 'adi resume 0' 'adi reset 0' 'show adi summary all' 'adi destroy 0' \
    'show adi summary all'
run_app 0 --cmdline-file="$work/commands" --err-exit
expect out '^ADI 0$'
expect out '^adi 0: context of vm, configured, PASID 500, wq 0, 1 messages, qos none$'
expect out '^adi 0: context of vm, enabled, PASID 500, wq 0, 1 messages, qos weight=3,ops=1000$'
expect out '^ +0 +0 +0 +500 +0xfee[0-9a-f]+ +0 +yes +yes$'
expect out '^ims_sent: 2$'
expect out '^ims_used: 1$'
expect out '^ +0 +suspended +500 +0 +0 +0 +0 +0 +0 +0$'
expect out '^1 ADIs, 1 configured; '
expect out '^0 ADIs; '

# Dedicated queues go to who enables first; what cannot be is said, and the rest goes on.
commands 'wq config 1 mode=dedicated,size=8' 'adi create type dedicated wq 0 pasid 7' \
    'adi create type composite wq 0 pasid 8 dwqs 1' 'adi create type context wq 0 pasid 8' \
    'adi create type context wq 1 pasid 9' 'adi create type dedicated wq 0 pasid 9 dwqs 9' \
    'adi create type context wq 5 pasid 9' 'adi enable 77' 'adi drain 0' 'ims mask 0 5' \
    'show adi info all'
run_app 0 --cmdline-file="$work/commands"
expect err '^siov-testpmd: adi create: PASID 8 on wq 0 is an ADI already$'
expect err '^siov-testpmd: adi create type context wq 1 dwqs 0: allowed: a shared queue, 0 to 0 dwqs$'
expect err '^siov-testpmd: adi create type dedicated wq 0 dwqs 9: allowed: a shared queue, 1 to 8 dwqs$'
expect err '^siov-testpmd: wq 5: allowed: 0 to 1$'
expect err '^siov-testpmd: adi enable 77: no such ADI; '
expect err '^siov-testpmd: adi drain 0: not in its state, '
expect err '^siov-testpmd: ims mask 0 5: it has no message of this number$'
expect out '^adi 1: composite of vm, configured, PASID 8, wq 0, 1 dedicated queues, bound: none, '

# Workloads whose PASIDs are ADIs; a file's are there as well.
cat >"$work/adis.json" <<'END'
[ { "dev":"dsa0",
    "groups":[ { "dev":"group0.0",
        "grouped_workqueues":[ { "dev":"wq0.0", "mode":"shared", "size":64, "threshold":64,
                                 "priority":1, "group_id":0 } ],
        "grouped_engines":[ { "dev":"engine0.0", "group_id":0 } ] } ],
    "siov":{ "nb_adi":100,
             "adis":[ { "type":"context", "count":10, "wq":0, "pasid":1, "weight":2 },
                      { "type":"context", "count":3, "wq":0 } ] } } ]
END
run_app 0 --config="$work/adis.json" --list-adi
expect out '^context +1 '
expect out '^100 ADIs at most; the configuration asks for:$'
expect out '^10 of type context for host on wq 0, PASIDs 1 to 10, 0 messages each$'
commands 'show adi summary all' start wait 'show adi stats 0' \
    'clear adi stats all' 'show adi xstats 0' 'show adi summary all'
run_app 0 --config="$work/adis.json" --nb-adi=20 --cmdline-file="$work/commands" "${short[@]}" \
    --err-exit --verify
[ "$(grep -c '^13 ADIs, 3 configured, 10 enabled; ' "$work/out")" -eq 2 ] ||
    fail "ADIs of a workload are not there after it: $(grep ADIs "$work/out")"
expect out '^ +0 +enabled +1 +0 +[1-9][0-9]* +[1-9]'
expect out '^adi_a0_completed_ops: 0$'
# Rules of a workload hold until its end; what the file said holds again then.
commands 'set pasid-rate 2:1' start wait 'show adi info 1'
run_app 0 --config="$work/adis.json" --cmdline-file="$work/commands" "${short[@]}" --err-exit
expect out '^adi 1: context of host, enabled, PASID 2, wq 0, 0 messages, qos weight=2$'
# With the file's 13, of which 10 are used, there is room for 97 PASIDs that are ADIs.
run_app 0 --config="$work/adis.json" --nb-adi=97 "${short[@]}"
run_app 1 --config="$work/adis.json" --nb-adi=98 "${short[@]}"
expect err '^siov-testpmd: ADI: No space left'
run_app 0 --nb-adi=3000 --op=noop "${short[@]}"
expect out '^3000 PASIDs'

# Registers: the device disabled, given another queue, and put to work.
commands 'reg read 0' 'reg command disable-device 0' 'reg read 0x90' 'reg write 0x1000 32' \
    'reg write 0x1004 32' 'reg command enable-device 0' 'reg command enable-wq 0' \
    'show wq info 0' 'reg command drain-all 0' start wait
run_app 0 --cmdline-file="$work/commands" --err-exit "${short[@]}"
expect out '^0x0: 0x00000100$'
expect out '^0x90: 0x00000000$'
expect out '^wq 0: shared, enabled, size 32, threshold 32, '
commands 'reg command enable-wq 99' 'reg command fly 0' 'reg read 2' 'reg read 0x100000000000' \
    'reg write 0x88 0xffffffff' 'reg command drain-wq 0x100000'
run_app 0 --cmdline-file="$work/commands"
expect err '^siov-testpmd: reg command enable-wq: CMDSTS 0x00000002$'
expect err '^siov-testpmd: reg command fly: allowed: '
expect err '^siov-testpmd: reg read 0x2: allowed: multiples of 4, '
expect err '^siov-testpmd: reg read 0x100000000000: beyond the end of BAR0$'
expect err '^siov-testpmd: reg write 0x88: allowed: '
expect err '^siov-testpmd: reg command drain-wq 1048576: allowed: an operand to 0xfffff$'

# Limits: who may do one operation a second has a few at once, and hardly more.
run_app 0 --nb-pasids=3 --pasid-rate=2:1 --csv="$work/rate.csv" "${short[@]}"
awk -F, '/^#/ { next } !seen++ { for (i = 1; i <= NF; i++) col[$i] = i; next }
    $col["pasid"] == 2 { limited = $col["accepted"]; refused = $col["retry_qos"] }
    $col["pasid"] == 3 { other = $col["accepted"] }
    END { exit !(limited > 0 && limited < 100 && refused > 0 && other > limited) }' "$work/rate.csv" ||
    fail "rate: $(cat "$work/rate.csv")"
run_app 1 --submit=movdir64b --pasid-rate=2:1
expect err '^siov-testpmd: --pasid-rate with --submit=movdir64b: allowed: with enqcmd, enqcmds$'
run_app 0 --ptest=fairness --nb-pasids=4 --pasid-weight=1:1,2-4:3 --pasid-noise=2:10 "${short[@]}"
expect out '^Shares: PASID [1-4] is farthest from its own, by [+-][0-9.]+ %$'
commands 'set pasid-weight 1:5' 'set qos outstanding=4' 'show config qos' start wait \
    'set pasid-weight none' 'set qos none' 'show config qos' start wait
run_app 0 --cmdline-file="$work/commands" --err-exit --nb-pasids=2 "${short[@]}"
expect out '^qos: outstanding=4$'
expect out '^pasid-weight: 1:5$'
expect out '^qos: none$'

# The operations that came with them.
for op in dualcast cflush; do
    run_app 0 --op=$op --buf-sz=1,4097,70000 --verify "${short[@]}"
    run_app 0 --ptest=verify --op=$op --total-ops=500
    expect out '^ +total +500 +500 '
done
finish
