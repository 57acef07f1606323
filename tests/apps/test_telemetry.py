#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""
test_telemetry.py SIOV-TESTPMD SIOV.PY: does what dpdk-telemetry-exporter.py does with an endpoint, against the socket
of a siov-testpmd that runs, and looks at what comes out.
"""
import collections
import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading

NB_PASIDS = 40  # more than one answer has
COMMANDS = [
    "start",
    "wait",
    "adi create type context wq 0 pasid 900",
    "vdev create type swq",
    "show config wq",
]


class TelemetrySocket:
    """What an endpoint is given."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.connect(path)
        self.max_output_len = json.loads(self.sock.recv(1024))["max_output_len"]

    def cmd(self, uri, arg=None):
        self.sock.send((uri if arg is None else f"{uri},{arg}").encode())
        return json.loads(self.sock.recv(self.max_output_len))[uri]


class GoneSocket:
    """A device that goes once it was listed."""

    def cmd(self, uri, arg=None):
        return {"/siov/list": ["gone"]}.get(uri)


def load(path):
    sys.dont_write_bytecode = True
    spec = importlib.util.spec_from_file_location("siov", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def check_info(info):
    assert info
    for name, (text, kind) in info.items():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", name), name
        assert text and "\n" not in text, name
        assert kind in ("counter", "gauge"), name


def check_metrics(info, found):
    series = set()
    for name, value, labels in found:
        assert name in info, f"{name} is not in info()"
        assert isinstance(value, int) and value >= 0, f"{name}: {value}"
        one = (name, *sorted(labels.items()))
        assert one not in series, f"twice: {one}"
        series.add(one)
    never = info.keys() - {name for name, _, _ in found}
    assert not never, f"in info() and never shown: {never}"


def check_values(found):
    values = collections.defaultdict(dict)
    for name, value, labels in found:
        values[name][tuple(sorted((k, str(v)) for k, v in labels.items()))] = value
    assert list(values["wq_size"].values()) == [128]
    (accepted,) = values["wq_accepted_ops"].values()
    (completed,) = values["wq_completed_ops"].values()
    assert accepted > 0 and completed == accepted
    # NB_PASIDS of the workload, those of ADI and VDEV, and "others".
    by_pasid = values["pasid_accepted_ops"]
    assert len(by_pasid) >= NB_PASIDS, by_pasid
    assert sum(by_pasid.values()) == accepted
    assert sum(nb > 0 for nb in by_pasid.values()) == NB_PASIDS
    assert any(dict(labels)["type"] == "context" for labels in values["adi_accepted_ops"])
    assert [dict(labels)["type"] for labels in values["vdev_requests"]] == ["swq"]
    (lookups,) = values["iommu_atc_lookup_ops"].values()
    assert lookups > accepted


def start(program, directory):
    env = {**os.environ, "RUNTIME_DIRECTORY": directory}
    options = ["-i", f"--nb-pasids={NB_PASIDS}", "--duration=0.1", "--warmup=0"]
    process = subprocess.Popen(
        [program, "--no-huge", "--file-prefix=siov_exporter", "--", *options],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)
    threading.Timer(50, process.kill).start()
    process.stdin.write("\n".join(COMMANDS) + "\n")
    process.stdin.flush()
    for line in process.stdout:
        if line.startswith("wq 0: "):
            return process
    raise AssertionError("siov-testpmd ended early")


def main(program, endpoint):
    siov = load(endpoint)
    info = siov.info()
    check_info(info)
    assert siov.metrics(GoneSocket()) == []
    with tempfile.TemporaryDirectory() as directory:
        process = start(program, directory)
        try:
            found = siov.metrics(TelemetrySocket(f"{directory}/dpdk/siov_exporter/dpdk_telemetry.v2"))
        finally:
            process.communicate("quit\n")
        assert process.returncode == 0, process.returncode
    check_metrics(info, found)
    check_values(found)


main(*sys.argv[1:])
os._exit(0)  # the timer may still wait
