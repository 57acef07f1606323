#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""
abi.py LIBSIOV.SO [--write]: compares what programs built against the library rely on with abi.txt: functions that are
exported, sizes of public structs with offsets of their fields, values of public enums. --write makes abi.txt anew.
"""
import difflib
import os
import re
import subprocess
import sys
import tempfile

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FOLDERS = ["swq", "iommu", "adi", "dataplane", "ctrl", "host", "guest"]
LIST = os.path.join(SOURCE, "tests", "install", "abi.txt")
ADVICE = """
the ABI is not that of tests/install/abi.txt. If that is meant: tests/install/abi.py {} --write
What is only new needs nothing else; what changed or went needs another soversion in meson.build.
"""


def public_headers():
    return sorted(
        os.path.join(folder, name)
        for folder in FOLDERS
        for name in os.listdir(os.path.join(SOURCE, folder))
        if name.startswith("siov_") and name.endswith(".h") and not name.endswith("_priv.h")
    )


def text_of(header):
    with open(os.path.join(SOURCE, header), encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    # Conditional parts are those of one compiler or DPDK: no struct begins there.
    return re.sub(r"^[ \t]*#(\\\n|.)*$", "", text, flags=re.M)


def body_from(text, start):
    depth, end = 1, start
    while depth > 0:
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        end += 1
    return text[start:end - 1]


def members_of(body):
    """Names of the members of a struct that have an offset of their own: not bit fields, not what is in braces."""
    while re.search(r"\{[^{}]*\}", body):
        body = re.sub(r"\{[^{}]*\}", " ", body)
    for member in body.split(";"):
        member = re.sub(r"__attribute__\s*\(\(.*?\)\)\s*$|__rte_cache_aligned\s*$", "", member.strip()).strip()
        pointer = re.search(r"\(\*\s*(\w+)\s*\)\s*\(", member)
        name = pointer or re.search(r"(\w+)\s*(\[[^]]*\]\s*)*$", member)
        if member and name and not re.search(r":\s*\d+\s*$", member):
            yield name.group(1)


def enumerators_of(body):
    for part in body.split(","):
        name = re.match(r"\s*(\w+)", part)
        if name:
            yield name.group(1)


def program_for(headers):
    lines = ["#include <stdio.h>", "#include <sys/queue.h>"]
    lines += [f'#include "{os.path.basename(header)}"' for header in headers]
    lines += ["int main(void)", "{"]
    for header in headers:
        text = text_of(header)
        for found in re.finditer(r"^\s*(struct|union) (siov_\w+) \{", text, flags=re.M):
            name = f"{found.group(1)} {found.group(2)}"
            lines.append(f'printf("{name}: %zu bytes\\n", sizeof({name}));')
            for member in members_of(body_from(text, found.end())):
                lines.append(f'printf("{name}.{member}: at %zu\\n", offsetof({name}, {member}));')
        for found in re.finditer(r"enum (siov_\w+) \{", text):
            for one in enumerators_of(body_from(text, found.end())):
                lines.append(f'printf("enum {found.group(1)}: {one} = %lld\\n", (long long){one});')
    return "\n".join(lines + ["return 0;", "}", ""])


def layouts():
    flags = subprocess.run(["pkg-config", "--cflags", "libdpdk"], check=True, capture_output=True, text=True)
    with tempfile.TemporaryDirectory() as directory:
        source, program = (os.path.join(directory, name) for name in ("abi.c", "abi"))
        with open(source, "w", encoding="utf-8") as file:
            file.write(program_for(public_headers()))
        folders = [f"-I{os.path.join(SOURCE, folder)}" for folder in FOLDERS]
        subprocess.run(["cc", "-std=gnu11", "-D_GNU_SOURCE", *folders, *flags.stdout.split(), source, "-o", program],
                       check=True)
        return subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines()


def symbols(library):
    listed = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True)
    for line in listed.stdout.splitlines():
        _, kind, name = line.split()
        if kind != "A":
            yield f"{'function' if kind == 'T' else kind} {name}"


def main(library, *rest):
    now = sorted(symbols(library)) + sorted(layouts())
    if rest == ("--write",):
        with open(LIST, "w", encoding="utf-8") as file:
            file.write("\n".join(now) + "\n")
        return 0
    with open(LIST, encoding="utf-8") as file:
        then = file.read().splitlines()
    changes = [
        line
        for line in difflib.unified_diff(then, now, "abi.txt", "now", n=0, lineterm="")
        if not line.startswith("@@")
    ]
    if changes:
        print("\n".join(changes), ADVICE.format(library), sep="\n", file=sys.stderr)
    return bool(changes)


sys.exit(main(*sys.argv[1:]))
