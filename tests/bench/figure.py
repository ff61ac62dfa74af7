# SPDX-License-Identifier: Apache-2.0
"""Medians of the rounds, and ratios, which are made within each round: only what was measured at the
same time can be compared."""
import statistics


class Figures:
    def __init__(self, runs):
        """runs: [{"round", "scenario", "peer", and what was measured, or "error"}]."""
        self.by_place = {}
        self.complete = set()  # peers that are whole systems
        for run in runs:
            rounds = self.by_place.setdefault((run["scenario"], run["peer"]), {})
            if "error" not in run:
                rounds[run["round"]] = run
            if run.get("complete"):
                self.complete.add(run["peer"])

    def rounds(self, scenario, peer, key):
        found = self.by_place.get((scenario, peer), {})
        return {number: run[key] for number, run in found.items() if key in run}

    def median(self, scenario, peer, key):
        values = self.rounds(scenario, peer, key).values()
        return statistics.median(values) if values else None

    def ratio(self, scenario, peer, key, other_scenario, other):
        mine, others = self.rounds(scenario, peer, key), self.rounds(other_scenario, other, key)
        ratios = [mine[number] / others[number] for number in mine if others.get(number)]
        return statistics.median(ratios) if ratios else None

    def best(self, scenario, transport):
        """The complete system that makes the most calls there."""
        rates = {peer: self.median(scenario, peer, "calls_per_second") for peer in self.complete
                 if peer.endswith("-" + transport)}
        rates = {peer: rate for peer, rate in rates.items() if rate}
        return max(rates, key=rates.get) if rates else None

    def peers(self, scenario):
        return [peer for place, peer in self.by_place if place == scenario]
