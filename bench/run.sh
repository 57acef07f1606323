#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# bench/run.sh [--quick] [--json FILE] [NAME...]: measurements against peers and limits.
set -eu
. "$(dirname "$0")/../apps/setup.sh"

setup_packages "${build_packages[@]}"
# Some rows need 1 GiB, and one a second process with 512 MiB. --in-memory: no file holds hugepages
# when the run is killed.
free_pages=/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages
memory=(--in-memory --socket-mem 1024)
if ! setup_hugepages || [ "$(cat "$free_pages")" -lt 768 ]; then
    warn 'fewer than 768 free hugepages: --no-huge, figures will be lower'
    memory=(--no-huge -m 2048)
fi
setup_build || die 'the build failed'

# The engine has a CPU of its own where there are two; all submitters share the other.
mapfile -t cpus < <(taskset -cp $$ | sed 's/.*: //' | tr ',' '\n' |
    awk -F- '{ for (i = $1; i <= ($2 == "" ? $1 : $2); i++) print i }')
first=${cpus[0]}
second=${cpus[1]:-$first}
lcores="0@$first,1@$second,2@$first,3@$first,4@$first"

# With what was changed since, it says so.
BENCH_COMMIT=$(git -C "$siov_root" describe --always --dirty --exclude '*' 2>/dev/null ||
    echo unknown)
export BENCH_COMMIT
# EAL leaves its runtime files behind.
prefix=siov_bench_$$
runtime=/tmp/dpdk
if is_root; then
    runtime=/var/run/dpdk
elif [ -n "${XDG_RUNTIME_DIR-}" ]; then
    runtime=$XDG_RUNTIME_DIR/dpdk
fi
trap 'rm -rf "${runtime:?}/$prefix"' EXIT

# dma_skeleton works with virtual addresses only.
"$siov_build/bench/siov-bench" --no-pci --no-telemetry --iova-mode=va --file-prefix "$prefix" \
    --log-level lib.eal:error --log-level 'pmd.dma.*:error' --lcores "$lcores" "${memory[@]}" -- "$@"
