# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What the tests of the programs share. Sourced; $1 of the test is the program.
# Every run uses ordinary memory and its own file prefix, so tests may run side by side.

program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
nb_failed=0

fail()
{
    echo "FAIL: $*"
    nb_failed=$((nb_failed + 1))
}

# run STATUS [ARGUMENT]...: run the program; its output lands in $work/out and $work/err.
run()
{
    local wanted=$1 status=0
    shift
    timeout 60 "$program" "$@" >"$work/out" 2>"$work/err" </dev/null || status=$?
    [ "$status" -eq "$wanted" ] && return 0
    fail "$*: exit status $status instead of $wanted"
    sed 's/^/    /' "$work/err"
    return 1
}

# run_app STATUS [OPTION]...: the same for options after "--", without hugepages.
run_app()
{
    local wanted=$1
    shift
    run "$wanted" --no-huge -- "$@"
}

# refuse LINE [OPTION]...: the options are refused with exactly this line, and nothing runs.
refuse()
{
    local line=$1
    shift
    run_app 1 "$@" || return 0
    [ "$(cat "$work/err")" = "${program##*/}: $line" ] ||
        fail "$*: said '$(cat "$work/err")' instead of '$line'"
    [ ! -s "$work/out" ] || fail "$*: printed something on stdout"
}

# expect FILE PATTERN: a line of $work/FILE matches.
expect()
{
    grep -qE -- "$2" "$work/$1" || fail "no line of $1 matches '$2'"
}

finish()
{
    [ "$nb_failed" -eq 0 ] || echo "$nb_failed failed"
    exit $((nb_failed != 0))
}
