# SPDX-License-Identifier: Apache-2.0
"""What is measured: each scenario is one load, which every peer that can do it is given alike."""
import dataclasses

REMOTE = ("tcp", "unix")
# a daemon with two loops is called "tcp+loops" or "unix+loops", one with two workers "workers"
SOCKETS = {"shm": "unix", "spin": "tcp", "workers": "tcp", "tcp+loops": "tcp", "unix+loops": "unix"}
MORE = ("shm", "spin")  # shared memory, and TCP that is looked at before sleeping: Pyrite's alone


def socket_of(transport):
    """What it is a kind of: where its server listens, and which bare sockets are beside it."""
    return SOCKETS.get(transport, transport)


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    kind: str  # which of a peer's programs: see peer.py
    arguments: tuple = ()  # for its client, as meter.h has them
    transports: tuple = REMOTE
    more: tuple = ()  # transports that have no bare sockets of their own beside them
    pin: str | None = None  # one core for both sides, a core each; None: what --pin says
    unit: str = "calls"
    bytes: int = 0  # of a payload, where it is so large that MB/s say more
    count: tuple = ()  # how many connections or objects: usually, with --full, with --quick

    def client_arguments(self, size):
        """size: "usual", "full" or "quick"."""
        if not self.count:
            return self.arguments
        return (*self.arguments, "--count", str(self.count[("usual", "full", "quick").index(size)]))


def echo(name, title, size, outstanding, **more):
    return Scenario(name, title, "echo", ("--size", str(size), "--outstanding", str(outstanding)),
                    bytes=size if size >= 65536 else 0, **more)


SCENARIOS = [
    echo("one16", "16 B, one call at a time", 16, 1),
    echo("one16-core", "16 B, one call at a time, both on one core", 16, 1, pin="one", more=MORE),
    echo("one16-cores", "16 B, one call at a time, a core each", 16, 1, pin="split", more=MORE),
    echo("many16", "16 B, 64 calls at once", 16, 64, more=MORE),
    echo("many16-core", "16 B, 64 calls at once, both on one core", 16, 64, pin="one", more=MORE),
    echo("many1k", "1 KiB, 64 calls at once", 1024, 64),
    echo("bulk64k", "64 KiB, 16 calls at once", 65536, 16, more=("shm",)),
    echo("bulk1m", "1 MiB, 4 calls at once", 1 << 20, 4, more=("shm",)),
    Scenario("wide64k", "64 KiB, 16 threads, a connection each", "threads",
             ("--size", "65536", "--connections", "16"), bytes=65536,
             more=("tcp+loops", "unix+loops")),
    Scenario("threads16", "16 B, 16 threads on one connection", "threads", ("--threads", "16")),
    Scenario("mixed", "16 B to 64 KiB, 64 calls at once", "mixed", ("--mixed", "--outstanding", "64")),
    Scenario("stream", "stream of 16 B from the server", "stream", ("--stream",), unit="messages"),
    Scenario("both", "streams of 16 B both ways, 1,024 under way", "both",
             ("--both", "--outstanding", "1024"), unit="messages"),
    Scenario("work", "100 us of work a call, 16 threads, a connection each", "work",
             ("--connections", "16", "--work", "100"), transports=("tcp",), more=("tcp+loops", "workers")),
    Scenario("idle", "calls on connections that wake up, among many that idle", "idle", ("--server", "{server}"),
             transports=("tcp",), count=(1000, 10000, 100)),
    Scenario("local", "16 B, an object in the same process", "local", transports=("local",)),
    Scenario("objects", "16 B, an object in the same process, among many", "local", transports=("local",),
             count=(100000, 1000000, 1000)),
    Scenario("first", "from the start of a process to its first answer, by name", "first", transports=("tcp",),
             unit="starts"),
    Scenario("overload", "1 ms of work on 4 workers, three times too much of it", "overload", transports=("tcp",)),
    Scenario("names-lookup", "the name server: 64 lookups at once, one connection", "lookup",
             ("--count", "1000", "--outstanding", "64"), transports=("tcp",), unit="lookups"),
    Scenario("names-register", "the name server: registrations by 64 clients, kept in a file", "register",
             ("--outstanding", "64"), transports=("tcp",), unit="registrations"),
    Scenario("names-list", "the name server: pages of 1,000 of the names with a prefix", "list",
             transports=("tcp",), unit="pages", count=(10000, 100000, 1000)),
]

# Few enough for a test, and yet every program runs.
QUICK = ("one16", "many16", "wide64k", "threads16", "mixed", "stream", "both", "work", "idle", "objects", "first", "overload",
         "names-lookup", "names-register", "names-list")
