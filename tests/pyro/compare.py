# SPDX-License-Identifier: Apache-2.0
"""usage: compare.py SOURCE_DIR PYRITE SERVER CLIENT [NUMBER...]

Runs the scenarios on Pyro4 and on Pyrite, and compares both with the table in scenarios.md.
"""
import json, os, re, subprocess, sys

here = os.path.dirname(os.path.abspath(__file__))
VERSION = "4.82"
DEADLINE_S = 240
# what Pyro has of docs/features.md: each has a scenario at least
FEATURES = "N1 N2 N3 N4 N5 N6 N10 N11 N12 D1 D2 D3 D4 D5 D6 D7 D8 D9 D12 C1 C3 C4 C7 C8 C9 C10 C12 C13 C14"
wrong = []

def rows(path):
    """number -> what is done, Pyro's outcome, Pyrite's, verdict and reason."""
    table = {}
    for line in open(path):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not re.fullmatch(r"[NDC]\d+\.\d+", cells[0]):
            continue
        number, done, pyro, pyrite, verdict = cells if len(cells) == 5 else [cells[0], *"????"]
        if not all(re.fullmatch(r"`[^`]+`", outcome) for outcome in (pyro, pyrite)):
            wrong.append(f"scenarios.md: {number}: five columns, with an outcome in each of two")
        elif not re.fullmatch(r"equal|(better|other|missing): .+", verdict):
            wrong.append(f"scenarios.md: {number}: '{verdict}' is neither equal nor better, other or missing with a reason")
        elif (verdict == "equal") != (pyro == pyrite):
            wrong.append(f"scenarios.md: {number}: says {verdict.split(':')[0]} of {pyro} and {pyrite}")
        elif verdict.startswith("missing") != (pyrite == "`planned`"):
            wrong.append(f"scenarios.md: {number}: planned and missing belong together")
        if number in table:
            wrong.append(f"scenarios.md: {number} is there twice")
        table[number] = done, pyro.strip("`"), pyrite.strip("`"), verdict
    for feature in FEATURES.split():
        if not any(number.split(".")[0] == feature for number in table):
            wrong.append(f"scenarios.md: nothing of {feature}, which Pyro has")
    return table

def states(path):
    """What docs/features.md says of each feature."""
    found = {}
    for line in open(path):
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 3 and re.fullmatch(r"[NDC]\d+", cells[1]):
            found[cells[1]] = cells[3]
    return found

def start(side, *arguments):
    return subprocess.Popen([sys.executable, "-B", os.path.join(here, "side.py"), side, *arguments],
                            stdout=subprocess.PIPE, text=True)

def outcomes(side):
    try:
        out = side.communicate(timeout=DEADLINE_S)[0]
    except subprocess.TimeoutExpired:
        side.terminate() # it ends what it has started
        side.communicate(timeout=60)
        raise SystemExit(f"compare: {side.args[3]} is not done after {DEADLINE_S} s")
    if side.returncode != 0:
        raise SystemExit(f"compare: {side.args[3]} ended with {side.returncode}")
    return json.loads(out)

def judge():
    try:
        import Pyro4
    except ImportError as x:
        raise SystemExit(f"compare: the judge is missing: {x}: apt-get install python3-pyro4")
    if Pyro4.__version__ != VERSION:
        raise SystemExit(f"compare: the table is about Pyro {VERSION}, and this is {Pyro4.__version__}")

def compare(number, row, side, expected, found):
    if found != expected:
        wrong.append(f"{number}: {row[0]}\n    {side}: {found}\n    expected: {expected}\n"
                     f"    the table: Pyro {row[1]}, Pyrite {row[2]}, {row[3]}")

def main():
    source, *programs = sys.argv[1:5]
    only = sys.argv[5:]
    judge()
    table = rows(os.path.join(here, "scenarios.md"))
    sides = start("pyro", *only), start("pyrite", *programs, *only)
    try:
        pyro, pyrite = (outcomes(side) for side in sides)
    finally:
        for side in sides:
            if side.poll() is None:
                side.terminate()
                side.wait()
    features = states(os.path.join(source, "docs/features.md"))
    for number, row in table.items():
        feature = number.split(".")[0]
        if only and number not in only:
            continue
        compare(number, row, "Pyro", row[1], pyro.pop(number, "not tried"))
        if row[2] != "planned":
            compare(number, row, "Pyrite", row[2], pyrite.pop(number, "not tried"))
        elif number in pyrite:
            compare(number, row, "Pyrite", row[2], pyrite.pop(number))
        elif features[feature] == "done":
            wrong.append(f"{number}: docs/features.md calls {feature} done, and the table says planned: try it")
    for number in {**pyro, **pyrite}:
        wrong.append(f"{number}: is not in the table")
    if wrong:
        raise SystemExit("\n".join(wrong) + f"\ncompare: {len(wrong)} wrong")
    table = {number: row for number, row in table.items() if not only or number in only}
    equal = sum(row[3] == "equal" for row in table.values())
    missing = sum(row[2] == "planned" for row in table.values())
    print(f"{len(table)} scenarios: {equal} equal, {missing} missing, {len(table) - equal - missing} differ as the table says")

main()
