#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Every kind of address space under the workloads and at the prompt; faults on purpose; page requests.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/testpmd.sh"
check_json=$2
short=(--duration=0.05 --warmup=0)

commands()
{
    printf '%s\n' "$@" >"$work/commands"
}

# field NAME ROW: a number of the first result's rows of the table, by PASID or "total".
field()
{
    awk -v name="$1" -v row="$2" '
        $1 == "PASID" { for (i = 1; i <= NF; i++) column[$i] = i }
        $1 == row && ("Attempts" in column) && NF > 10 {
            print $(column[name] - (row == "total"))
            exit
        }' "$work/out"
}

# Each kind, with each page size that it knows; counts are checked by the program and again here.
declare -A text=([pt]='pass-through$' [second]='second-stage tables of ' [first]='first-stage tables of '
    [nested]='nested tables of ' [sva]="the process's own address space$")
declare -A loads=([second4k]=4 [second2M]=3 [first4k]=4 [first2M]=3 [nested4k]=24 [nested2M]=15)
for kind in pt first second nested sva; do
    pages=(--page-sz=4k --page-sz=2M)
    case $kind in pt | sva) pages=('') ;; esac
    for page in "${pages[@]}"; do
        run_app 0 --iommu=$kind ${page:+"$page"} --op=copycrc --buf-sz=5000 --verify \
            --nb-pasids=3 --total-ops=600 --json="$work/json"
        expect out "^throughput: copycrc by enqcmd, ordinary pages, ${text[$kind]}"
        [ "$(field Accepted total)" = 600 ] || fail "$kind $page: $(field Accepted total) accepted"
        [ "$(field Completed total)" = 600 ] || fail "$kind $page: not all completed"
        "$check_json" "$work/json" 1 3 || fail "$kind $page: json"
        grep -q "\"iommu\": \"$kind\"" "$work/json" || fail "$kind: not in json"
        [ -z "$page" ] || expect out ", up to ${loads[$kind${page#*=}]} loads a walk$"
    done
    run_app 0 --iommu=$kind --ptest=verify --total-ops=200
    expect out '^ +total +[0-9]+ +200 '
    run_app 0 --iommu=$kind --submit=enqcmds --ptest=latency "${short[@]}"
done
run_app 0 --iommu=first --levels=5 --page-sz=4k --verify --total-ops=300
expect out ' up to 5 loads a walk$'
run_app 0 --iommu=nested --levels=5 --page-sz=4k --ptest=translate --nb-pasids=500 --atc-entries=64 "${short[@]}"
expect out '^translate: noop .* up to 29 loads a walk$'
expect out '^ATC: [0-9]+ lookups, [1-9][0-9]* misses '
head -c 100001 /dev/urandom >"$work/odd"
for kind in first nested sva; do
    run_app 0 --iommu=$kind --data="$work/odd"
done
printf '[GLOBAL]\nduration=0.05\nwarmup=0\nnb_pasids=2\n[a]\niommu=nested\n[b]\niommu=sva\n' >"$work/cases.ini"
run_app 0 --sweep="$work/cases.ini" --result="$work/result"
[ "$(grep -cE '^4096,0,2,[12],0,[1-9]' "$work/result")" -eq 4 ] || fail "cases of two kinds: no four rows"

# Pages that are mapped when they are asked for.
for kind in first second nested; do
    run_app 0 --iommu=$kind --prs --page-sz=4k --ptest=translate --verify --nb-pasids=2 --warmup=0.01 \
        --duration=0.3 --json="$work/json"
    expect out 'loads a walk, mapped on demand$'
    expect out '^Page requests: [1-9][0-9]*, answered after p50 [1-9][0-9]* ns, p99 [1-9][0-9]* ns'
    [ "$(field Failed total)" = 0 ] || fail "$kind: page requests failed"
    tr -d '\n ' <"$work/json" | grep -qE '"page_requests":\{"count":[1-9][0-9]*,"lat_ns":\{"p50":[1-9]' ||
        fail "$kind: no page requests in json"
done
run_app 0 --iommu=first --prs --ptest=latency --page-sz=4k --verify "${short[@]}"
run_app 0 --iommu=nested --prs --nb-pasids=1 --nb-submitters=3 --page-sz=4k --verify "${short[@]}"
run_app 0 --iommu=second --prs --page-sz=2M --nb-pasids=5 --nb-submitters=2 --verify "${short[@]}"
expect out '^Page requests: [1-9]'

# Faults on purpose: the one PASID fails, the others do not, and the program is content.
declare -A code=([first]=0x71 [second]=0x79 [nested]=0x71)
inject()
{
    commands start "inject fault pasid 2 $2" 'wait 1' 'show iommu faults' stop
    run_app 0 --cmdline-file="$work/commands" --err-exit --iommu="$1" --nb-pasids=3 --duration=30 --warmup=0
    [ "$(field Failed 2)" -gt 0 ] || fail "$1 $2: PASID 2 has not failed"
    [ "$(field Failed 1)$(field Failed 3)" = 00 ] || fail "$1 $2: others have failed"
    [ "$(field Completed 1)" -gt 0 ] || fail "$1 $2: others have not gone on"
    [ "$(field Failed total)" = "$(field Failed 2)" ] || fail "$1 $2: failures do not add up"
    expect out "^PASID 2 requester 0x[0-9a-f]{4} $3 of 0x[0-9a-f]+000: reason $4 [a-z]"
    shown=$(grep -cE '^PASID 2 requester' "$work/out")
    [ "$shown" -ge 1 ] && [ "$shown" -le 64 ] || fail "$1 $2: $shown records shown"
    expect out "^$shown of [1-9][0-9]* records shown; [0-9]+ faults were lost"
    ! grep -qE '^PASID [13] requester' "$work/out" || fail "$1 $2: a fault of another PASID"
}
for kind in first second nested; do
    inject $kind '' read "${code[$kind]}"
    inject $kind 'reason read-only' write 0x85
done
inject nested 'reason reserved' read 0x72

# What fails without an injection fails the run, also beside one.
cat >"$work/config.json" <<'EOF'
[ { "dev": "dsa0", "groups": [ { "dev": "group0.0",
    "grouped_workqueues": [ { "dev": "wq0.0", "mode": "shared", "size": 16, "group_id": 0,
        "priority": 10, "threshold": 15, "max_transfer_size": 1024 } ],
    "grouped_engines": [ { "dev": "engine0.0", "group_id": 0 } ] } ] } ]
EOF
commands start 'inject fault pasid 2' 'wait 1' stop
run_app 1 --config="$work/config.json" --cmdline-file="$work/commands" --duration=30 --warmup=0 --nb-pasids=2
run_app 1 --config="$work/config.json" --nb-pasids=2 "${short[@]}"
expect err '^siov-testpmd: submitter 0: [0-9]+ descriptors failed, the first of PASID [12] with status 0x13 '

# One page only, and back again; what makes no sense; the next workload knows nothing of it.
commands start 'inject fault pasid 1 addr 0x100000000' 'wait 1' 'inject clear pasid 1' stop \
    'set duration 0.1' start wait 'show iommu stats' 'show iommu atc' 'show config wl'
run_app 0 --cmdline-file="$work/commands" --err-exit --iommu=nested --nb-pasids=2 --warmup=0 --duration=30
expect out '^ +1 +0 +[0-9]+ +[0-9]+ +[0-9]+ +[0-9.]+ +0 +[1-9][0-9]* +[1-9][0-9]* '
[ "$(grep -cE '^ +total( +[0-9.]+){6} +0 ' "$work/out")" -eq 1 ] || fail "the second workload has faults"
expect out '^faults: [1-9]'
expect out '^engine0_atc_miss_ops: [1-9]'
expect out '^engine 0: [0-9]+ entries, [0-9]+ lookups, [0-9]+ misses, hit ratio [01]\.[0-9]{4}, '
expect out '^engine 0: .* [0-9]+ second probes, [0-9]+ nest walks, [1-9][0-9]* invalidations'
expect out '^iommu: nested$'
commands 'inject fault pasid 1' start 'inject fault pasid 3' 'inject fault pasid 1 addr 4096' \
    'inject fault pasid 1 reason reserved' 'inject clear' 'inject fault pasid 0' stop
run_app 0 --cmdline-file="$work/commands" --nb-pasids=2 --duration=30 --warmup=0
expect err '^siov-testpmd: inject fault: no workload runs; start begins one$'
expect err '^siov-testpmd: inject fault: PASID 3: not of the workload; allowed: 1 to 2$'
expect err '^siov-testpmd: inject fault: addr 0x1000: allowed: 0x100000000 to 0x[0-9a-f]+fff, the buffers of PASID 1$'
expect err '^siov-testpmd: inject fault: reason reserved: .* allowed: with --iommu=nested$'
expect err '^siov-testpmd: inject clear: nothing is injected$'
expect err '^siov-testpmd: pasid 0: allowed: 1 to 1048575$'
for kind in pt sva; do
    commands start 'inject fault pasid 1' stop
    run_app 0 --cmdline-file="$work/commands" --iommu=$kind --duration=30 --warmup=0
    expect err "^siov-testpmd: inject fault: --iommu=$kind has no tables to change; allowed: first, second, nested$"
done

commands 'start verify' 'inject fault pasid 1' stop
run_app 0 --cmdline-file="$work/commands" --duration=30
expect err '^siov-testpmd: inject fault: --ptest=verify takes any fault for an error; allowed: with the other'

# Address spaces made by hand.
commands 'pasid alloc 7' 'pasid bind 7 as first' 'pasid alloc 8' 'pasid bind 8' 'pasid alloc 9' \
    'pasid bind 9 with 8' 'iommu map pasid 7 iova 0x200000 len 0x400000 perm r' \
    'iommu map pasid 8 iova 0x7000 len 0x1000' 'iommu map pasid 9 iova 0x200000 len 0x200000' \
    'show pasid info all' 'iommu unmap pasid 9 iova 0x7000 len 0x1000' 'show pasid info 8' \
    'iommu map pasid 8 iova 0x7000 len 0x2000 perm r' 'pasid unbind 8' 'pasid free 8'
run_app 0 --cmdline-file="$work/commands" --err-exit --iommu=nested
expect out '^PASID 7: made by hand, bound to domain [0-9]+ \(first\) of 1 PASIDs$'
expect out '^PASID 9: made by hand, bound to domain [0-9]+ \(nested\) of 2 PASIDs$'
[ "$(grep -c '^  iova 0x7000 len 0x1000 perm rw$' "$work/out")" -eq 2 ] || fail "unmap left something, or took more"
commands 'pasid alloc 7' 'pasid bind 7 as third' 'pasid bind 7 as sva' \
    'iommu map pasid 7 iova 0 len 4096' 'pasid alloc 8' 'pasid bind 8 as nested' \
    'iommu map pasid 8 iova 0 len 4096 perm w' 'iommu map pasid 8 iova 0 len 4097' \
    'iommu map pasid 8 iova 0 len 8192' 'iommu map pasid 8 iova 4096 len 4096'
run_app 0 --cmdline-file="$work/commands"
[ "$(wc -l <"$work/err")" -eq 5 ] || fail "5 commands fail, said: $(cat "$work/err")"
expect err '^siov-testpmd: pasid bind as third: allowed: pt, first, second, nested, sva$'
expect err '^siov-testpmd: iommu map: PASID 7 has no tables; allowed: first, second, nested$'
expect err '^siov-testpmd: iommu map: something is mapped there already$'
[ "$(grep -c 'iommu map: allowed: multiples of 4096, and perm w alone for second only$' "$work/err")" -eq 2 ] ||
    fail "not two bad mappings: $(cat "$work/err")"
finish
