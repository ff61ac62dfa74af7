# SPDX-License-Identifier: Apache-2.0
"""Who is measured: the programs of each system, how they are built, and what is missing if they cannot be."""
import dataclasses
import os
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))


class Missing(Exception):
    """What a peer would need."""


@dataclasses.dataclass(frozen=True)
class Peer:
    system: str
    transport: str
    programs: dict  # kind: servers' words, in their order, and the client's; {...} as measure.py fills in
    complete: bool = False  # a whole remote-procedure system that is not ours
    env: tuple = ()  # (name, value) of both sides

    @property
    def name(self):
        return self.system if self.transport == "local" else f"{self.system}-{self.transport}"


# Pyrite: built by CMake

BENCH = "{build}/bench/bench_"
PYRITE = "{build}/bin/pyrite"
SERVE = (BENCH + "serve", "{at}")
NAMES = (PYRITE, "ns", "--listen", "{ns}")


def client(name, *more):
    return (BENCH + name, *more, "--connect", "{at}")


PYRITE_PROGRAMS = {
    "echo": ([(PYRITE, "bench", "serve", "--listen", "{at}")], (PYRITE, "bench", "call", "--connect", "{at}")),
    "threads": ([SERVE], client("threads")),
    "mixed": ([SERVE], client("mixed")),
    "stream": ([SERVE], client("flow")),
    "both": ([SERVE], client("flow")),
    "work": ([SERVE], client("threads")),
    "idle": ([SERVE], client("idle")),
    "local": ([], (BENCH + "local",)),
    "first": ([NAMES, (*SERVE, "0", "0", "bench.first")], (BENCH + "first", "--connect", "name:bench.first")),
    "overload": ([(*SERVE, "4", "64")], client("overload")),
    "lookup": ([NAMES], (BENCH + "names", "lookup", "--connect", "{ns}")),
    "list": ([NAMES], (BENCH + "names", "list", "--connect", "{ns}")),
    "register": ([(*NAMES, "--store", "{store}")], (BENCH + "names", "register", "--connect", "{ns}")),
}
TARGETS = ["pyrite_cli"] + ["bench_" + name for name in
                            "first flow idle local mixed names overload serve threads".split()]


def over_grpc(programs):
    """The same on the gRPC transport, where the client chooses it."""
    chosen = {}
    for kind in ("echo", "threads", "mixed", "stream", "both"):
        servers, words = programs[kind]
        chosen[kind] = (servers, tuple("grpc:{at}" if word == "{at}" else word for word in words))
    return chosen


def build_pyrite(build, say):
    if not os.path.exists(os.path.join(build, "CMakeCache.txt")):
        run(["cmake", "-S", SOURCE, "-B", build, "-DBUILD_TESTING=ON"], say)
    run(["cmake", "--build", build, "--parallel", str(os.cpu_count()), "--target", *TARGETS], say)


# The others: built here, into build/bench/peers

def run(words, say, **more):
    say(" ".join(os.path.relpath(w) if w.startswith("/") else w for w in words[:4]) + " ...")
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, **more)
    if done.returncode:
        raise Missing(f"{words[0]} failed:\n{done.stdout[-3000:]}")


def pkg_config(*packages):
    done = subprocess.run(["pkg-config", "--cflags", "--libs", *packages], capture_output=True, text=True)
    return done.stdout.split() if done.returncode == 0 else None


def need(packages, programs, libraries):
    """The compiler's arguments for the libraries."""
    words = pkg_config(*libraries)
    if words is None or not all(map(shutil.which, programs)):
        raise Missing(f"install {packages}")
    return words


def is_old(target, sources):
    return not os.path.exists(target) or any(
        os.path.getmtime(target) < os.path.getmtime(source) for source in sources)


METER = [os.path.join(SOURCE, "src", "cli", name) for name in ("histogram.c", "histogram.h")]
METER += [os.path.join(HERE, name) for name in ("meter.c", "meter.h")]
CFLAGS = ["-O2", "-g", "-Wall", "-pthread", "-D_GNU_SOURCE", "-I" + os.path.join(SOURCE, "src")]


def build_raw(folder, say):
    source, target = os.path.join(HERE, "peers", "raw.c"), os.path.join(folder, "raw")
    if is_old(target, [source, *METER]):
        run(["cc", "-std=c11", *CFLAGS, "-o", target, source, *METER[::2]], say)


def build_cxx(folder, name, sources, arguments, say):
    objects = [os.path.join(folder, part + ".o") for part in ("histogram", "meter")]
    for source, target in zip(METER[::2], objects):
        run(["cc", "-std=c11", *CFLAGS, "-c", "-o", target, source], say)
    run(["c++", "-std=c++17", *CFLAGS, "-isystem", folder, "-o", os.path.join(folder, name),
         os.path.join(HERE, "peers", name + ".cc"), *sources, *objects, *arguments], say)


def build_grpc_cpp(folder, say):
    arguments = need("libgrpc++-dev, protobuf-compiler-grpc and g++", ["protoc", "grpc_cpp_plugin", "c++"],
                     ["grpc++", "protobuf"])
    sources = [os.path.join(HERE, "peers", "grpc_cpp.cc"), os.path.join(HERE, "load.proto"), *METER]
    if is_old(os.path.join(folder, "grpc_cpp"), sources):
        run(["protoc", "-I" + HERE, "--cpp_out=" + folder, "--grpc_out=" + folder,
             "--plugin=protoc-gen-grpc=" + shutil.which("grpc_cpp_plugin"), "load.proto"], say)
        made = [os.path.join(folder, name) for name in ("load.pb.cc", "load.grpc.pb.cc")]
        build_cxx(folder, "grpc_cpp", made, arguments, say)


def build_omniorb(folder, say):
    arguments = need("libomniorb4-dev, omniidl and g++", ["omniidl", "c++"], ["omniORB4"])
    sources = [os.path.join(HERE, "peers", name) for name in ("omniorb.cc", "echo.idl")] + METER
    if is_old(os.path.join(folder, "omniorb"), sources):
        run(["omniidl", "-bcxx", "-C" + folder, sources[1]], say)
        build_cxx(folder, "omniorb", [os.path.join(folder, "echoSK.cc")], arguments, say)


def other(program, kinds):
    """serve and call, in one program."""
    path = "{build}/bench/peers/" + program
    words = ([(path, "serve", "{at}")], (path, "call", "--connect", "{at}"))
    return {kind: words for kind in kinds}


BUILDERS = {"raw": build_raw, "grpc-cpp": build_grpc_cpp, "omniorb": build_omniorb}
CALLS = ("echo", "threads", "mixed")
STREAMS = ("stream", "both")

PEERS = [
    *(Peer("raw", transport, other("raw", CALLS + STREAMS)) for transport in ("tcp", "unix")),
    *(Peer("pyrite", transport, PYRITE_PROGRAMS) for transport in ("tcp", "local")),
    Peer("pyrite", "unix", PYRITE_PROGRAMS, env=(("PYRITE_SHARED_MEMORY", "off"),)),
    Peer("pyrite", "shm", PYRITE_PROGRAMS),
    Peer("pyrite", "spin", PYRITE_PROGRAMS, env=(("PYRITE_SOCKET_SPIN_US", "20"),)),
    Peer("pyrite", "tcp+loops", PYRITE_PROGRAMS, env=(("PYRITE_LOOPS", "2"),)),
    Peer("pyrite", "unix+loops", PYRITE_PROGRAMS, env=(("PYRITE_LOOPS", "2"), ("PYRITE_SHARED_MEMORY", "off"))),
    Peer("pyrite", "workers", {"work": ([(*SERVE, "2", "1024")], client("threads"))}),
    *(Peer("pyrite-grpc", transport, over_grpc(PYRITE_PROGRAMS)) for transport in ("tcp", "unix")),
    *(Peer("grpc-cpp", transport, other("grpc_cpp", CALLS + STREAMS), True) for transport in ("tcp", "unix")),
    *(Peer("omniorb", transport, other("omniorb", ("echo", "threads")), True) for transport in ("tcp", "unix")),
]
USUAL = ("raw", "pyrite", "grpc-cpp", "omniorb")  # pyrite-grpc on request


def build(systems, folder, say):
    """Builds what can be; returns {system: what it lacks} of the others."""
    missing = {}
    peers = os.path.join(folder, "bench", "peers")
    os.makedirs(peers, exist_ok=True)
    for system in systems:
        try:
            if system in BUILDERS:
                BUILDERS[system](peers, say)
        except Missing as lack:
            missing[system] = str(lack)
    return missing
