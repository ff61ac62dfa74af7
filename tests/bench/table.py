# SPDX-License-Identifier: Apache-2.0
"""The figures as text: a table for each scenario, and one of the targets."""
from scenario import socket_of

COLUMNS = [  # key, title, digits
    ("calls_per_second", "/s", 0),
    ("megabytes_per_second", "MB/s", 0),
    ("p50_us", "p50 us", 1),
    ("p99_us", "p99 us", 1),
    ("client_cpu_us_per_call", "client us", 2),
    ("server_cpu_us_per_call", "server us", 2),
    ("cpu_us_per_call", "CPU us", 2),
]
EXTRAS = [
    ("connections", "connections", 0),
    ("objects", "objects", 0),
    ("bytes_each", "bytes each", 0),
    ("ns_each", "ns each", 0),
    ("ns_each_of_few", "ns each of 64", 0),
    ("start_us", "start us", 0),
    ("first_call_us", "first call us", 0),
    ("capacity_per_second", "capacity /s", 0),
    ("offered_per_second", "offered /s", 0),
    ("refused_per_second", "refused /s", 0),
    ("goodput_share", "goodput", 2),
    ("names_per_second", "names/s", 0),
]


def number(value, digits):
    return "-" if value is None else f"{value:,.{digits}f}"


def ratio_text(value):
    """Ratios are two digits worth, small ones too."""
    return number(value, 2 if value is None or value >= 0.1 else 3)


def short(value):
    """Three digits or so, whatever the size."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def align(rows):
    """The first column to the left, all others to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  " + "  ".join(cell.rjust(width) if i else cell.ljust(width) for i, (cell, width) in
                                      enumerate(zip(row, widths))).rstrip() for row in rows)


def raw_beside(peer):
    return "raw-" + socket_of(peer.rpartition("-")[2])


def scenario_table(figures, scenario):
    peers = figures.peers(scenario.name)
    columns = [column for column in COLUMNS + EXTRAS
               if any(figures.median(scenario.name, peer, column[0]) is not None for peer in peers)]
    if not columns:
        return f"{scenario.name}: {scenario.title}\n  every measurement has failed\n"
    rows = [["", *(title if title != "/s" else scenario.unit + "/s" for _, title, _ in columns), "of raw"]]
    for peer in peers:
        cells = [number(figures.median(scenario.name, peer, key), digits) for key, _, digits in columns]
        ratio = figures.ratio(scenario.name, peer, "calls_per_second", scenario.name, raw_beside(peer))
        rows.append([peer, *cells, ratio_text(ratio)])
    if all(row[-1] == "-" for row in rows[1:]):
        rows = [row[:-1] for row in rows]
    return f"{scenario.name}: {scenario.title}\n{align(rows)}\n"


def bound_text(target):
    sign, bound = (">=", target.least) if target.least is not None else ("<=", target.most)
    if target.against:
        return f"{sign} {bound:.2f}"
    return f"{sign} {bound:,.4g} {target.unit}".rstrip() if bound < 1000 else f"{sign} {bound:,.0f} {target.unit}"


def target_table(verdicts):
    rows = [["target", "figure", "ratio", "to", "wanted", "met"]]
    for verdict in verdicts:
        if verdict.met is None:
            continue
        target = verdict.target
        other = verdict.other or ""
        if other and target.against_scenario:
            other += " in " + target.against_scenario
        rows.append([target.title, f"{short(verdict.figure)} {target.unit}".rstrip(), ratio_text(verdict.ratio)
                     if target.against else "", other, bound_text(target), "yes" if verdict.met else "no"])
    left = sum(verdict.met is None for verdict in verdicts)
    text = align(rows) + "\n" if len(rows) > 1 else ""
    return text + (f"  {left} targets are about what was not measured\n" if left else "")
