# SPDX-License-Identifier: GPL-2.0-or-later
"""What a connection costs on each way to the same server: requests, bytes and datagrams.

Each way is on a private host of its own, or has ports of its own on one; all stand at the same time, and are
measured in turn. The server is of one thread (tests/harness/one_thread.c), as most programs are; iperf3 is beside it.
"""

import json
import os
import shutil

from containers import ENGINES
from figures import Table
from lives import HERE, Place

from harness import PLAIN_USER, Load, addresses, build_load, build_one_thread, compile_c, copies_of, wait_until
from harness.node import Node

HTTP, IPERF = 8080, 5201  # of the server
FIRST, FIRST_IPERF = 8000, 5300  # on a host, in front of the first copy
SOCAT, SOCAT_IPERF = 8100, 5400
LOCALHOST, LOCALHOST6, HOST_ADDRESS = "127.0.0.1", "::1", "198.51.100.1"
DIRECT, UNTRACKED, TRANSLATED, ON_HOST, OURS, WITHOUT_ROOT, RELAY = (
    "direct",
    "direct, untracked",
    "DNAT alone",
    "on the host",
    "portmux",
    "portmux, without root",
    "socat",
)
CONNECTIONS = 16
UP = 20.0  # until a server answers
LATE = 15.0
BYTES = "64M"
BYTES_LATE = 2  # seconds; pasta of 2023 sometimes stops in the middle of them
PLACES = {"localhost": "localhost", "localhost6": "[::1]", "lan": "the LAN", "hairpin": "a copy"}

SERVE = f"""#!/bin/sh
iperf3 -s -p {IPERF} --rcv-timeout 5000 >/dev/null &
exec "${{0%/*}}/http_recorder.py"
"""

# Two namespaces behind a bridge, and a router: a way to a server on which nothing is translated.
ROUTED = """
sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
ip link add b0 type bridge
ip link set b0 up
ip addr add 10.92.0.1/24 dev b0
ip addr add fd00:92::1/64 dev b0 nodad
for n in 1 2; do
    ip netns add n$n
    ip link add p$n type veth peer name eth0 netns n$n
    ip link set p$n master b0 up
    ip -n n$n link set lo up
    ip -n n$n addr add 10.92.0.1$n/24 dev eth0
    ip -n n$n addr add fd00:92::1$n/64 dev eth0 nodad
    ip -n n$n link set eth0 up
    ip -n n$n route add default via 10.92.0.1
    ip -n n$n route add default via fd00:92::1
done
"""

# The least that leads the same host ports to the first namespace: what the kernel takes for that, with no rule besides.
TRANSLATE = f"""
sysctl -qw net.ipv4.conf.b0.route_localnet=1
ip -6 route add local ::1 dev b0 metric 4097
nft -f - <<RULES
table inet translation {{
  chain to_first {{
    dnat ip to meta l4proto . th dport map {{ tcp . {FIRST} : 10.92.0.11 . {HTTP},
      udp . {FIRST} : 10.92.0.11 . {HTTP}, tcp . {FIRST_IPERF} : 10.92.0.11 . {IPERF} }}
    dnat ip6 to meta l4proto . th dport map {{ tcp . {FIRST} : fd00:92::11 . {HTTP},
      udp . {FIRST} : fd00:92::11 . {HTTP}, tcp . {FIRST_IPERF} : fd00:92::11 . {IPERF} }}
  }}
  chain prerouting {{ type nat hook prerouting priority dstnat; fib daddr type local goto to_first; }}
  chain output {{ type nat hook output priority -100; fib daddr type local goto to_first; }}
  chain postrouting {{
    type nat hook postrouting priority srcnat
    oifname "b0" ip saddr 127.0.0.0/8 snat ip to 10.92.0.1
    oifname "b0" ip6 saddr ::1 snat ip6 to fd00:92::1
    iifname "b0" oifname "b0" masquerade
  }}
}}
RULES
"""

# What a stateful firewall of the host's costs: connections are tracked on nearly all hosts, and have to be for NAT.
TRACKED = "table inet firewall { chain forward { type filter hook forward priority 0; ct state invalid drop; }; }"


class Way:
    """From a node to an address, and its ports."""

    def __init__(self, node, address, http=FIRST, iperf=FIRST_IPERF, name=None):
        self.name = name
        self.node = node
        self.address = address
        self.http = http
        self.iperf = iperf

    def __str__(self):
        return f"[{self.address}]" if ":" in self.address else self.address

    def answers(self):
        """Whether the server answers by this way. One who accepts and then resets, or says nothing, does not."""
        try:
            return self.node.get(f"http://{self}:{self.http}/", 1.0).status == 200
        except (OSError, EOFError):
            return False


class Ways:
    """All hosts, and the ways to their servers, by place and name."""

    def __init__(self, figures, directory, with_peers):
        """Start everything. directory: where the programs are built; with_peers: Podman and Docker, too."""
        self.figures = figures
        self.directory = directory
        self.with_peers = with_peers
        self.udp = compile_c(HERE / "udp.c", directory)
        self.load = build_load(directory)
        self.server = build_one_thread(directory)
        self.life = compile_c(HERE / "life.c", directory)
        self.report = shutil.copy(HERE / "report.lua", directory)  # this tree may be below /tmp
        self.places = []
        self.ways = {place: {} for place in PLACES}
        try:
            self._start_portmux()
            self._start_routed(DIRECT)
            self._start_routed(UNTRACKED)
            self._start_translated()
            self._start_on_host()
            self._start_without_root()
            for kind in ENGINES if with_peers else ():
                self._start_engine(kind)
        except BaseException:
            self.close()
            raise

    def _place(self, **options):
        place = Place(self.directory, **options)
        self.places.append(place)
        place.project.install(self.server)
        serve = place.project.there("serve")
        serve.write_text(SERVE)
        serve.chmod(0o755)
        return place

    def _add(self, place, name, way):
        """Add a way, once its server answers; return whether it does."""
        try:
            wait_until(way.answers, UP, f"{name} answers from {place}")
        except AssertionError as error:
            self.figures.leave_out(f"{name}, from {PLACES[place]}", str(error))
            return
        way.name = f"{name}, from {PLACES[place]}"
        self.ways[place][name] = way

    def _start_portmux(self):
        """Two copies, so that one can ask the other, and a relay to the first of them."""
        place = self._place()
        host = place.host
        host.start_portmux(place.project, *portmux_options()).wait_ready()
        first, second = (host.enter(pid) for _, pid in sorted(copies_of(place.project).items()))
        inside, inside6 = (addresses(first, "eth0", version)[0] for version in (4, 6))
        self._add("localhost", DIRECT, Way(host, inside, HTTP, IPERF))
        self._add("localhost", OURS, Way(host, LOCALHOST))
        self._add("localhost6", DIRECT, Way(host, inside6, HTTP, IPERF))
        self._add("localhost6", OURS, Way(host, LOCALHOST6))
        self._add("lan", OURS, Way(host.client, HOST_ADDRESS))
        self._add("hairpin", OURS, Way(second, HOST_ADDRESS))
        if self.with_peers:
            self._start_relay(place, inside)

    def _start_relay(self, place, inside):
        """What copies bytes from one connection to another, in front of the first copy's address."""
        host = place.host
        if not shutil.which("socat"):
            return self.figures.leave_out(RELAY, "it is not installed")
        for port, to in ((SOCAT, HTTP), (SOCAT_IPERF, IPERF)):
            host.popen(["socat", f"TCP6-LISTEN:{port},ipv6only=0,fork,reuseaddr,backlog=128", f"TCP:{inside}:{to}"])
        host.popen(["socat", f"UDP6-LISTEN:{SOCAT},ipv6only=0,fork,reuseaddr", f"UDP:{inside}:{HTTP}"])
        self._add_three(place, RELAY, SOCAT, SOCAT_IPERF)

    def _start_behind_router(self, more=""):
        """Return a place, and the second of its two namespaces; more: script that follows ROUTED."""
        place = self._place()
        host = place.host
        host.run(["sh", "-ec", ROUTED + more])
        host.popen(["ip", "netns", "exec", "n1", "./serve"], cwd=place.project.path)
        second = Node(os.open(host.root("/run/netns/n2"), os.O_RDONLY | os.O_CLOEXEC))
        host.neighbours.append(second)
        return place, second

    def _start_routed(self, name):
        """From the LAN, and from one copy to another: the same without any translation."""
        place, second = self._start_behind_router()
        if name == DIRECT:
            place.host.run(["nft", "-f", "-"], stdin=TRACKED)
        self._add("lan", name, Way(place.host.client, "10.92.0.11", HTTP, IPERF))
        if name == DIRECT:
            self._add("hairpin", name, Way(second, "10.92.0.11", HTTP, IPERF))

    def _start_translated(self):
        place, second = self._start_behind_router(TRANSLATE)
        self._add_three(place, TRANSLATED)
        self._add("hairpin", TRANSLATED, Way(second, HOST_ADDRESS))

    def _start_on_host(self):
        place = self._place()
        place.host.popen(["./serve"], cwd=place.project.path)
        self._add_three(place, ON_HOST, HTTP, IPERF)

    def _add_three(self, place, name, *ports):
        self._add("localhost", name, Way(place.host, LOCALHOST, *ports))
        self._add("localhost6", name, Way(place.host, LOCALHOST6, *ports))
        self._add("lan", name, Way(place.host.client, HOST_ADDRESS, *ports))

    def _start_without_root(self):
        if not shutil.which("pasta"):
            return self.figures.leave_out(WITHOUT_ROOT, "pasta is not installed")
        place = self._place(own_dev=True, user=PLAIN_USER)
        place.host.start_portmux(place.project, *portmux_options(), user=PLAIN_USER).wait_ready()
        self._add_three(place, WITHOUT_ROOT)

    def _start_engine(self, kind):
        if kind.why_not():
            return self.figures.leave_out(kind.name, kind.why_not())
        place = self._place()
        place.engine = kind(place.host, place.project, self.directory)
        ports = [f"{FIRST}:{HTTP}", f"{FIRST}:{HTTP}/udp", f"{FIRST_IPERF}:{IPERF}"]
        place.host.popen(place.engine.start_copy(ports, ["./serve"], "--env", "COPY=1"))
        place.host.popen(place.engine.start_copy([], ["./serve"], "--env", "COPY=2"))
        self._add_three(place, kind.name)
        copies = wait_until(
            lambda: len(copies_of(place.project)) == 2 and copies_of(place.project),
            UP,
            f"the second copy of {kind.name} runs",
        )
        self._add("hairpin", kind.name, Way(place.host.enter(copies[2]), HOST_ADDRESS))

    def kept(self, way, seconds):
        """Return requests/s on connections that are kept, and the median and the 99th percentile in us; or None."""
        url = f"http://{way}:{way.http}/"
        # wrk knows whole seconds; it tells what it has measured when it is interrupted, too.
        argv = [
            "timeout",
            "-k",
            "5",
            "-s",
            "INT",
            seconds,
            "wrk",
            "-t1",
            f"-c{CONNECTIONS}",
            "-d60s",
            "-s",
            self.report,
        ]
        done = way.node.run([*argv, url], check=False, deadline=seconds + LATE)
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if not lines:
            print(done.stderr.strip(), flush=True)
            return None
        result = json.loads(lines[0])
        tell_failed(way, result["failed"])
        return result["rate"], result["p50_us"], result["p99_us"]

    def new(self, way, seconds):
        """Return the same with a new connection for each request."""
        return new(way, self.load, seconds)

    def gigabits(self, way, *options):
        """Return Gbit/s of one connection, or None."""
        argv = ["timeout", BYTES_LATE, "iperf3", "-J", "-c", way.address, "-p", way.iperf, "-n", BYTES, *options]
        done = way.node.run(argv, check=False, deadline=LATE)
        result = json.loads(done.stdout or '{"error": "not all bytes have come in time"}')
        if "error" in result:
            print(f"{way.name}, iperf3: {result['error']}", flush=True)
            return None
        return (result["end"]["sum_received"]["bits_per_second"] / 1e9,)

    def datagrams(self, way, seconds):
        """Return how many datagrams are answered each second, or None."""
        done = way.node.run(
            [self.udp, way.address, way.http, int(1000 * seconds)], check=False, deadline=seconds + LATE
        )
        rate = float(done.stdout) if done.returncode == 0 else 0
        return (rate / 1000,) if rate else None

    def close(self):
        """End all hosts."""
        for place in self.places:
            place.close()


def new(way, load, seconds):
    """Return requests/s with a new connection for each, and the median and the 99th percentile in us.

    load: tests/harness/load.c. wrk closes first, and the client's ports are then taken for a minute: soon it does
    little else than to look for a free one.
    """
    client = Load(way.node, load, "new", way.http, [way.address], connections=CONNECTIONS, seconds=seconds)
    result = client.wait(seconds + LATE)
    tell_failed(way, sum(result["failed"].values()))
    return result["requests"] / result["seconds"], result["p50_us"], result["p99_us"]


def tell_failed(way, count):
    """Say how many requests have failed, if any."""
    if count:
        print(f"{way.name}: {count} requests have failed", flush=True)


def portmux_options():
    """Return the options of the run that is measured."""
    ports = [f"{FIRST}+:{HTTP}", f"{FIRST}+:{HTTP}/udp", f"{FIRST_IPERF}+:{IPERF}"]
    published = [part for port in ports for part in ("-p", port)]
    return ["-n", "2", *published, "--files", "private", "-d", "copies", "--", "./serve"]


def measure_place(figures, ways, place, seconds):
    """Measure all ways from one place. seconds: for each measurement; half of it where that begins at once."""
    title, found = PLACES[place], ways.ways[place]

    def table(name, what, unit, wanted="more"):
        return Table(f"{place}_{name}", f"From {title}: {what}", unit, DIRECT, wanted)

    def in_turn(tables, measure):
        figures.in_turn(tables, {name: lambda way=way: measure(way) for name, way in found.items()})

    for mode, what, measure_mode, time in (
        ("kept", "requests on connections that are kept", ways.kept, seconds),
        ("new", "requests on a new connection each", ways.new, seconds / 2),
    ):
        tables = [table(mode, what, "requests/s")]
        tables += [table(f"{mode}_{p}", f"{what}, latency, {p}", "us", "less") for p in ("p50", "p99")]
        in_turn(tables, lambda way, measure_mode=measure_mode, time=time: measure_mode(way, time))
    in_turn([table("up", "bytes to the server", "Gbit/s")], ways.gigabits)
    in_turn([table("down", "bytes from the server", "Gbit/s")], lambda way: ways.gigabits(way, "-R"))
    in_turn([table("udp", "datagrams that are answered", "1000/s")], lambda way: ways.datagrams(way, seconds / 2))


def measure_minute(figures, ways, seconds):
    """Measure new connections without a pause: what is remembered of each could slow the next ones down."""
    rates = [ways.new(ways.ways["localhost"][OURS], 1)[0] for _ in range(seconds)]
    third = len(rates) // 3
    first, last = (sum(some) / third for some in (rates[:third], rates[-third:]))
    figures.facts["minute_of_new_connections"] = rates
    print(
        f"\nNew connections by portmux for {seconds} s: {first:.0f}/s in the first third, {last:.0f}/s in the last one"
    )


def measure(figures, directory, seconds, with_peers):
    """Measure all ways. seconds: for each measurement."""
    ways = Ways(figures, directory, with_peers)
    try:
        measure_minute(figures, ways, min(60, 6 * figures.rounds))
        for place in PLACES:
            measure_place(figures, ways, place, seconds)
    finally:
        ways.close()
