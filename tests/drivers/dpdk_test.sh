#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# dpdk_test.sh LIBRTE_DMA_SIOV.SO DPDK-VERSION: the distribution's own dpdk-test runs dmadev_autotest, as it is,
# on our ports: shared and dedicated queue, engine in a thread of its own and polled by the caller.
# All parts must have run and passed on ours; what dma_skeleton leaves out is not ours.
set -euo pipefail
driver=$(realpath "$1")
version=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
parts=('copy' 'burst capacity' 'error handling' 'fill')

fail()
{
    tr '\r' '\n' <"$tmp/out" | tail -n 60 >&2
    echo "dpdk_test: $*" >&2
    exit 1
}

find_program()
{
    command -v dpdk-test && return 0
    echo 'dpdk_test: no dpdk-test (Debian: dpdk-dev)' >&2
    exit 77
}

# run ARGUMENTS: EAL takes no driver from below a directory that all may write, but by its name.
run()
{
    DPDK_TEST=dmadev_autotest LD_LIBRARY_PATH=${driver%/*} timeout 120 "$program" -l 0 --no-pci --no-huge -m 256 \
        --iova-mode=va --no-telemetry --file-prefix "dpdk-test-$$" -d "${driver##*/}" "$@" \
        >"$tmp/out" 2>&1 </dev/null || fail "$*: it ended with $?"
}

# Lines of the output that are about port $1, from its head to that of the next.
part_of()
{
    tr '\r' '\n' <"$tmp/out" |
        awk -v head="[$1]" '/^### / { on = index($0, head) > 0 } on { print }'
}

# Each port NAME must have run all parts and skipped none.
judge()
{
    local name part
    grep -q '^Test OK' "$tmp/out" || fail "dmadev_autotest did not pass"
    for name in "$@"; do
        part_of "$name" >"$tmp/part"
        for part in "${parts[@]}"; do
            grep -q "Running $part Tests" "$tmp/part" || fail "$name: '$part' did not run"
        done
        if grep -qi 'skip' "$tmp/part"; then
            fail "$name: something was skipped"
        fi
    done
}

program=$(find_program)
said=$("$program" -v --no-pci --no-huge --in-memory 2>&1 </dev/null || true)
if ! grep -qF "DPDK $version'" <<<"$said"; then
    echo "dpdk_test: $program is not of DPDK $version"
    exit 77
fi
run --vdev=dma_siov0
judge dma_siov0
run --vdev=dma_siov0,engine=inline --vdev=dma_siov1,mode=dwq
judge dma_siov0 dma_siov1
run --vdev=dma_siov0,device=both --vdev=dma_siov1,device=both,pasid=77
judge dma_siov0 dma_siov1
echo 'dpdk_test: all parts passed on all ports'
