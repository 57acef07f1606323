#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# symbols.sh LIBSIOV.SO LIBSIOV.A: only siov_* is exported, and nothing of the library's own can be
# written to behind a device's back: no mutable global except log types, the list of devices that
# telemetry, which knows no argument but text, needs (ctrl/telemetry.c), and what stands for the
# handlers of signals, which are the process's own (guard_*, dataplane/guard.c).
set -euo pipefail

exported=$(nm -D --defined-only "$1" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }')
[ -n "$exported" ] || { echo "$1 exports nothing" >&2; exit 1; }
if grep -v '^siov_' <<<"$exported"; then
    echo "exported and not siov_*" >&2
    exit 1
fi

# Constants that hold addresses lie in .data.rel.ro, which is read-only once loaded.
mutable=$(objdump -t "$2" | sed 's/\.hidden //' | awk '
    NF >= 5 && $(NF - 1) !~ /^0+$/ && $(NF - 2) ~ /^(\.data(\.rel(\.local)?)?|\.bss|\*COM\*)$/ {
        print $NF
    }')
if grep -vxE '.*logtype|registry|guard_(lock|nb_users|is_installed|old)' <<<"$mutable" | grep .; then
    echo "mutable and global to the process" >&2
    exit 1
fi
