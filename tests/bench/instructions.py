# SPDX-License-Identifier: Apache-2.0
"""usage: instructions.py PROGRAM FIGURES [--renew]

Counts the instructions of a call, one of 64 at once, a stream's item and a local call with valgrind's callgrind, and
fails when one takes over 5 % more than FIGURES says, or so much less that FIGURES should be renewed.
Two numbers of calls are counted and subtracted, so that what happens once does not count.
"""
import json, os, re, subprocess, sys

FEW, MANY = 500, 2500
ALLOWED = 0.05

def count(program, kind, calls):
    done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, kind, str(calls)],
                          capture_output=True, text=True, timeout=300,
                          env={k: v for k, v in os.environ.items() if not k.startswith("PYRITE_")})
    collected = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not collected:
        sys.exit(f"{program} {kind} {calls} ended with {done.returncode}:\n{done.stderr}")
    return int(collected.group(1))

def main():
    program, path = sys.argv[1:3]
    renew = "--renew" in sys.argv
    with open(path) as file:
        figures = json.load(file)
    wrong = 0
    for kind in figures:
        now = round((count(program, kind, MANY) - count(program, kind, FEW)) / (MANY - FEW))
        was = figures[kind]
        change = now / was - 1 if was else 1
        print(f"{kind}: {now} instructions, {change:+.1%} against {was}")
        if abs(change) > ALLOWED and not renew:
            print(f"  that is over {ALLOWED:.0%}: make it less, or renew {os.path.basename(path)} and say why in the commit")
            wrong += 1
        figures[kind] = now
    if renew:
        with open(path, "w") as file:
            json.dump(figures, file, indent=2)
            file.write("\n")
    return wrong

sys.exit(main() and 1)
