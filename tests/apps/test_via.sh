#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Workloads through guest drivers in VDEVs.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/testpmd.sh"
check_json=$2
short=(--duration=0.05 --warmup=0)

# rows N: as many PASIDs in the first result, each with work that all completed.
rows()
{
    awk '/^ +PASID +WQ/ { on = 1; next } / total / { exit }
        on && $4 > 0 && $4 == $8 && $9 == 0 { nb++ } END { print nb + 0 }' "$work/out" |
        grep -qx "$1" || fail "not $1 rows whose work all completed"
}

run_app 0 --via=vdev --nb-pasids=3 --verify "${short[@]}"
expect out '^throughput: memmove by enqcmd through guest drivers in VDEVs, ordinary pages, second-stage tables of 2M pages'
rows 3
# Several of a submitter, several submitters of one, each with a vCPU.
run_app 0 --nb-vdev=5 --nb-submitters=2 --op=copycrc --verify "${short[@]}"
rows 5
run_app 0 --nb-vdev=1 --nb-submitters=3 --verify "${short[@]}"
rows 1
run_app 0 --nb-vdev=4 --total-ops=500 --warmup=0 --verify --json="$work/json"
"$check_json" "$work/json" 1 4 || fail 'json'
grep -q '"via": "vdev"' "$work/json" || fail 'not in json'
expect out '^ +total +[0-9]+ +500 '
run_app 0 --nb-vdev=2 --page-sz=4k --batch-sz=1,8 --verify "${short[@]}"

# Every workload, and many.
run_app 0 --nb-vdev=3 --ptest=verify --total-ops=200
expect out '^ +total +[0-9]+ +200 '
for ptest in latency translate 'fairness --qos=weight=1' 'retry --arrival=poisson --rate=100000'; do
    # shellcheck disable=SC2086
    run_app 0 --nb-vdev=3 --ptest=$ptest "${short[@]}"
    rows 3
done
head -c 100001 /dev/urandom >"$work/odd"
run_app 0 --nb-vdev=3 --data="$work/odd"
run_app 0 --nb-vdev=500 --op=noop "${short[@]}"
run_app 0 --nb-vdev=3 --wq=0,mode=shared,size=64 --wq=1,mode=shared,size=64 --verify "${short[@]}"
grep -qE '^ +[0-9]+ +1 ' "$work/out" || fail 'no VDEV on the second queue'

# At the prompt: with VDEVs of its own beside them, and as it was afterwards.
printf '%s\n' 'vdev create type mixed dwqs 1' start 'inject fault pasid 2' stop 'vdev reset 0' \
    'set nb-vdev 3' start wait 'vdev destroy 0' >"$work/commands"
run_app 0 --cmdline-file="$work/commands" --wq=0,mode=shared --wq=1,mode=dedicated --nb-vdev=2 \
    --warmup=0 --duration=0.3
expect err 'inject fault: the tables are a VM.s; allowed: with --via=adi$'

# What a workload runs on is shown while it does, and not changed.
printf '%s\n' start 'wait 1' 'show vdev summary all' 'show vdev info 1' 'vdev reset 1' 'dump config vdev 0' \
    'vdev reset 9' stop 'show vdev info all' 'show vdev info 0' >"$work/commands"
run_app 0 --cmdline-file="$work/commands" --nb-vdev=2 --warmup=0 --duration=30
expect out '^VDEV 0: swq, [1-9][0-9]* accepted, '
expect out '^vdev 1: swq, running, enabled, '
expect out '^00: 86 80 25 0b '
expect err 'vdev 1: is the workload.s; allowed: show, dump$'
expect err 'vdev 9: no such VDEV; show vdev info all lists them$'
expect err 'vdev 0: no such VDEV; show vdev info all lists them$'
[ "$(grep -c '^vdev [01]: swq' "$work/out")" -eq 1 ] || fail 'shown when it was over'

# What makes no sense.
refuse "--nb-vdev=0: allowed: 1 to 8000" --nb-vdev=0
refuse "--via=guest: allowed: adi, vdev" --via=guest
refuse "--nb-vdev=2 with --via=adi: allowed: with --via=vdev" --nb-vdev=2 --via=adi
refuse "--nb-vdev=2 with --nb-pasids=3: each PASID is a VDEV's; allowed: one of them" \
    --nb-vdev=2 --nb-pasids=3
refuse "--submit=enqcmds with --via=vdev: allowed: enqcmd" --via=vdev --submit=enqcmds
refuse "--iommu=nested with --via=vdev: allowed: second" --via=vdev --iommu=nested
refuse "--nb-adi with --via=vdev: allowed: with --via=adi" --via=vdev --nb-adi=2
refuse "--prs with --via=vdev: allowed: with --via=adi" --nb-vdev=2 --prs
for option in --pasid-weight=1:2 --pasid-rate=1:1k --pasid-noise=1:2; do
    refuse "${option%%=*} with --via=vdev: allowed: with --via=adi" --via=vdev "$option"
done

finish
