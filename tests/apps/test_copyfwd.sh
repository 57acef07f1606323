#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# siov-copyfwd: what comes out is what went in, whoever copies; real traffic, taken and live.
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/testpmd.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

command -v python3 >/dev/null || { echo "SKIP: no python3"; exit 77; }

pcaps()
{
    python3 "$here/pcaps.py" "$@"
}

# forward IN [EAL ARGUMENT]... -- [OPTION]...: from and to a file; the copy and the figures are right.
forward()
{
    local in=$1 nb
    shift
    nb=$(pcaps count "$in")
    rm -f "$work/out.pcap"
    run 0 --no-huge "--vdev=net_pcap0,rx_pcap=$in,tx_pcap=$work/out.pcap" "$@" \
        --total-pkts="$nb" --json="$work/json" || return 0
    [ ! -s "$work/err" ] || [[ " $* " == *dmadev* ]] || fail "$*: said $(cat "$work/err")"
    pcaps compare "$in" "$work/out.pcap" || fail "$*: another capture"
    pcaps flows "$in" "$work/json" || fail "$*: other flows"
}

# refuse_eal LINE [EAL ARGUMENT]... -- [OPTION]...
refuse_eal()
{
    local line=$1
    shift
    run 1 --no-huge "$@" || return 0
    [ "$(grep '^siov-' "$work/err")" = "siov-copyfwd: $line" ] ||
        fail "$*: said '$(cat "$work/err")' instead of '$line'"
}

# ---- bad input ----

refuse '--copy=gpu: allowed: native, dmadev, memcpy' --copy=gpu
refuse '--nb-flows=0: allowed: 1 to 4096' --nb-flows=0
refuse '--nb-flows=4097: allowed: 1 to 4096' --nb-flows=4097
refuse '--ring-sz=3: allowed: a power of two, 2 to 16384' --ring-sz=3
refuse '--wq-sz=65537: allowed: 1 to 65536' --wq-sz=65537
refuse '--burst=257: allowed: 1 to 256' --burst=257
refuse '--duration=-1: allowed: 0.001 to 1000000 seconds' --duration=-1
refuse '--total-pkts=0: allowed: 1 or more' --total-pkts 0
refuse '--iommu: only with --copy=native' --copy=memcpy --iommu=sva
refuse '--dma: only with --copy=dmadev' --dma=dma0
refuse '--copy-core: not with --copy=dmadev, whose driver has its own' --copy=dmadev --copy-core=2
refuse '--copy-core=1: is the lcore of --fwd-core' --fwd-core=1 --copy-core=1
refuse '--bidir: takes no value' --bidir=yes
refuse '--rx: needs a value; allowed: a port'\''s name or number' --rx
refuse '--what: no such option; -h lists them' --what
refuse 'what: not an option; -h lists them' what
refuse 'no port; EAL'\''s --vdev makes one: --vdev=net_pcap0,rx_pcap=in.pcap,tx_pcap=out.pcap'
refuse_eal '--tx=net_null7: no such port; allowed: a name or number of 1 that there are' \
    --vdev=net_null0 -- --tx=net_null7
refuse_eal '--bidir: needs two ports, and --rx and --tx are the same one' --vdev=net_null0 -- --bidir
refuse_eal '--dma=dma9: no such dmadev; EAL'\''s --vdev makes one' \
    --vdev=net_null0 -- --copy=dmadev --dma=dma9
refuse_eal '--copy=dmadev: there is no dmadev; EAL'\''s --vdev makes one' \
    --vdev=net_null0 -- --copy=dmadev
refuse_eal 'too few lcores: 2; needed: the main one and one each to forward and to copy; EAL'\''s --lcores or -l gives more' \
    --lcores=0@0,1@0 --vdev=net_null0 --
run 0 -- --help
expect out '^  --nb-flows='
run 0 --version
expect out '^siov-copyfwd [0-9]'

# ---- packets of all kinds ----

pcaps make "$work/made.pcap"
forward "$work/made.pcap" --
forward "$work/made.pcap" -- --iommu=pt --nb-flows=1
forward "$work/made.pcap" -- --iommu=first --nb-flows=1000 --mbuf-size=256
forward "$work/made.pcap" -- --iommu=sva
forward "$work/made.pcap" -- --copy=memcpy --burst=5
# A queue of one entry refuses most of what it is offered, and nothing is lost.
forward "$work/made.pcap" -- --iommu=nested --wq-sz=1 --ring-sz=64 --burst=7
grep -q '"retries": [1-9]' "$work/json" || fail "a queue of one entry never told to retry"
if run 1 --no-huge --vdev=dma_skeleton -- --copy=dmadev && grep -q '^siov-copyfwd: no port' "$work/err"; then
    forward "$work/made.pcap" --vdev=dma_skeleton -- --copy=dmadev --ring-sz=16
else
    echo "not tested: --copy=dmadev, because dma_skeleton is not there"
fi

# What cannot be copied is told once, counted, and is no success; all else is forwarded.
run 1 --no-huge "--vdev=net_pcap0,rx_pcap=$work/made.pcap,tx_pcap=$work/out.pcap" -- \
    --ring-sz=4 --total-pkts="$(pcaps count "$work/made.pcap")" --json="$work/json"
expect err '^siov-copyfwd: a packet of [0-9]+ bytes in 5 segments is not forwarded: --ring-sz is less than its segments$'
[ "$(wc -l <"$work/err")" -eq 2 ] || fail "not forwarded: said $(cat "$work/err")"
expect err '^siov-copyfwd: [1-9][0-9]* packets failed$'

# A port that takes no more: dropped, by flow, and received is sent and dropped.
run 0 --no-huge --vdev=net_null0 --vdev=net_ring0 -- --tx=net_ring0 --total-pkts=3000
expect out '^total +3000 +192000 +3000 +[0-9]+ +1023 +1977 +0 +$'

# ---- real traffic ----

# spaces NAME...: network namespaces of this test.
spaces=()
pids=()
cleanup()
{
    [ "${#pids[@]}" -eq 0 ] || kill "${pids[@]}" 2>/dev/null
    wait "${pids[@]}" 2>/dev/null
    local space
    for space in "${spaces[@]}"; do
        ip netns del "$space" 2>/dev/null
    done
    rm -rf "$work"
}
trap cleanup EXIT

# join SPACE IFACE SPACE IFACE: a pair of interfaces, each in its name space.
join()
{
    ip -n "$1" link add "$2" type veth peer name "$4" netns "$3" &&
        ip -n "$1" link set "$2" up && ip -n "$3" link set "$4" up
}

# Not for what is to run in the background: $! would be the shell that runs this.
in_space()
{
    ip netns exec "$@"
}

make_spaces()
{
    [ "$(id -u)" -eq 0 ] && command -v ip >/dev/null || return 1
    local space
    for space in "siov_a$$" "siov_b$$" "siov_f$$"; do
        ip netns add "$space" 2>/dev/null || return 1
        spaces+=("$space")
        ip -n "$space" link set lo up || return 1
    done
}

# wait_for COMMAND...: until it succeeds.
wait_for()
{
    local i
    for ((i = 0; i < 200; i++)); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.05
    done
    fail "never: $*"
}

# talk SPACE ADDRESS: what the programs say to each other, and that they understand it.
talk()
{
    if command -v ping >/dev/null; then
        wait_for in_space "$1" ping -c 1 -W 1 "$2"
        in_space "$1" ping -q -c 5 -i 0.01 "$2" >/dev/null || fail "ping $2"
    fi
    in_space "$1" python3 "$here/pcaps.py" ping "$2" 5 || fail "echo requests to $2"
    in_space "$1" curl -s -m 20 --retry 20 --retry-connrefused --retry-delay 1 -o "$work/fetched" \
        "http://$2:8000/file" || fail "curl $2: $?"
    cmp -s "$work/file" "$work/fetched" || fail "curl $2: another file"
}

serve()
{
    ip netns exec "$1" python3 -m http.server -d "$work" 8000 >/dev/null 2>&1 &
    pids+=($!)
    ip netns exec "$1" python3 "$here/pcaps.py" echo &
    pids+=($!)
    wait_for in_space "$1" curl -s -o /dev/null "http://127.0.0.1:8000/"
}

take_capture()
{
    local a=${spaces[0]} b=${spaces[1]} pid
    join "$a" a0 "$b" b0 || return 1
    ip -n "$a" addr add 10.77.0.1/24 dev a0 && ip -n "$b" addr add 10.77.0.2/24 dev b0 || return 1
    serve "$b"
    ip netns exec "$b" python3 "$here/pcaps.py" capture b0 "$work/taken.pcap" &
    pid=$!
    wait_for test -s "$work/taken.pcap"
    talk "$a" 10.77.0.2
    in_space "$a" python3 "$here/pcaps.py" datagrams 10.77.0.2 || fail "datagrams"
    kill "$pid" && wait "$pid" || fail "capture: $?"
    kill "${pids[@]}" && wait "${pids[@]}"
    pids=()
    ip -n "$a" link del a0
}

# Two hosts that reach each other through the program only.
forward_live()
{
    local a=${spaces[0]} b=${spaces[1]} f=${spaces[2]} pid status=0
    join "$a" a0 "$f" fa && join "$b" b0 "$f" fb || { fail "no wires"; return; }
    ip -n "$a" addr add 10.78.0.1/24 dev a0
    ip -n "$b" addr add 10.78.0.2/24 dev b0
    # What leaves has to be whole: nobody downstream completes it.
    in_space "$a" python3 "$here/pcaps.py" offload a0 && in_space "$b" python3 "$here/pcaps.py" offload b0 ||
        fail "offloads"
    serve "$b"
    ip netns exec "$f" "$program" --no-huge --vdev=net_af_packet0,iface=fa \
        --vdev=net_af_packet1,iface=fb -- --bidir --nb-flows=256 --json="$work/json" >"$work/out" 2>"$work/err" </dev/null &
    pid=$!
    pids+=("$pid")
    talk "$a" 10.78.0.2
    # Tags, which the kernel keeps beside a packet.
    ip netns exec "$b" python3 "$here/pcaps.py" capture b0 "$work/tagged.pcap" &
    pids+=($!)
    wait_for test -s "$work/tagged.pcap"
    in_space "$a" python3 "$here/pcaps.py" send-tagged a0 || fail "tagged frames cannot be sent"
    wait_for pcaps has-tagged "$work/tagged.pcap"
    kill -s TERM "$pid"
    wait "$pid" || status=$?
    [ "$status" -eq 0 ] || fail "live: exit status $status: $(cat "$work/err")"
    [ ! -s "$work/err" ] || fail "live: said $(cat "$work/err")"
    grep -q '"name": "ICMP 10.78.0.1 -> 10.78.0.2"' "$work/json" &&
        grep -q '"name": "ICMP 10.78.0.2 -> 10.78.0.1"' "$work/json" &&
        grep -q '"name": "TCP 10.78.0.2:8000 -> 10.78.0.1:[0-9]*"' "$work/json" ||
        fail "live: not all flows are told"
}

head -c 700000 /dev/urandom >"$work/file"
if ! command -v curl >/dev/null || ! make_spaces || ! take_capture; then
    echo "not tested: real traffic, which needs root, network namespaces and curl"
else
    forward "$work/taken.pcap" --
    forward "$work/taken.pcap" -- --copy=native --iommu=sva --nb-flows=4
    forward_live
fi
finish
