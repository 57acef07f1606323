#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Every workload, operation and way of translation runs and verifies; files arrive whole.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/testpmd.sh"
short=(--duration=0.05 --warmup=0)

for op in noop memmove fill compare compval crcgen copycrc; do
    run_app 0 --op=$op --verify --nb-pasids=2 --total-ops=300
    expect out '^ +total +[0-9]+ +300 '
done
for batch in '--batch-sz=2,7' '--batch-sz=300 --qdepth=3 --nb-submitters=2' \
    '--batch-sz=16 --prs --page-sz=4k' '--batch-sz=8 --submit=movdir64b' '--batch-sz=8 --iommu=sva'; do
    # shellcheck disable=SC2086 # a case is several options
    run_app 0 --op=copycrc --verify --nb-pasids=2 --total-ops=120 --buf-sz=700 $batch
done
run_app 0 --op=noop --batch-sz=32 "${short[@]}"
expect out 'batches of 32'
for mmu in --iommu=pt --page-sz=4k --page-sz=2M; do
    run_app 0 $mmu --op=copycrc --buf-sz=5000 --verify --total-ops=300
done
for ptest in throughput latency fairness; do
    run_app 0 --ptest=$ptest "${short[@]}"
    expect out "^$ptest: "
done
run_app 0 --ptest=translate --nb-pasids=500 --atc-entries=64 "${short[@]}"
expect out '^ATC: [0-9]+ lookups, [1-9][0-9]* misses '
run_app 0 --ptest=verify --total-ops=400
expect out '^ +total +[0-9]+ +400 '
run_app 0 --ptest=verify --total-ops=200 --iommu=pt --submit=enqcmds --nb-submitters=2 --nb-engines=2
run_app 0 --arrival=poisson --rate=20k --op=noop "${short[@]}"
run_app 0 --no-latency --repeat=3 "${short[@]}"
expect out ', median of 3: '

# Fewer PASIDs than submitters; descriptors given up; a queue of one entry.
run_app 0 --nb-pasids=1 --nb-submitters=3 --op=noop "${short[@]}"
run_app 0 --retry-policy=none --wq=0,size=1 --op=noop "${short[@]}"
expect out '^ +total .* [1-9][0-9]* +[0-9]+ +0 '

# A configuration file: two groups, three queues, two engines.
cat >"$work/config.json" <<'EOF'
[ { "dev": "dsa0",
    "groups": [
      { "dev": "group0.0",
        "grouped_workqueues": [
          { "dev": "wq0.0", "mode": "shared", "size": 16, "group_id": 0, "priority": 10,
            "threshold": 15 },
          { "dev": "wq0.1", "mode": "dedicated", "size": 32, "group_id": 0, "priority": 1 } ],
        "grouped_engines": [ { "dev": "engine0.0", "group_id": 0 } ] },
      { "dev": "group0.1",
        "grouped_workqueues": [
          { "dev": "wq0.2", "mode": "shared", "size": 8, "group_id": 1, "priority": 1,
            "threshold": 8 } ],
        "grouped_engines": [ { "dev": "engine0.1", "group_id": 1 } ] } ] } ]
EOF
run_app 0 --config="$work/config.json" --nb-pasids=4 "${short[@]}"
expect out '^lcore [0-9]+ @ CPU [0-9]+: engine 1$'
[ "$(grep -cE '^ +[0-9]+ +[02] +[0-9]+ ' "$work/out")" -eq 4 ] || fail "not four rows on wq 0 and 2"
run_app 0 --config="$work/config.json" --submit=movdir64b --nb-submitters=1 "${short[@]}"
expect out '^ +1 +1 +[0-9]+ '
refuse "--nb-engines=1 with --config: the file has 2 engines" \
    --config="$work/config.json" --nb-engines=1

# Files: odd length, empty, and one larger than all chunks under way.
head -c 100001 /dev/urandom >"$work/odd"
: >"$work/empty"
head -c 3000000 /dev/urandom >"$work/large"
for file in odd empty large; do
    run_app 0 --data="$work/$file"
    expect out "^$work/$file: $(stat -c %s "$work/$file") bytes moved and compared, CRC32C 0x"
done
run_app 0 --data="$work/odd" --buf-sz=777 --submit=movdir64b --iommu=pt
# A check value that everybody knows: CRC32C of "123456789".
printf 123456789 >"$work/digits"
run_app 0 --data="$work/digits"
expect out ' 9 bytes moved and compared, CRC32C 0xe3069283$'

# Cases of a file, in dma-perf's grammar: a process each, one CSV for all.
cat >"$work/cases.ini" <<'EOF'
[GLOBAL]
duration=0.05
warmup=0.01
nb_pasids=2
[copies]
op=memmove
buf_size=64,256,2,MUL
[steps]
op=crcgen
buf-sz=100,300,100,ADD
EOF
run_app 0 --sweep="$work/cases.ini" --result="$work/result"
[ "$(grep -c '^# case ' "$work/result")" -eq 2 ] || fail "not two cases"
[ "$(grep -c '^buf_sz,' "$work/result")" -eq 1 ] || fail "not one header row"
for size in 64 128 256 100 200 300; do
    [ "$(grep -cE "^$size,0,2,[12],0,[1-9]" "$work/result")" -eq 2 ] || fail "no rows of $size bytes"
done
finish
