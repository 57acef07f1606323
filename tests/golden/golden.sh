#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# golden.sh DUMP [update]: what the real lspci reads in each configuration space, against NAME.txt.
set -euo pipefail
dump=$1
here=$(dirname "${BASH_SOURCE[0]}")
# It is in a directory for administrators.
PATH=$PATH:/usr/sbin:/sbin
command -v lspci >/dev/null || { echo 'skipped: no lspci (pciutils)'; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
for name in function function_no_ims_64k swq dwq mixed dynamic dvsec; do
    "$dump" "$name" >"$work/$name.hex"
    # Names of devices come from a database that grows.
    lspci -n -F "$work/$name.hex" -vvv >"$work/$name.txt" 2>"$work/$name.all" || failed=1
    # Where there are no kernel modules it says so.
    grep -v libkmod "$work/$name.all" >"$work/$name.err" || true
    if [ -s "$work/$name.err" ]; then
        echo "$name: lspci complains:"
        cat "$work/$name.err"
        failed=1
    fi
    [ "${2-}" != update ] || cp "$work/$name.txt" "$here/$name.txt"
    diff -u "$here/$name.txt" "$work/$name.txt" || failed=1
done
exit "$failed"
