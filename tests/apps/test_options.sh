#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Bad input on the command line: one line that names option, value and what is allowed; status 1.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/testpmd.sh"

unknown='unknown option; -h lists what is allowed'
refuse "--foo: $unknown" --foo
refuse "--foo=1: $unknown" --foo=1
refuse "-x: $unknown" -x
refuse "bar: not an option; -h lists what is allowed" bar
refuse "--err-exit=1: it takes no value" --err-exit=1
refuse "--nb-engines: value missing; allowed: 1 to 16" --nb-engines

# Numbers out of range, and what is no number at all.
for bad in 0 17 -1 1x '' 99999999999999999999; do
    refuse "--nb-engines=$bad: allowed: 1 to 16" "--nb-engines=$bad"
done
refuse "--nb-pasids=1048576: allowed: 1 to 1048575" --nb-pasids=1048576
refuse "--qdepth=0: allowed: 1 to 1048576" --qdepth=0
refuse "--duration=0: allowed: 0.001 to 86400 seconds" --duration=0
refuse "--duration=nan: allowed: 0.001 to 86400 seconds" --duration=nan
refuse "--atc-entries=63: allowed: 64 to 1M" --atc-entries=63
sizes='v, a,b,c or min:step:max (*k multiplies), each 1 to 2G'
for bad in 0 3G 1, ,1 1:2 1:0:4 4:1:2 1:*1:4 1:1:65 x; do
    refuse "--buf-sz=$bad: allowed: $sizes" "--buf-sz=$bad"
done
policies='none, spin, pause, backoff:MIN:MAX (1 to 1G ns, MIN <= MAX)'
for bad in backoff backoff: backoff:1 backoff:2:1 backoff:0:1 maybe; do
    refuse "--retry-policy=$bad: allowed: $policies" "--retry-policy=$bad"
done
refuse "--op=move: allowed: noop, memmove, fill, compare, compval, dualcast, crcgen, copycrc, cflush" --op=move
refuse "--submit=store: allowed: enqcmd, enqcmds, movdir64b" --submit=store
refuse "--page-sz=8k: allowed: 4k, 2M, 1G" --page-sz=8k
for bad in third '' svm PT; do
    refuse "--iommu=$bad: allowed: pt, first, second, nested, sva" --iommu=$bad
done
refuse "--levels=3: allowed: 4, 5" --levels=3
refuse "--prs=maybe: allowed: on, off" --prs=maybe

# Files of cases: nothing runs before all of them are right.
printf '[GLOBAL]\nduration=0.1\n[one]\nop=noop\n[two]\nop=fly\n' >"$work/cases.ini"
ops='noop, memmove, fill, compare, compval, dualcast, crcgen, copycrc, cflush'
refuse "$work/cases.ini: [two]: --op=fly: allowed: $ops" --sweep="$work/cases.ini"
printf '[one]\ncolour=red\n' >"$work/cases.ini"
refuse "$work/cases.ini: [one]: --colour=red: $unknown" --sweep="$work/cases.ini"
printf '[one]\njson=x\n' >"$work/cases.ini"
refuse "$work/cases.ini: [one]: json: not in a case; allowed: options of set-up, workload and translation" \
    --sweep="$work/cases.ini"
for key in help version interactive; do
    printf '[one]\n%s=\n' $key >"$work/cases.ini"
    refuse "$work/cases.ini: [one]: $key: not in a case; allowed: options of set-up, workload and translation" \
        --sweep="$work/cases.ini"
done
printf '[one]\nop=noop\n[one]\nop=fly\n' >"$work/cases.ini"
refuse "$work/cases.ini: [one]: twice; allowed: each section once" --sweep="$work/cases.ini"
printf '[one]\nop=noop\n' >"$work/cases.ini"
refuse "--sweep=$work/cases.ini: with other options; allowed: --result, the rest in [GLOBAL]" \
    --sweep="$work/cases.ini" --op=fill
for i in {1..257}; do printf '[c%d]\nop=noop\n' "$i"; done >"$work/cases.ini"
refuse "--sweep=$work/cases.ini: too many sections; allowed: 256" --sweep="$work/cases.ini"
printf '[GLOBAL]\nop=noop\n' >"$work/cases.ini"
refuse "--sweep=$work/cases.ini: no case in it; allowed: a [section] for each" \
    --sweep="$work/cases.ini"
refuse "--sweep=$work/none: cannot be read; allowed: [section] lines and key=value lines" \
    --sweep="$work/none"
refuse "--result: only with --sweep" --result="$work/result"

# Limits and ADIs.
keys="weight=0..255, priority=0..15, outstanding=N, ops=N, bytes=N (a second), or none"
for text in strict weight weight= weight=256 ops=1T, =3 weight=1,,ops=2; do
    refuse "--qos=$text: allowed: $keys" --qos="$text"
done
for text in 1 1:0 1:256 0:1 3-1:1 1048576:1 1:1, 1:1x; do
    refuse "--pasid-weight=$text: allowed: P:W,P-Q:W,... with weights 1 to 255, or none" \
        --pasid-weight="$text"
done
refuse "--pasid-rate=1:101G: allowed: P:OPS,P-Q:OPS,... with rates 1 to 100G, or none" \
    --pasid-rate=1:101G
refuse "--pasid-noise=1-2:3: allowed: P:N with N from 1 to 100, or none" --pasid-noise=1-2:3
refuse "--nb-adi=0: allowed: 1 to 1048575" --nb-adi=0
refuse "--nb-adi=3 with --nb-pasids=4: each PASID is an ADI; allowed: one of them" \
    --nb-adi=3 --nb-pasids=4
refuse "--nb-adi with --submit=movdir64b: allowed: with enqcmd, enqcmds" --nb-adi=1 --submit=movdir64b
refuse "--qos with --submit=movdir64b: allowed: with enqcmd, enqcmds" --qos=ops=1 --submit=movdir64b
refuse "--batch-sz=1025: allowed: v, a,b,c or min:step:max (*k multiplies), each 1 to 1024" --batch-sz=1025
refuse "--batch-sz with --ptest=verify: allowed: with throughput, latency, retry, fairness, translate" \
    --ptest=verify --batch-sz=4

# Contradictions.
refuse "--json with --csv: both to stdout; allowed: one of them to a file" --json --csv
refuse "-i with --json to stdout: the prompt is there; allowed: a file" -i --json
refuse "-a: needs -i" -a
refuse "--rate: needs --arrival=const or poisson" --rate=1M
refuse "--arrival=const: needs --rate" --arrival=const
refuse "--buf-sz with --op=noop: it moves no bytes" --op=noop --buf-sz=64
refuse "--page-sz with --iommu=pt: pass-through has no pages" --iommu=pt --page-sz=4k
refuse "--page-sz with --iommu=sva: the kernel chooses the pages of a process" --iommu=sva --page-sz=4k
refuse "--levels with --iommu=second: allowed: with first, nested" --levels=5
for kind in pt sva; do
    refuse "--prs with --iommu=$kind: it has no tables to map pages in; allowed: with first, second, nested" \
        --prs --iommu=$kind
done
refuse "--prs with --op=noop: it has no buffers to ask for" --prs --op=noop
refuse "--prs with --ptest=verify: allowed: with throughput, latency, retry, fairness, translate" \
    --prs --ptest=verify
refuse "--qdepth=2 with --ptest=latency: one descriptor is outstanding; allowed: 1" \
    --ptest=latency --qdepth=2
refuse "--nb-pasids=1 with --ptest=fairness: allowed: 2 or more" --ptest=fairness --nb-pasids=1
refuse "lcore 3: in --submit-cores and --engine-cores" --submit-cores=2,3 --engine-cores=3
refuse "--data with --op: --data is a workload of its own, with copycrc" --data=F --op=fill

# Queues.
refuse "--submit=movdir64b: no dedicated queue is configured" --submit=movdir64b --wq=0,size=16
refuse "--submit=enqcmd: no shared queue is configured" --wq=0,mode=dedicated
refuse "--wq=2,size=1: queue 2; allowed: 0 to 1 (the next new one), at most 64" --wq=2,size=1
keys='mode=shared|dedicated, size=1..65536, threshold=0..size, group=0..15, priority=1..15'
refuse "--wq=0,size=65537: size=65537; allowed: $keys" --wq=0,size=65537
refuse "--wq=0,colour=red: colour=red; allowed: $keys" --wq=0,colour=red
refuse "--wq=0,mode: mode; allowed: $keys" --wq=0,mode
run_app 1 --wq=0,size=16,threshold=17 && expect err '^siov-testpmd: --wq: .*threshold 17'
run_app 1 --wq=0,priority=16 && expect err '^siov-testpmd: --wq=0,priority=16: priority=16; '

# Configuration files: the line names file, line and key.
run_app 1 --config="$work/none" && expect err "^siov-testpmd: --config=.*none.*No such file"
printf '[ {\n"dev": "dsa0",\n"colour": "red" } ]\n' >"$work/key.json"
run_app 1 --config="$work/key.json" && expect err 'siov-testpmd: --config=.*key.json.*colour'
printf '[ {\n"dev": "dsa0",\n' >"$work/broken.json"
run_app 1 --config="$work/broken.json" && expect err 'siov-testpmd: --config=.*broken.json:[0-9]'

printf '[ { "dev":"dsa0", "groups":[ { "dev":"group0.0", "grouped_workqueues":[ { "dev":"wq0.0", "size":100,
    "max_batch_size":8 }, { "dev":"wq0.5", "size":28 }, ], "grouped_engines":[ { "dev":"engine0.0" } ] } ] } ]\n' \
    >"$work/dsa1.json"
refuse "--batch-sz=16: queue 0; allowed: 1 to its max_batch_size, 8" --config="$work/dsa1.json" --batch-sz=8,16
run_app 0 --config="$work/dsa1.json" --profile=dsa1 --duration=0.01 --warmup=0
sed 's/"size":28/"size":29/' "$work/dsa1.json" >"$work/dsa1-much.json"
run_app 1 --config="$work/dsa1-much.json" --profile=dsa1 &&
    expect err 'siov-testpmd: --config=.*: sum of queue sizes 129: profile dsa1 allows 128 at most$'

# Profiles.
refuse "--profile=dsa2: allowed: none, dsa1, large" --profile=dsa2
refuse "--wq: sum of queue sizes 129: profile dsa1 allows 128 at most" --profile=dsa1 --wq=0,size=129
run_app 0 --profile=large --wq=0,size=65536 --duration=0.01 --warmup=0

# Lcores and memory.
run 1 --no-huge --lcores 0@0 -- && expect err '^siov-testpmd: too few lcores: 0 .*; needed: 2 '
run 1 --no-huge --lcores 0@0,1@0,2@0 -- --nb-engines=2 &&
    expect err '^siov-testpmd: too few lcores: 2 .*; needed: 3 '
run 1 --no-huge --lcores 0@0,1@0,2@0 -- --engine-cores=5 &&
    expect err '^siov-testpmd: --engine-cores: lcore 5; allowed: '
run 1 --no-huge -m 1 -- --total-ops=1 && expect err '^siov-testpmd: .*too little memory'
run_app 1 --buf-sz=2G --nb-submitters=100 && expect err '^siov-testpmd: too little memory: [0-9]+ MiB'
# EAL of DPDK 25.11 ends the program by itself.
status=0
timeout 60 "$program" --no-such-eal-option -- >"$work/out" 2>"$work/err" </dev/null || status=$?
case $status in
1) expect err '^siov-testpmd: EAL does not start' ;;
0 | 124) fail "--no-such-eal-option: exit status $status" ;;
esac

# Files that cannot be written or read.
refuse "--json=$work/no/f: cannot be written: No such file or directory" "--json=$work/no/f"
refuse "--data=$work/none: cannot be read: No such file or directory" "--data=$work/none"
refuse "--data=$work: cannot be read: Is a directory" "--data=$work"
run_app 1 --cmdline-file="$work/none" && expect err 'none: No such file or directory$'

# Asking is no error.
run 0 -h && expect out '^usage: siov-testpmd '
run 0 -- --help && expect out '^  --ptest=\.\.\. '
run 0 --version && expect out '^siov-testpmd [0-9]+\.[0-9]+\.[0-9]+, DPDK '
finish
