#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# doxygen.sh OUTPUT-DIR HEADER...: writes HTML of the public headers to OUTPUT-DIR/html. Any warning is a failure, and
# so is a header that the main page forgets.
set -euo pipefail
docs=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=$1
shift
if ! command -v doxygen >/dev/null; then
    echo 'doxygen is not installed'
    exit 77
fi

mkdir -p "$out"
bad=0
for header in "$@"; do
    grep -qw "${header##*/}" "$docs/api.md" ||
        { echo "${header##*/}: public, and not on the main page docs/api.md" >&2; bad=1; }
done
{
    cat "$docs/Doxyfile"
    printf 'OUTPUT_DIRECTORY = "%s"\n' "$out"
    printf 'INPUT = "%s"' "$docs/api.md"
    printf ' "%s"' "$@"
    echo
} >"$out/Doxyfile"
# Not every version ends with an error where it warned.
doxygen "$out/Doxyfile" >"$out/doxygen.log" 2>&1 || bad=1
[ ! -s "$out/doxygen.log" ] || { cat "$out/doxygen.log" >&2; bad=1; }
exit "$bad"
