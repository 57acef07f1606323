#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# man.sh DOCS-DIR SOURCE-DIR SIOV-TESTPMD PROGRAM...: the pages are without warning, and the page of each program has the
# options of its -h, no more and no fewer, with a value where they take one; siov(7) has all telemetry commands.
set -uo pipefail
docs=$1
source_dir=$2
shift 2
program=$1
nb_failed=0

fail()
{
    echo "FAIL: $*"
    nb_failed=$((nb_failed + 1))
}

# Options as "[-x ]--name[=]"; = where a value is allowed or required.
# options_of_help PROGRAM
options_of_help()
{
    "$1" -- -h </dev/null | sed -nE \
        's/^  (-([a-z]), )?--([a-z0-9-]+)(\[?=\.\.\.\]?)?( .*)?$/\2 --\3\4/p' |
        sed -E 's/\[?=\.\.\.\]?$/=/; s/^([a-z])/-\1/; s/^ //' | sort
}

# ".It Fl x , Fl Fl name Ns = Ns Ar V"
options_of_page()
{
    local page=$docs/man/${1##*/}.1
    sed -nE 's/^\.It (Fl ([a-z]) , )?Fl Fl ([a-z0-9-]+)( Ns (Op )?= .*)?$/\2 --\3\4/p' "$page" |
        sed -E 's/ Ns (Op )?=.*$/=/; s/^([a-z])/-\1/; s/^ //' | sort
}

check_options()
{
    local name=${1##*/}
    [ "$(options_of_help "$1" | wc -l)" -ge 20 ] || fail "$name -h lists too few options to be true"
    diff <(options_of_help "$1") <(options_of_page "$1") ||
        fail "$name -h (<) and docs/man/$name.1 (>) differ: give each option an .It"
}

# The first word of every command of the prompt is one of the page's.
check_commands()
{
    local verb words
    words=$(sed -nE 's/^\.It Ic //p' "$docs/man/siov-testpmd.1" | tr -d ,)
    for verb in $(echo help | "$program" --no-huge -- -i 2>/dev/null | sed -nE 's/^[a-z]+ +([a-z]+).*/\1/p' |
        sort -u); do
        grep -qw -- "$verb" <<<"$words" || fail "command $verb is not in docs/man/siov-testpmd.1"
    done
    [ -n "${verb:-}" ] || fail 'help lists no command'
}

check_telemetry()
{
    diff <(grep -hoE '"/siov/[a-z/]+"' "$source_dir"/{ctrl/telemetry,host/telemetry_vdev}.c | tr -d '"' | sort -u) \
        <(sed -nE 's/^\.It Ic (\/siov[a-z\/]+).*/\1/p' "$docs/man/siov.7" | sort) ||
        fail 'commands of telemetry (<) and docs/man/siov.7 (>) differ'
}

check_pages()
{
    local page said
    for page in "$docs"/man/*.[1-8]; do
        said=$(groff -mandoc -Tutf8 -ww -z "$page" 2>&1)
        [ -z "$said" ] || fail "$page: $said"
        if command -v man >/dev/null; then
            said=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 "$page" 2>&1 >/dev/null)
            [ -z "$said" ] || fail "$page: $said"
        fi
    done
}

if ! command -v groff >/dev/null; then
    echo 'groff is not installed'
    exit 77
fi
for one in "$@"; do
    check_options "$one"
done
check_commands
check_telemetry
check_pages
exit $((nb_failed != 0))
