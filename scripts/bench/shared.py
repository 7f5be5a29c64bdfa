#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Measure what a shared port costs, side by side with other ways to put one port over many copies.

usage: scripts/bench/shared.py [ROUNDS [SECONDS [COPIES]]]

Started as root, by `make bench-shared`, on a private host. The copies are those of one run of portmux, of a
server of one thread (tests/harness/one_thread.c). All ways to them stand at the same time, and are measured
in turn, SECONDS (2) each, ROUNDS (5) times: what else the machine does concerns all of them. Nothing is asserted.

    direct to one copy      to a copy's own address
    direct to all copies    the same, and the client chooses: what no balancing can be better than
    portmux                 -p 8000:8080
    haproxy, nginx          as TCP proxies on the host, in front of the copies' addresses
    IPVS                    the same, by NAT, if the kernel has it; it does not serve 127.0.0.1
    SO_REUSEPORT            one program on the host itself, with as many processes as there are copies

Peers that are not installed are left out, and that is said; scripts/bench-peers installs them.
"""

import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from harness import Load, addresses, build_load, build_one_thread, copies_of, processor_time, wait_until
from harness.host import Host

CPUS = os.cpu_count()
CLIENTS = max(2, CPUS // 2)  # processes, each of which keeps one processor busy
CONNECTIONS = 16  # of each client
COPY_PORT, SHARED_PORT, HAPROXY_PORT, NGINX_PORT, IPVS_PORT = 8080, 8000, 8001, 8002, 8003
LOCALHOST, HOST_ADDRESS = "127.0.0.1", "198.51.100.1"
UP = 10.0  # until a peer listens
LATE = 15.0  # a client's end
MODES = {"new": "a new connection for each request", "kept": "connections that are kept for 100 requests"}
# The kernel remembers a connection that is over for two minutes: with that, its table would be full soon.
SYSCTLS = {"net.netfilter.nf_conntrack_tcp_timeout_time_wait": 10}
DIRECT, PORTMUX, PROXIES = "direct to all copies", "portmux", ("haproxy", "nginx")

HAPROXY = """
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
listen copies
    bind :{port}
    balance roundrobin
{servers}
"""

NGINX = """
{module}
daemon off;
worker_processes auto;
pid {directory}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 8192; }}
stream {{
    upstream copies {{
{servers}
    }}
    server {{
        listen {port} reuseport;
        proxy_pass copies;
    }}
}}
"""
ROW = "{:22} {:>26} {:>20} {:>7} {:>7} {:>24} {:>8} {:>6}"
# Where distributions have the module; some have built it in.
NGINX_STREAM = [Path(place, "nginx/modules/ngx_stream_module.so") for place in ("/usr/lib", "/usr/lib64")]


class Way:
    """One way to the copies, and how it did."""

    def __init__(self, name, targets, port, between=(), servers=None):
        """targets: addresses, by place; between: pids of what is between client and servers; servers: their pids."""
        self.name = name
        self.targets = targets
        self.port = port
        self.between = list(between)
        self.servers = servers
        self.results = []


class Result:
    """What one measurement has given."""

    def __init__(self, counted, way, servers, between, kernel):
        """counted: what each client has counted; the others: seconds of processor time."""
        requests = sum(one["requests"] for one in counted)
        client = sum(one["cpu_seconds"] for one in counted)
        self.rate = sum(one["requests"] / one["seconds"] for one in counted)
        self.p50 = statistics.median(one["p50_us"] for one in counted)
        self.p99 = max(one["p99_us"] for one in counted)
        self.failed = sum(sum(one["failed"].values()) for one in counted)
        self.cpu = 1e6 * (client + servers + between + kernel) / max(1, requests)
        self.own = 1e6 * between / max(1, requests)
        self.way = way


def session(leader):
    """Return the pids of a session."""
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit() and _session(path.name) == leader]


def _session(pid):
    try:
        return os.getsid(int(pid))
    except ProcessLookupError:
        return None


def kernel_threads(name):
    """Return the pids of the kernel's threads of that name, of which there is one for each processor."""
    found = subprocess.run(["pgrep", f"^{name}/"], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


KSOFTIRQD = kernel_threads("ksoftirqd")


def counts_softirqs_apart():
    """Whether the kernel takes the time of softirqs out of that of the processes that they interrupt."""
    config = Path(f"/boot/config-{platform.release()}")
    return config.exists() and "CONFIG_IRQ_TIME_ACCOUNTING=y" in config.read_text(encoding="ascii")


def kernel_time():
    """Return the seconds of processor time of softirqs that no process is charged with."""
    seconds = sum(map(processor_time, KSOFTIRQD))
    if counts_softirqs_apart():
        fields = Path("/proc/stat").read_text(encoding="ascii").split()
        seconds += (int(fields[6]) + int(fields[7])) / os.sysconf("SC_CLK_TCK")
    return seconds


class Bench:
    """The private host, with all ways to the copies."""

    def __init__(self, host, directory, copies):
        """Start everything."""
        self.host = host
        self.directory = directory
        self.load = build_load(directory)
        self.project = host.project("/home/bench")
        self.project.install(build_one_thread(directory))
        options = ["--name", "bench", "-n", copies, "-p", f"{SHARED_PORT}:{COPY_PORT}", "--files", "private", "-d", "copies"]
        self.manager = host.start_portmux(self.project, *map(str, options), "--", "./http_recorder.py").wait_ready()
        self.copies = copies_of(self.project)
        self.addresses = [addresses(host.enter(pid), "eth0")[0] for _, pid in sorted(self.copies.items())]
        self.ways = [way for way in self._start_ways() if way]

    def _start_ways(self):
        both = {"host": [LOCALHOST], "client": [HOST_ADDRESS]}
        yield Way("direct to one copy", {"host": self.addresses[:1]}, COPY_PORT)
        yield Way(DIRECT, {"host": self.addresses}, COPY_PORT)
        yield Way(PORTMUX, both, SHARED_PORT, [self.manager.pid])
        yield self._start_haproxy(both)
        yield self._start_nginx(both)
        yield self._start_ipvs({"host": [HOST_ADDRESS], "client": [HOST_ADDRESS]})
        workers = self._start([build_one_thread(self.directory), len(self.addresses)], COPY_PORT)
        yield Way("SO_REUSEPORT", both, COPY_PORT, servers=workers)

    def _start(self, argv, port):
        """Start a program that listens on a port; return the pids of its processes."""
        process = self.host.popen(argv)
        wait_until(lambda: not self.host.refuses(LOCALHOST, port), UP, process.transcript)
        return session(process.pid)

    def _configure(self, name, text, form, **values):
        servers = "\n".join(form.format(number, address) for number, address in enumerate(self.addresses, 1))
        path = Path(self.directory, name)
        path.write_text(text.format(servers=servers, directory=self.directory, **values), encoding="ascii")
        return path

    def _start_haproxy(self, targets):
        if not shutil.which("haproxy"):
            return left_out("haproxy", "is not installed")
        server = f"    server copy{{}} {{}}:{COPY_PORT}"
        path = self._configure("haproxy.cfg", HAPROXY, server, port=HAPROXY_PORT)
        return Way("haproxy", targets, HAPROXY_PORT, self._start(["haproxy", "-db", "-f", path], HAPROXY_PORT))

    def _start_nginx(self, targets):
        if not shutil.which("nginx"):
            return left_out("nginx", "is not installed")
        modules = [path for path in NGINX_STREAM if path.exists()]
        module = f"load_module {modules[0]};" if modules else ""
        server = f"        server {{1}}:{COPY_PORT};"
        command = ["nginx", "-e", "stderr", "-c", self._configure("nginx.conf", NGINX, server, port=NGINX_PORT, module=module)]
        done = self.host.run([*command, "-t"], check=False)
        if done.returncode:
            return left_out("nginx", done.stderr.strip())
        return Way("nginx", targets, NGINX_PORT, self._start(command, NGINX_PORT))

    def _start_ipvs(self, targets):
        if not shutil.which("ipvsadm"):
            return left_out("IPVS", "ipvsadm is not installed")
        service = f"{HOST_ADDRESS}:{IPVS_PORT}"
        commands = [["-A", "-t", service, "-s", "rr"]]
        commands += [["-a", "-t", service, "-r", f"{address}:{COPY_PORT}", "-m"] for address in self.addresses]
        for command in commands:
            done = self.host.run(["ipvsadm", *command], check=False)
            if done.returncode:
                return left_out("IPVS", f"the kernel has none ({done.stderr.strip().splitlines()[-1]})")
        return Way("IPVS", targets, IPVS_PORT)

    def measure(self, way, place, mode, seconds):
        """Measure one way once."""
        servers = way.servers or self.copies.values()

        def times():
            return [sum(map(processor_time, servers)), sum(map(processor_time, way.between)), kernel_time()]

        before = times()
        node = self.host if place == "host" else self.host.client
        options = {"connections": CONNECTIONS, "seconds": seconds}
        clients = [Load(node, self.load, mode, way.port, way.targets[place], **options) for _ in range(CLIENTS)]
        counted = [client.wait(seconds + LATE) for client in clients]
        return Result(counted, way.name, *(after - first for after, first in zip(times(), before)))


def spread(values, form):
    """Return the range of values as text, each in that form."""
    return f"{form.format(min(values))} to {form.format(max(values))}"


def left_out(name, why):
    """Say that a peer is left out; return None."""
    print(f"{name} is left out: {why}")


def column(values, form="{:.1f}"):
    """Return a column of the table: a median and its range."""
    return f"{form.format(statistics.median(values))} ({spread(values, form)})"


def ratios(results, name, others):
    """Return, for each round, the rate of a way as a part of another's, or of the best of others."""
    return [one.rate / max(results[other][i].rate for other in others) for i, one in enumerate(results[name])]


def tell_ratio(results, what, name, others):
    """Print such a ratio, if these ways were measured."""
    others = [other for other in others if other in results]
    if others:
        print(f"{what}: {column(ratios(results, name, others), '{:.2f}')}")


def tell(results, limit):
    """Print the table of a place and a mode. limit: the way that the others are compared with."""
    heads = ("requests/s", "ratio", "p50 us", "p99 us", "CPU us/request", "between", "own")
    print(ROW.format("", *heads))
    for name, found in results.items():
        parts = ratios(results, name, [limit])
        print(
            ROW.format(
                name,
                column([one.rate for one in found], "{:.0f}"),
                column(parts, "{:.2f}"),
                *(f"{statistics.median(times):.0f}" for times in ([one.p50 for one in found], [one.p99 for one in found])),
                column([one.cpu for one in found]),
                f"{statistics.median(one.cpu - base.cpu for one, base in zip(found, results[limit])):.1f}",
                f"{statistics.median(one.own for one in found):.1f}",
            )
        )
        failed = sum(one.failed for one in found)
        if failed:
            print(f"{name}: {failed} requests failed")
    tell_ratio(results, f"portmux to {limit}", PORTMUX, [limit])
    tell_ratio(results, "portmux to the best proxy", PORTMUX, PROXIES)


def measure_all(bench, rounds, seconds):
    """Measure every way, from every place, in every mode, and print."""
    for place, title, limit in (("host", "localhost", DIRECT), ("client", "the LAN", "SO_REUSEPORT")):
        ways = [way for way in bench.ways if place in way.targets]
        for mode, meaning in MODES.items():
            results = {way.name: [] for way in ways}
            for _ in range(rounds):
                for way in ways:
                    results[way.name].append(bench.measure(way, place, mode, seconds))
            print(f"\nFrom {title}, {meaning}; medians of {rounds} rounds of {seconds} s, and their ranges", flush=True)
            tell(results, limit)


def main():
    """Measure all of it."""
    arguments = [int(argument) for argument in sys.argv[1:]]
    rounds, seconds, copies = arguments + [5, 2, max(2, CPUS // 2)][len(arguments) :]
    with tempfile.TemporaryDirectory() as directory, Host(sysctls=SYSCTLS) as host:
        host.run(["mount", "-t", "tmpfs", "tmpfs", "/home"])
        print(f"{copies} copies, {CLIENTS} x {CONNECTIONS} connections, {CPUS} processors, Linux {platform.release()}")
        apart = "and softirqs, which this kernel counts apart" if counts_softirqs_apart() else "in which softirqs are counted"
        print(f"CPU us/request: of client, servers, and what is between, {apart}, and of ksoftirqd.")
        print(f"ratio, between: compared with {DIRECT}, from the LAN with SO_REUSEPORT, round by round.")
        print("own: the part of it of the processes in between (haproxy, nginx; portmux's manager, which sees no packet).")
        bench = Bench(host, directory, copies)
        measure_all(bench, rounds, seconds)
        bench.manager.stop(2)


if __name__ == "__main__":
    main()
