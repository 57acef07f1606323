#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# House style: each check below is named, prints what it found, and can fail the build.
# Without argument all checks run; arguments name the ones to run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

layers=(swq iommu adi dataplane ctrl host guest)
checks=(format headers headers_cxx layers guest tokens conditions leftovers spdx paths text shell)

list_files()
{
    if [ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$PWD" ]; then
        git ls-files -z -co --exclude-standard
    else # a release tarball
        find . \( -name .git -o -path './build*' -o -name .cache \) -prune -o -type f -printf '%P\0'
    fi
}

all=()
code=()
headers=()
shells=()
while IFS= read -r -d '' file; do
    [ -f "$file" ] || continue
    all+=("$file")
    case $file in
    *.c) code+=("$file") ;;
    *.h) code+=("$file") headers+=("$file") ;;
    *.sh | .ci/run) shells+=("$file") ;;
    esac
done < <(list_files)
[ "${#code[@]}" -gt 0 ] || { echo "style: no source found in $PWD" >&2; exit 1; }

# Lines of C as FILE:LINE:TEXT with comments and the insides of literals blanked out.
stripped()
{
    awk '
    FNR == 1 { comment = 0 }
    {
        out = ""
        for (i = 1; i <= length($0); i++) {
            two = substr($0, i, 2)
            c = substr($0, i, 1)
            if (comment) {
                if (two == "*/") { comment = 0; i++ }
            } else if (two == "/*") {
                comment = 1; i++
            } else if (two == "//") {
                break
            } else if (c == "\"" || c == "\047") {
                q = c
                for (i++; i <= length($0) && (c = substr($0, i, 1)) != q; i++)
                    if (c == "\\") i++
                out = out q q
            } else {
                out = out c
            }
        }
        print FILENAME ":" FNR ":" out
    }' "$@"
}

# refuse WHY PATTERN: lines on stdin that match (the text, not the file name) are the failure.
refuse()
{
    local found
    found=$(grep -P "^[^:]*:[0-9]+:.*(?:$2)" || true)
    [ -z "$found" ] || { printf '%s\n' "$found" | sed "s|\$|   <- $1|"; return 1; }
}

# Lines of all text files as FILE:LINE:TEXT that match a pattern.
matching()
{
    printf '%s\0' "${all[@]}" | { xargs -0 grep -nIHE "$1" || true; }
}

include_flags()
{
    printf ' -I%s' "${layers[@]}" tests apps/common
    pkg-config --cflags libdpdk | sed 's/ *-I/ -isystem /g; s/^/ /'
}

check_format()
{
    local tool=clang-format-14
    command -v "$tool" >/dev/null || tool=clang-format
    if ! "$tool" --version 2>/dev/null | grep -q 'version 14\.'; then
        echo "not checked: layout is defined by clang-format 14" >&2
        return 0
    fi
    printf '%s\0' "${code[@]}" | xargs -0 -n 8 -P 2 "$tool" --style=file --dry-run -Werror
}

# compile_alone LANGUAGE "COMPILER FLAGS" HEADER...
compile_alone()
{
    local language=$1 compiler=$2
    shift 2
    [ $# -gt 0 ] || return 0
    # shellcheck disable=SC2016
    printf '%s\0' "$@" | xargs -0 -n 1 -P 2 bash -c '
        printf "#include \"%s\"\n" "$PWD/$2" |
            $1 -I"$(dirname "$2")" -fsyntax-only -x "$0" - 2>&1 ||
            { echo "$2: does not compile alone as $0"; exit 1; }' "$language" "$compiler"
}

check_headers()
{
    compile_alone c "gcc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror$(include_flags)" \
        "${headers[@]}"
}

check_headers_cxx()
{
    local header public=()
    for header in "${headers[@]}"; do
        case $header in
        */siov_*_priv.h | tests/*) ;;
        */siov_*.h) public+=("$header") ;;
        esac
    done
    compile_alone c++ "g++ -std=c++11 -Wall -Wextra -Werror$(include_flags)" "${public[@]}"
}

# The library folders that a folder may include.
allowed_below()
{
    case $1 in
    swq) echo swq ;;
    iommu) echo swq iommu ;;
    adi) echo swq iommu adi ;;
    dataplane) echo swq iommu adi dataplane ;;
    ctrl) echo swq iommu adi dataplane ctrl ;;
    host) echo swq iommu adi dataplane ctrl host ;;
    apps | tests) echo "${layers[*]}" apps/common ;;
    *) echo "${layers[*]}" ;;
    esac
}

# may_include FILE HEADER: may FILE name HEADER, which lies in a library folder or beside FILE?
may_include()
{
    local file=$1 header=$2 top=${1%%/*} layer
    [ -f "$(dirname "$file")/$header" ] && return 0
    [ "$top" = tests ] && [ -n "$(find tests -name "$header")" ] && return 0
    for layer in $(allowed_below "$top"); do
        [ -f "$layer/$header" ] || continue
        [ "$layer" = apps/common ] && return 0
        [ "$top" = tests ] && return 0
        case $header in
        *_priv.h) return 1 ;;
        siov_*.h) return 0 ;;
        # Not installed: what the library's own folders above may see.
        *) case $top in iommu | adi | dataplane | ctrl | host) return 0 ;; esac ;;
        esac
    done
    return 1
}

check_layers()
{
    local file header line bad=0
    while IFS=: read -r file line header; do
        header=$(printf '%s' "$header" | sed 's/^[^<"]*[<"]\([^>"]*\)[>"].*/\1/')
        if [[ $header == siov/* && $file == tests/install/* ]]; then
            continue
        fi
        # A test may use what another folder of tests has.
        if [[ $file == tests/* && $header == */* && -f tests/$header ]]; then
            continue
        fi
        if [[ $header == */* ]] || ! may_include "$file" "$header"; then
            echo "$file:$line: \"$header\": not below this folder, not public, or not there"
            bad=1
        fi
    done < <(grep -nHE '^[[:space:]]*#[[:space:]]*include[[:space:]]*("|<siov)' "${code[@]}")
    return "$bad"
}

# The guest driver knows nothing but the VDEV; so does the example, which the folder's page quotes.
check_guest()
{
    local own='(siov_guest|guest_priv|minimal)\.h'
    local field='siov_(vcpu|vm_pasid|vdev_hw|regs_hw|desc|compat|portal)\.h'
    local system='(errno|sched|stdbool|stddef|stdint|stdlib|string|time)\.h|linux/(pci_regs|idxd)\.h'
    local bad=0
    printf '%s\0' guest/*.[ch] tests/guest/minimal.[ch] |
        { xargs -0 grep -nHE '^[[:space:]]*#[[:space:]]*include' || true; } |
        { grep -vE "include (\"($own|$field)\"|<($system)>)\$" || true; } |
        refuse 'a guest has no such thing' '' || bad=1
    awk '/^```$/ { on = 0 } on { print } /^```c$/ { on = 1 }' guest/README.md |
        diff - tests/guest/minimal.c >&2 || { echo "guest/README.md: not tests/guest/minimal.c"; bad=1; }
    return "$bad"
}

check_tokens()
{
    local bad=0 lines
    lines=$(stripped "${code[@]}")
    refuse 'unbounded or unchecked' '\b(atoi|atol|strcpy|strcat|strtok|v?sprintf)\b' \
        <<<"$lines" || bad=1
    grep -v '^swq/siov_compat\.h:' <<<"$lines" |
        refuse 'atomics are those of swq/siov_compat.h' \
            '\b(__atomic_\w+|__ATOMIC_\w+|__sync_\w+|_Atomic|stdatomic)\b' || bad=1
    grep -v '^bench/' <<<"$lines" |
        refuse 'only in bench' '\bvolatile\b|(?<!__asm__ )\b__volatile__\b' || bad=1
    grep -vE '^(apps|bench|tests)/' <<<"$lines" |
        refuse 'only in apps, bench and tests' \
            '\b(v?printf|puts|putchar|perror|rte_exit|exit)\s*\(|\b(stdout|stderr)\b' || bad=1
    return "$bad"
}

# From "if (" or "while (" to an assignment, without leaving that parenthesis.
check_conditions()
{
    stripped "${code[@]}" | refuse 'assignment in a condition' \
        '\b(?:if|while) \((?:[^()]|(\((?:[^()]|(?1))*\))|\()*[^=!<>]=(?!=)'
}

check_leftovers()
{
    matching '\b(TO''DO|FIX''ME)\b' | refuse 'belongs in an issue' ''
}

check_spdx()
{
    local file bad=0
    for file in "${all[@]}"; do
        case ${file##*/} in
        meson_options.txt) ;;
        LICENSE | *.md | *.json | *.csv | *.txt | *.png | *.svg | *.bin) continue ;;
        esac
        head -n 3 "$file" | grep -q 'SPDX-License-Identifier: BSD-3-Clause' ||
            { echo "$file: no SPDX line"; bad=1; }
    done
    return "$bad"
}

# Nothing that holds on one machine only; the patterns are in pieces so as not to find themselves.
check_paths()
{
    matching '(^|[^[:alnum:]_.$}-])/(wo''rk|ro''ot|ho''me)/|\.\./sha''red\b' |
        refuse 'path of one machine' ''
}

check_text()
{
    local file bad=0
    for file in "${all[@]}"; do
        [ -s "$file" ] && grep -qI . "$file" || continue
        [ -z "$(tail -c 1 "$file")" ] || { echo "$file: no newline at the end"; bad=1; }
    done
    matching '[[:space:]]+$' | refuse 'white space at the end of a line' '' || bad=1
    return "$bad"
}

check_shell()
{
    local file bad=0
    for file in "${shells[@]}"; do
        bash -n "$file" || bad=1
        if [ "$(head -c 2 "$file")" = '#!' ] && [ ! -x "$file" ]; then
            echo "$file: has an interpreter line and is not executable"
            bad=1
        fi
    done
    return "$bad"
}

[ $# -eq 0 ] || checks=("$@")
failed=()
for check in "${checks[@]}"; do
    declare -F "check_$check" >/dev/null || { echo "style: no check '$check'" >&2; exit 1; }
    if "check_$check"; then
        echo "style: $check: ok"
    else
        echo "style: $check: FAILED"
        failed+=("$check")
    fi
done
[ "${#failed[@]}" -eq 0 ] || { echo "style: failed: ${failed[*]}" >&2; exit 1; }
