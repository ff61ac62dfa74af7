# SPDX-License-Identifier: Apache-2.0
"""One measurement: fresh servers, one client, and what it says, with the CPU time of both sides."""
import json
import os
import shutil
import socket
import tempfile
import time

from process import Cpu, Failure, Machine, NotReady, Process
from scenario import socket_of

READY_S = 20
LATE_S = 60  # beyond the time it should take: a million objects have to be made first


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Place:
    """Where one measurement's sockets and files are."""

    def __init__(self, build, transport):
        self.build = build
        self.folder = tempfile.mkdtemp(prefix="pyrite-bench-")
        # a store belongs on a disk, and /tmp may be none
        self.store_folder = tempfile.mkdtemp(prefix="store-", dir=os.path.join(build, "bench"))
        self.at = f"unix:{self.folder}/s" if socket_of(transport) == "unix" else f"127.0.0.1:{free_port()}"
        self.ns = f"127.0.0.1:{free_port()}"

    def fill_in(self, words, server=0):
        return [word.format(build=self.build, at=self.at, ns=self.ns, server=server,
                            store=os.path.join(self.store_folder, "names.db")) for word in words]

    def environment(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith("PYRITE_")}
        return dict(env, PYRITE_NS=self.ns)

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.store_folder, ignore_errors=True)


def cores(pin):
    """Of the servers and of the client; None: wherever the system puts them."""
    mine = sorted(os.sched_getaffinity(0))
    if pin == "one":
        return {mine[0]}, {mine[0]}
    if pin == "split":
        return {mine[0]}, {mine[1]}
    return None, None


def follow(client, servers, deadline):
    """What the client says in the end, with the servers' CPU time between its "begin" and "end"."""
    edges = {}
    while (line := client.line(deadline)) is not None:
        if line in ("begin", "end"):
            edges[line] = Cpu([server.pid for server in servers]), Machine()
        elif line.startswith("{"):
            result = json.loads(line)
            if "end" not in edges:
                raise Failure("the client has not measured anything")
            return result, edges["end"][0].since(edges["begin"][0]), edges["begin"][1], edges["end"][1]
    raise Failure("the client has ended without a result")


def complete(scenario, result, server_cpu, before, after):
    """Adds what the client does not know."""
    calls = result["calls"]
    client_cpu = result["client_cpu_us_per_call"]
    result["server_cpu_us_per_call"] = server_cpu * 1e6 / max(1, calls)
    result["cpu_us_per_call"] = client_cpu + result["server_cpu_us_per_call"]
    if scenario.bytes:
        result["megabytes_per_second"] = result["calls_per_second"] * scenario.bytes / 1e6
    if "capacity_per_second" in result:
        result["goodput_share"] = result["calls_per_second"] / result["capacity_per_second"]
    ticks = max(1, after.all - before.all)
    ours = (client_cpu * calls / 1e6 + server_cpu) / (os.cpu_count() * max(1e-6, result["seconds"]))
    result["steal_percent"] = 100 * (after.steal - before.steal) / ticks
    result["foreign_percent"] = 100 * max(0, (after.busy - before.busy) / ticks - ours)
    return result


def run(peer, scenario, options, place, errors):
    server_words, client_words = peer.programs[scenario.kind]
    env = dict(place.environment(), **dict(peer.env))
    servers_at, client_at = cores(scenario.pin or options.pin)
    processes = []
    try:
        for words in server_words:
            server = Process(place.fill_in(words), env, servers_at, errors)
            processes.append(server)
            server.await_ready(time.monotonic() + READY_S)
        servers = list(processes)
        words = (*client_words, *scenario.client_arguments(options.size),
                 "--seconds", str(options.seconds), "--warmup", str(options.warmup))
        client = Process(place.fill_in(words, servers[-1].pid if servers else 0), env, client_at, errors)
        processes.append(client)
        deadline = time.monotonic() + options.seconds + options.warmup + LATE_S
        result = complete(scenario, *follow(client, servers, deadline))
        status = client.wait(deadline)
        if status or result["errors"] or not result["calls"]:
            raise Failure(f"{result['calls']} calls, {result['errors']} errors, status {status}")
        return result
    finally:
        for process in reversed(processes):
            process.end()


def measure(peer, scenario, options, tries=2):
    """The result; of a measurement that failed {"error": why}."""
    place = Place(options.build, peer.transport)
    with tempfile.TemporaryFile("w+") as errors:
        try:
            return run(peer, scenario, options, place, errors)
        except (Failure, OSError, ValueError, KeyError) as failure:
            if tries > 1 and isinstance(failure, NotReady):
                return measure(peer, scenario, options, tries - 1)
            errors.seek(0)
            said = " / ".join(errors.read()[-500:].split("\n")).strip(" /")
            return {"error": f"{failure}{': ' if said else ''}{said}"}
        finally:
            place.remove()
