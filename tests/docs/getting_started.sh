#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# getting_started.sh SOURCE-DIR SIOV-TESTPMD: docs/getting-started.md is true. Each ```sh block runs, and prints the lines of
# the ```text block behind it but for numbers; ```c blocks are what is tested elsewhere; links lead somewhere.
set -uo pipefail
source_dir=$1
export program=$2
page=$source_dir/docs/getting-started.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
nb_failed=0

fail()
{
    echo "FAIL: $*"
    nb_failed=$((nb_failed + 1))
}

# Blocks become files 01.sh, 02.text, 03.c, ... in their order.
split_blocks()
{
    awk -v dir="$work" '
        /^```$/ { on = 0; close(file); next }
        /^```[a-z]+$/ { on = 1; file = sprintf("%s/%02d.%s", dir, ++nb, substr($0, 4)); next }
        on { print >file }' "$page"
}

# Numbers, signs and the width of columns are of one run.
shape()
{
    sed -E 's/[-+]?[0-9][0-9.]*/N/g; s/ +/ /g' "$1" | grep -vxF '...' | sort -u
}

# The page's command, in memory that needs no set-up.
make_program()
{
    mkdir "$work/bin"
    printf '#!/bin/sh\nexec "$program" --no-huge "$@"\n' >"$work/bin/siov-testpmd"
    chmod +x "$work/bin/siov-testpmd"
}

check_command()
{
    local script=$1 text=$2 out=$work/out missing
    [ -f "$text" ] || { fail "${script##*/}: no text block behind a command"; return; }
    PATH=$work/bin:$PATH timeout 60 bash -e "$script" >"$out" 2>"$work/err" </dev/null ||
        { fail "exit status $? of: $(cat "$script")"; cat "$work/err"; return; }
    missing=$(comm -23 <(shape "$text") <(shape "$out"))
    [ -z "$missing" ] || fail "$(head -1 "$script"): does not print: $missing"
}

check_commands()
{
    local script nb=0 text
    for script in "$work"/*.sh; do
        text=$(printf '%s/%02d.text' "$work" $((10#$(basename "$script" .sh) + 1)))
        check_command "$script" "$text"
        nb=$((nb + 1))
    done
    [ "$nb" -ge 5 ] || fail "$nb commands on the page"
    [ "$(grep -c '^siov-testpmd' "$page")" -eq "$nb" ] || fail 'a command that is in no sh block'
}

# The program is that of tests/install; each other line of C is in the comment of a header.
check_code()
{
    local line
    sed 1,2d "$source_dir/tests/install/embed.c" | diff - "$work/01.c" || fail 'not tests/install/embed.c'
    while IFS= read -r line; do
        grep -qF -- "$line" "$source_dir/ctrl/siov_service.h" || fail "not in siov_service.h: $line"
    done <"$work/02.c"
}

check_links()
{
    local link
    for link in $(grep -oE '\]\([^)]+\)' "$page" | sed 's/^](//; s/)$//; s/#.*//'); do
        [ -e "$source_dir/docs/$link" ] || fail "link leads nowhere: $link"
    done
    # An anchor is a heading in lower case with dashes.
    for link in $(grep -oE '\]\([^)]+#[^)]+\)' "$page" | sed 's/^](//; s/)$//'); do
        grep '^#' "$source_dir/docs/${link%#*}" | tr 'A-Z ' 'a-z-' | grep -qE "^#+-${link#*#}\$" ||
            fail "no such heading: $link"
    done
}

split_blocks
make_program
check_code
check_links
check_commands
exit $((nb_failed != 0))
