# SPDX-License-Identifier: Apache-2.0
"""usage: quick.py RUN BUILD

Whether tests/bench/run works, not how fast anything is: every program measures something, what it counts
fits together, and a program that does not work is told of.
"""
import collections
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import scenario
from figure import Figures
from table import ratio_text, raw_beside
from target import TARGETS, judge_one

SVG = "{http://www.w3.org/2000/svg}"

wrong = []


def expect(holds, what):
    if not holds:
        wrong.append(what)


def run(program, *words):
    return subprocess.run([sys.executable, "-B", program, "--quick", "--no-build", *words], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=240)


def check_run(one):
    place = f"{one['scenario']}, {one['peer']}"
    if "error" in one:
        wrong.append(f"{place}: {one['error']}")
        return
    expect(one["calls"] > 0 and one["errors"] == 0, f"{place}: {one['calls']} calls, {one['errors']} errors")
    expect(0 < one["seconds"] < 30, f"{place}: took {one['seconds']} s")
    expect(abs(one["calls_per_second"] * one["seconds"] / one["calls"] - 1) < 0.01, f"{place}: calls/s do not fit")
    expect(one.get("p50_us", 0) <= one.get("p99_us", 0), f"{place}: p50 is above p99")
    expect(one["server_cpu_us_per_call"] >= 0 and one["cpu_us_per_call"] > 0, f"{place}: no CPU time")
    for key in ("ns_each", "capacity_per_second", "names_per_second"):
        expect(one.get(key, 1) > 0, f"{place}: {key} is {one.get(key)}")


def every_program_measures(program, build, folder):
    paths = [os.path.join(folder, name) for name in ("runs.json", "chart.svg")]
    done = run(program, "--build", build, "--json", paths[0], "--svg", paths[1])
    expect(done.returncode == 0, f"it ended with {done.returncode}:\n{done.stderr}")
    expect("\r" not in done.stderr, "a live line was written into a pipe")
    with open(paths[0]) as file:
        runs = json.load(file)["runs"]
    expected = {(one.name, peer) for one in scenario.SCENARIOS if one.name in scenario.QUICK
                for peer in peers_of(one)}
    expect({(one["scenario"], one["peer"]) for one in runs} == expected and len(runs) == len(expected),
           f"{len(runs)} runs instead of {len(expected)}")
    for one in runs:
        check_run(one)
    check_picture(paths[1], Figures(runs))


def check_picture(path, figures):
    """A bar, with its figure, for each that has bare sockets beside it."""
    root = xml.etree.ElementTree.parse(path).getroot()
    drawn = collections.Counter(text.text for text in root.iter(SVG + "text"))
    ratios = [ratio_text(figures.ratio(one.name, peer, "calls_per_second", one.name, raw_beside(peer)))
              for one in scenario.SCENARIOS if one.name in scenario.QUICK and one.transports == scenario.REMOTE
              for peer in peers_of(one) if peer in ("pyrite-tcp", "pyrite-unix")]
    # and one for the ground, one for the legend
    expect(len(list(root.iter(SVG + "rect"))) == len(ratios) + 2, f"the picture has not {len(ratios)} bars")
    for ratio, count in collections.Counter(ratios).items():
        expect(drawn[ratio] + drawn[ratio + " >"] >= count, f"the ratio {ratio} is not in the picture")


def peers_of(one):
    if one.transports == ("local",):
        return ["pyrite"]
    own = [f"pyrite-{transport}" for transport in one.transports + one.more]
    return own + [f"raw-{transport}" for transport in one.transports if one.transports == scenario.REMOTE]


def what_does_not_work_is_told(program, folder):
    os.makedirs(os.path.join(folder, "bin"))
    os.symlink("/bin/false", os.path.join(folder, "bin", "pyrite"))
    done = run(program, "--build", folder, "--scenarios", "many16", "--peers", "pyrite-tcp,raw-tcp")
    expect(done.returncode == 1, f"a server that ends at once: status {done.returncode}")
    expect("many16, pyrite-tcp, round 1: pyrite has ended before it was ready" in done.stderr,
           f"a server that ends at once is not told of:\n{done.stderr}")


def made_up(scenario_name, peer, rates):
    return [{"scenario": scenario_name, "peer": peer, "round": number, "calls_per_second": rate}
            for number, rate in enumerate(rates)]


def ratios_are_made_within_a_round():
    # the machine is ten times slower in the second round, for both
    figures = Figures(made_up("many16", "raw-tcp", [1000, 100, 1000]) +
                      made_up("many16", "pyrite-tcp", [800, 90, 700]) +
                      [{"scenario": "many16", "peer": "raw-tcp", "round": 3, "error": "gone"}] +
                      [dict(run, complete=True) for run in made_up("many16", "omniorb-tcp", [100, 10, 90])])
    expect(figures.ratio("many16", "pyrite-tcp", "calls_per_second", "many16", "raw-tcp") == 0.8, "a ratio is wrong")
    expect(figures.median("many16", "pyrite-tcp", "calls_per_second") == 700, "a median is wrong")
    verdicts = {(target.least, target.against): judge_one(target, figures) for target in TARGETS
                if (target.scenario, target.peer, target.key) == ("many16", "pyrite-tcp", "calls_per_second")}
    expect(verdicts[0.85, "raw-tcp"].met is False, "0.80 is taken for 0.85")
    expect(verdicts[6, "best"].met is True and verdicts[6, "best"].other == "omniorb-tcp", "the best peer is not found")
    expect(all(judge_one(target, Figures([])).met is None for target in TARGETS), "what was not measured is judged")


def main():
    program, build = sys.argv[1:3]
    ratios_are_made_within_a_round()
    with tempfile.TemporaryDirectory(prefix="pyrite-bench-") as folder:
        every_program_measures(program, build, folder)
        what_does_not_work_is_told(program, folder)
    print("\n".join(wrong) or "every program measures")
    return bool(wrong)


sys.exit(main())
