#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Captures for test_copyfwd.sh: make, take, compare, and count their flows.

    make FILE            packets of all kinds, always the same
    capture IFACE FILE   what passes an interface, until SIGTERM
    offload IFACE        switch off checksum and segmentation offloads, which a live path would need
    datagrams ADDRESS    exchange UDP datagrams with an echo server, some in fragments
    echo                 the server
    ping ADDRESS N       N echo requests, each answered
    count FILE           print how many packets there are
    compare IN OUT       the same packets, byte for byte, in the same order
    send-tagged IFACE    send frames with a VLAN tag
    has-tagged FILE      they are there, as they were sent
    flows IN JSON        the program's figures are those of the capture
"""
import collections
import ctypes
import fcntl
import json
import os
import random
import select
import signal
import socket
import struct
import sys

SNAPLEN = 9000  # what DPDK's pcap driver writes whole
MAGICS = (0xA1B2C3D4, 0xA1B23C4D)  # microseconds, nanoseconds
HEADER = struct.Struct("=IHHiIII")
RECORD = struct.Struct("=IIII")
SIOCETHTOOL = 0x8946
SOL_PACKET, PACKET_AUXDATA, TP_STATUS_VLAN_VALID = 263, 8, 0x10
PORTS = (socket.IPPROTO_TCP, socket.IPPROTO_UDP, socket.IPPROTO_SCTP)


def fail(text):
    sys.exit("pcaps.py: " + text)


def write_header(f):
    f.write(HEADER.pack(MAGICS[0], 2, 4, 0, 0, 65535, 1))


def write_packet(f, when, data):
    f.write(RECORD.pack(when // 1000000, when % 1000000, len(data), len(data)) + data)


def read(path):
    with open(path, "rb") as f:
        data = f.read()
    if len(data) < HEADER.size or HEADER.unpack_from(data)[0] not in MAGICS:
        fail(path + ": no capture")
    packets, at = [], HEADER.size
    while at < len(data):
        size = RECORD.unpack_from(data, at)[2]
        at += RECORD.size
        packets.append(data[at : at + size])
        at += size
    if at != len(data):
        fail(path + ": cut off")
    return packets


# ---- made ----


def ether(kind, payload, vlans=()):
    tags = b"".join(struct.pack("!HH", 0x8100, vlan) for vlan in vlans)
    return b"\2\0\0\0\0\1\2\0\0\0\0\2" + tags + struct.pack("!H", kind) + payload


def ipv4(host, proto, payload, fragment=0, options=b""):
    head = struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, 0, 20 + len(options) + len(payload),
                       7, fragment, 64, proto, 0, bytes([10, 0, host >> 8, host & 255]),
                       b"\x0a\x01\0\1")
    return ether(0x0800, head + options + payload)


def ipv6(host, proto, payload):
    head = struct.pack("!IHBB16s16s", 6 << 28, len(payload), proto, 64, bytes(14) + struct.pack("!H", host),
                       b"\xfd" + bytes(15))
    return ether(0x86DD, head + payload)


def ports(src, dst, data):
    return struct.pack("!HH", src, dst) + bytes(8) + data


def one(rnd):
    data = rnd.randbytes(rnd.choice([0, 1, 6, 20, 64, 500, 1460]))
    host, port = rnd.randrange(12), rnd.choice([53, 80, 443])
    kind = rnd.randrange(12)
    if kind == 0:
        return ether(0x0806, data[:28])
    if kind == 1:
        return ipv4(host, socket.IPPROTO_ICMP, data)
    if kind == 2:
        return ipv6(host, rnd.choice(PORTS), ports(1000 + host, port, data))
    if kind == 3:  # tagged once or twice
        plain = ipv4(host, socket.IPPROTO_UDP, ports(7, port, data))
        return ether(0x0800, plain[14:], [5, 6][: rnd.randrange(1, 3)])
    if kind == 4:  # fragments, with and without the ports
        return ipv4(host, socket.IPPROTO_UDP, ports(7, port, data), rnd.choice([0x2000, 185]))
    if kind == 5:
        return ipv4(host, socket.IPPROTO_TCP, ports(9, port, data), options=bytes(8))
    if kind == 6:  # more than an mbuf holds
        return ipv4(host, socket.IPPROTO_TCP, ports(8, port, rnd.randbytes(rnd.randrange(2000, SNAPLEN - 60))))
    if kind == 7:  # cut off anywhere
        whole = ipv4(host, socket.IPPROTO_TCP, ports(9, port, data))
        return whole[: rnd.randrange(1, len(whole))]
    return ipv4(host, rnd.choice(PORTS), ports(1000, port, data))


def make(path, nb=1500):
    rnd = random.Random(1)
    with open(path, "wb") as f:
        write_header(f)
        for i in range(nb):
            write_packet(f, i * 10, one(rnd))


# ---- taken ----


def receive_whole(sock):
    """The kernel takes the outer tag out of a packet and tells it beside."""
    data, ancillary, _, _ = sock.recvmsg(65536, 256)
    for level, kind, value in ancillary:
        if level == SOL_PACKET and kind == PACKET_AUXDATA:
            status, _, _, _, _, tci, tpid = struct.unpack_from("=IIIHHHH", value)
            if status & TP_STATUS_VLAN_VALID:
                return data[:12] + struct.pack("!HH", tpid, tci) + data[12:]
    return data


def capture(iface, path):
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 20)
    sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    sock.bind((iface, 0))
    stop_r, stop_w = os.pipe()
    signal.signal(signal.SIGTERM, lambda *_: os.write(stop_w, b"x"))
    with open(path, "wb") as f:
        write_header(f)
        f.flush()
        when = 0
        while True:
            ready = select.select([sock, stop_r], [], [])[0]
            if sock in ready:
                write_packet(f, when, receive_whole(sock)[:SNAPLEN])
                f.flush()
                when += 1
            elif stop_r in ready:
                return


def offload(iface):
    """ETHTOOL_STXCSUM, _STSO, _SGSO to 0."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for command in (0x17, 0x1F, 0x24):
            value = (ctypes.c_uint32 * 2)(command, 0)
            request = struct.pack("16sQ16x", iface.encode(), ctypes.addressof(value))
            fcntl.ioctl(sock, SIOCETHTOOL, request)


def echo():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("0.0.0.0", 7))
        while True:
            data, peer = sock.recvfrom(65536)
            sock.sendto(data, peer)


def datagrams(address):
    rnd = random.Random(2)
    for size in (1, 100, 1400, 4000, 8000):
        for _ in range(8):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.settimeout(1)
                data = rnd.randbytes(size)
                for _ in range(20):  # the server may not be there yet
                    sock.sendto(data, (address, 7))
                    try:
                        if sock.recv(65536) == data:
                            break
                    except OSError:
                        continue
                else:
                    fail("no echo of %d bytes" % size)


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def ping(address, nb):
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
        sock.settimeout(1)
        for seq in range(nb):
            body = struct.pack("!HH", os.getpid() & 0xFFFF, seq) + os.urandom(400)
            request = struct.pack("!BBH", 8, 0, checksum(b"\x08\0\0\0" + body)) + body
            for _ in range(20):  # the path may not be there yet
                try:
                    sock.sendto(request, (address, 0))
                    while sock.recv(4096)[20:] != struct.pack("!BBH", 0, 0, checksum(bytes(4) + body)) + body:
                        pass
                    break
                except OSError:
                    continue
            else:
                fail("no answer to echo request %d" % seq)


def tagged():
    return [ether(0x88B5, bytes([n]) * 100, [0x6005]) for n in range(3)]


def send_tagged(iface):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
        sock.bind((iface, 0))
        for frame in tagged():
            sock.send(frame)


# ---- looked at ----


def has_tagged(path):
    got = [packet for packet in read(path) if packet[16:18] == b"\x88\xb5"]
    if got != tagged():
        fail("tagged frames: %s" % got)


def compare(path_in, path_out):
    given, got = read(path_in), read(path_out)
    for i, (a, b) in enumerate(zip(given, got)):
        if a != b:
            fail("packet %d of %d differs: %d bytes in, %d out" % (i, len(given), len(a), len(b)))
    if len(given) != len(got):
        fail("%d packets in, %d out" % (len(given), len(got)))
    if not given:
        fail("no packets")


def key_of(packet):
    """What tells flows apart, found anew here."""
    if len(packet) < 14:
        return ()
    at, kind = 14, struct.unpack_from("!H", packet, 12)[0]
    for _ in range(2):
        if kind in (0x8100, 0x88A8) and len(packet) >= at + 4:
            kind = struct.unpack_from("!H", packet, at + 2)[0]
            at += 4
    if kind == 0x0800 and len(packet) >= at + 20:
        head = struct.unpack_from("!BBHHHBBH4s4s", packet, at)
        key = (kind, head[6], head[8], head[9])
        at += (head[0] & 15) * 4
        has_ports = head[4] & 0x3FFF == 0
    elif kind == 0x86DD and len(packet) >= at + 40:
        head = struct.unpack_from("!IHBB16s16s", packet, at)
        key = (kind, head[2], head[4], head[5])
        at += 40
        has_ports = True
    else:
        return (kind, packet[:12])
    if has_ports and key[1] in PORTS and len(packet) >= at + 4:
        return key + struct.unpack_from("!HH", packet, at)
    return key


def flows(path_in, path_json):
    with open(path_json, encoding="ascii") as f:
        report = json.load(f)
    nb_flows, order = report["config"]["nb_flows"], {}
    wanted = collections.defaultdict(lambda: [0, 0])
    for packet in read(path_in):
        idx = order.setdefault(key_of(packet), len(order))
        flow = wanted[min(idx, nb_flows - 1)]
        flow[0] += 1
        flow[1] += len(packet)
    got = {flow["flow"]: [flow["rx"], flow["rx_bytes"]] for flow in report["flows"]}
    if got != wanted:
        fail("flows differ: %s instead of %s" % (got, dict(wanted)))
    for field, total in report["total"].items():
        if sum(flow[field] for flow in report["flows"]) != total:
            fail("%s of the flows do not add up to %d" % (field, total))
    for flow in report["flows"]:
        if flow["rx"] != flow["tx"] or flow["rx_bytes"] != flow["tx_bytes"] or flow["copies"] < flow["rx"]:
            fail("flow %s: not all was sent" % flow)
    if report["config"]["copy"] == "native":
        if [flow["pasid"] for flow in report["flows"]] != [flow["flow"] + 1 for flow in report["flows"]]:
            fail("PASIDs are not one a flow")


def main():
    command, arguments = sys.argv[1], sys.argv[2:]
    if command == "ping":
        arguments[1] = int(arguments[1])
    {
        "make": make, "capture": capture, "offload": offload, "datagrams": datagrams, "echo": echo,
        "ping": ping, "count": lambda path: print(len(read(path))), "compare": compare, "flows": flows,
        "send-tagged": send_tagged, "has-tagged": has_tagged,
    }[command](*arguments)


main()
