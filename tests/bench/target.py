# SPDX-License-Identifier: Apache-2.0
"""What Pyrite wants to reach, and whether it does."""
import dataclasses

BEST = "best"  # the best complete system in the same scenario over the same transport


@dataclasses.dataclass(frozen=True)
class Target:
    title: str
    scenario: str
    peer: str
    key: str
    least: float | None = None
    most: float | None = None
    against: str | None = None  # a peer, BEST, or None: the figure itself
    against_scenario: str | None = None  # None: the same
    unit: str = ""
    scale: float = 1  # of the figure, to get that unit


@dataclasses.dataclass(frozen=True)
class Verdict:
    target: Target
    figure: float | None
    ratio: float | None
    other: str | None  # what the ratio is against
    met: bool | None  # None: not measured


def rate(title, scenario, peer, least, against, **more):
    return Target(title, scenario, peer, "calls_per_second", least=least, against=against, unit="/s", **more)


def both_ways(title, scenario, tcp, unix, key="calls_per_second", bound="least", unit="/s"):
    return [Target(f"{title}, {name}", scenario, f"pyrite-{transport}", key, against=f"raw-{transport}", unit=unit,
                   **{bound: value})
            for name, transport, value in (("TCP", "tcp", tcp), ("Unix", "unix", unix))]


TARGETS = [
    *both_ways("16 B, 64 at once", "many16", 0.85, 0.85),
    *both_ways("16 B, 64 at once, one core", "many16-core", 0.70, 0.65),
    rate("16 B, 64 at once, TCP", "many16", "pyrite-tcp", 6, BEST),
    Target("16 B, 64 at once, TCP: CPU of both sides", "many16", "pyrite-tcp", "cpu_us_per_call", most=1.5, unit="us"),
    *both_ways("16 B, one at a time, one core: median", "one16-core", 1.10, 1.10, "p50_us", "most", "us"),
    *both_ways("16 B, one at a time, two cores: median", "one16-cores", 1.15, 1.15, "p50_us", "most", "us"),
    rate("16 B, 64 at once, shared memory", "many16", "pyrite-shm", 5, "raw-unix"),
    Target("16 B, one at a time, two cores, shared memory: median", "one16-cores", "pyrite-shm", "p50_us", most=1,
           unit="us"),
    Target("16 B, one at a time, one core, shared memory: median", "one16-core", "pyrite-shm", "p50_us", most=0.6,
           against="raw-unix", unit="us"),
    rate("16 B, one at a time, two cores, TCP, looking", "one16-cores", "pyrite-spin", 2, "raw-tcp"),
    rate("16 B, one at a time, one core, TCP, looking", "one16-core", "pyrite-spin", 0.97, "pyrite-tcp"),
    *both_ways("64 KiB", "bulk64k", 0.90, 1.20),
    *both_ways("1 MiB", "bulk1m", 0.90, 1.20),
    # omniORB has a thread for each connection
    rate("64 KiB, 16 connections, two loops, TCP", "wide64k", "pyrite-tcp+loops", 1, "omniorb-tcp"),
    rate("64 KiB, 16 connections, two loops, Unix", "wide64k", "pyrite-unix+loops", 1, "omniorb-unix"),
    rate("16 threads on one proxy, TCP", "threads16", "pyrite-tcp", 3, BEST),
    rate("16 threads on one proxy, Unix", "threads16", "pyrite-unix", 3, BEST),
    Target("a local call", "local", "pyrite", "ns_each", most=200, unit="ns"),
    Target("an idle connection, user space", "idle", "pyrite-tcp", "bytes_each", most=4, unit="KiB", scale=1 / 1024),
    Target("an object among many", "objects", "pyrite", "bytes_each", most=200, unit="B"),
    Target("first call by name, beside the start", "first", "pyrite-tcp", "first_call_us", most=2, unit="ms",
           scale=1 / 1000),
    Target("overload: done, of what can be done", "overload", "pyrite-tcp", "goodput_share", least=0.90),
    rate("lookups of names", "names-lookup", "pyrite-tcp", 0.5, "pyrite-tcp", against_scenario="many16"),
    Target("registrations of names, durable", "names-register", "pyrite-tcp", "calls_per_second", least=20000,
           unit="/s"),
]


def judge(figures):
    return [judge_one(target, figures) for target in TARGETS]


def judge_one(target, figures):
    figure = figures.median(target.scenario, target.peer, target.key)
    ratio, other = None, target.against
    if other == BEST:
        other = figures.best(target.scenario, target.peer.rpartition("-")[2])
    if other:
        ratio = figures.ratio(target.scenario, target.peer, target.key,
                              target.against_scenario or target.scenario, other)
    scaled = None if figure is None else figure * target.scale
    value = ratio if target.against else scaled
    met = None
    if value is not None:
        met = value >= target.least if target.least is not None else value <= target.most
    return Verdict(target, scaled, ratio, other, met)
