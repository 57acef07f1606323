#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Table, JSON and CSV: their form, and that their counts add up. $2 checks JSON.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/testpmd.sh"
check_json=$2
short=(--duration=0.1 --warmup=0)

# Table.
run_app 0 --nb-pasids=3 "${short[@]}"
columns='PASID +WQ +Attempts +Accepted +Retry +Retry% +Dropped +Completed +Failed +Mops +Gbps'
expect out "^ *$columns +p50\(ns\) +p99 +p99\.9$"
expect out "^Jain's fairness index [01]\.[0-9]{4}, "
expect out '^lcore [0-9]+ @ CPU [0-9]+: submitter 0$'
expect out '^lcore [0-9]+ @ CPU [0-9]+: engine 0$'
expect out '^lcore [0-9]+ @ CPU [0-9]+: control$'
[ "$(grep -cE '^ +[123] +0 ' "$work/out")" -eq 3 ] || fail "not one row for each PASID"
awk '$1 ~ /^[0-9]+$/ && NF == 14 && ($3 != $4 + $5 || $4 != $8 + $9) { bad = 1 } END { exit bad }' \
    "$work/out" || fail "rows of the table do not add up"
[ ! -s "$work/err" ] || fail "stderr is not empty: $(cat "$work/err")"

# JSON on stdout is all there is; a sweep is an array.
run_app 0 --nb-pasids=5 --json "${short[@]}"
"$check_json" "$work/out" 1 5 || fail "JSON of one point"
run_app 0 --nb-pasids=2 --buf-sz=64:*8:4k --verify --json="$work/sweep.json" "${short[@]}"
"$check_json" "$work/sweep.json" 3 2 || fail "JSON of a sweep"
expect out '^ +Bytes +Rate +PASIDs +Attempts '
run_app 0 --ptest=retry --rate=1k,10k --nb-pasids=4 --json "${short[@]}"
"$check_json" "$work/out" 2 4 || fail "JSON of ptest retry"
run_app 0 --op=noop --submit=movdir64b --json "${short[@]}"
"$check_json" "$work/out" 1 1 || fail "JSON of a dedicated queue"
run_app 0 --op=noop --submit=enqcmds --wq=0,size=7 --wq=1,size=32 --nb-pasids=4 --json "${short[@]}"
"$check_json" "$work/out" 1 4 || fail "JSON of two queues"

# CSV: comments, one header, rows of as many fields, counts that add up.
run_app 0 --nb-pasids=6 --csv --retry-policy=backoff:100:1k "${short[@]}"
header=$(grep -v '^#' "$work/out" | head -n 1)
wanted=buf_sz,rate,nb_pasids,pasid,wq,attempts,accepted,retry_capacity,retry_qos,retry_other
wanted+=,dropped,completed,failed,aborted,bytes,mops,gbps,lat_p50_ns,lat_p99_ns,lat_p999_ns,lat_max_ns,batch_sz
[ "$header" = "$wanted" ] || fail "CSV header: $header"
grep -v '^#' "$work/out" | tail -n +2 | awk -F, '
    NF != 22 || $6 != $7 + $8 + $9 + $10 || $7 != $12 + $13 + $14 { bad = 1 }
    END { exit bad || NR != 6 }' || fail "CSV rows"
finish
