# SPDX-License-Identifier: Apache-2.0
"""The picture: how each peer does beside bare sockets, as bars, scenario by scenario."""
from xml.sax.saxutils import escape

from table import ratio_text

LABELS, WIDTH, ROOM = 350, 560, 70  # the text on the left, a bar of MOST, the figure behind it
BAR, GAP, GROUP = 13, 3, 20
TOP = 92
MOST = 1.5  # a longer bar ends in an arrow
# from dark to light, so that they differ in grey as well
COLOURS = {"pyrite": "#0b3c5d", "pyrite-grpc": "#2f7d8c", "omniorb": "#e08e2b", "grpc-cpp": "#e9c9a0"}
OTHER = "#999999"


def text(x, y, words, size=12, anchor="start", colour="#222222", weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="{colour}" '
            f'font-weight="{weight}" stroke="#ffffff" stroke-width="3" paint-order="stroke">{escape(words)}</text>')


def rows_of(figures, scenarios):
    """[(title, [(system, ratio)])], one for each scenario and transport that has bare sockets beside it."""
    groups = []
    for scenario in scenarios:
        for transport, name in (("tcp", "TCP"), ("unix", "Unix")):
            bars = []
            for peer in figures.peers(scenario.name):
                system, _, over = peer.rpartition("-")
                ratio = figures.ratio(scenario.name, peer, "calls_per_second", scenario.name, "raw-" + transport)
                if over == transport and system != "raw" and ratio is not None:
                    bars.append((system, ratio))
            if bars:
                groups.append((f"{scenario.title}, {name}", bars))
    return groups


def bar(y, system, ratio):
    x, length = LABELS, WIDTH * min(ratio, MOST) / MOST
    colour = COLOURS.get(system, OTHER)
    parts = [f'<rect x="{x}" y="{y:.1f}" width="{max(length, 1):.1f}" height="{BAR}" fill="{colour}" '
             f'stroke="#444444" stroke-width="0.5"/>',
             text(x + length + 5, y + BAR - 3, ratio_text(ratio) + (" >" if ratio > MOST else ""), 11)]
    return "".join(parts)


def legend(systems):
    parts, x = [], LABELS
    for system in systems:
        parts.append(f'<rect x="{x}" y="50" width="12" height="12" fill="{COLOURS.get(system, OTHER)}" '
                     f'stroke="#444444" stroke-width="0.5"/>')
        parts.append(text(x + 17, 60.5, system))
        x += 40 + 7.5 * len(system)
    return parts


def scale(bottom):
    parts = []
    for step in range(int(MOST * 4) + 1):
        value = step / 4
        x = LABELS + WIDTH * value / MOST
        bare = value == 1
        parts.append(f'<line x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{bottom}" '
                     f'stroke="{"#b00020" if bare else "#dddddd"}" stroke-width="{1.5 if bare else 1}"/>')
        parts.append(text(x, TOP - 11, "bare sockets" if bare else f"{value:g}", 10, "middle",
                          "#b00020" if bare else "#666666"))
    return parts


def svg(figures, scenarios, note):
    groups = rows_of(figures, scenarios)
    systems = [system for system in [*COLOURS, *sorted({s for _, bars in groups for s, _ in bars} - set(COLOURS))]
               if any(system == s for _, bars in groups for s, _ in bars)]
    body, y = [], TOP + 6
    for title, bars in groups:
        middle = y + (len(bars) * (BAR + GAP) - GAP) / 2
        body.append(text(LABELS - 12, middle + 4, title, 12, "end"))
        for system, ratio in sorted(bars, key=lambda one: systems.index(one[0])):
            body.append(bar(y, system, ratio))
            y += BAR + GAP
        y += GROUP - GAP
    width, height = LABELS + WIDTH + ROOM, y + 26
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="sans-serif">',
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            text(20, 30, "Calls (or messages) a second, of what bare sockets do in the same round", 16, weight="bold"),
            *legend(systems)]
    foot = [text(20, height - 10, note, 10, colour="#666666"), "</svg>", ""]
    return "\n".join(head + scale(y - GROUP + GAP + 4) + body + foot)
