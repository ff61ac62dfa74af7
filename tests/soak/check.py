# SPDX-License-Identifier: Apache-2.0
"""What the clients' records and the servants' log have to agree about, once all is over."""
import collections

KINDS = {  # of a record: its name, what the servant's log says, whether it has to end well
    "L": ("look", "L", True),
    "l": ("look, asynchronous", "L", True),
    "b": ("look, in a batch", "L", True),
    "A": ("add", "A", False),
    "a": ("add, asynchronous", "A", False),
    "B": ("add, in a batch", "A", False),
    "c": ("cancelled", "LA", False),
    "N": ("oneway", "N", False),
    "S": ("stream of answers", "S", False),
    "T": ("message both ways", "T", False),
}
GOOD = {"OK", "SENT"}
EXPECTED = GOOD | {"UNAVAILABLE", "DEADLINE_EXCEEDED"}
SHOWN = 5  # complaints of one sort


class Check:
    def __init__(self):
        self.executions = {}  # (client, number) as one number: [kind, how often]
        self.complaints = collections.defaultdict(list)
        self.calls = collections.defaultdict(collections.Counter)  # kind: status: count
        self.slowest = {}  # balance: (microseconds, call)

    def complain(self, sort, text):
        self.complaints[sort].append(text)

    def read_log(self, path):
        with open(path) as file:
            for line in file:
                words = line.split()
                if len(words) != 4 or not line.endswith("\n"):
                    self.complain("the servants' log is damaged", repr(line))
                    continue
                process, kind, client, number = words
                seen = self.executions.setdefault(int(client) << 40 | int(number), [kind, 0])
                seen[1] += 1
                if seen[1] > 1 and kind != "L":
                    self.complain("a call that must not has run twice", f"{line.strip()}, time {seen[1]}")

    def read_record(self, path):
        with open(path) as file:
            for line in file:
                words = line.split()
                if len(words) != 7 or not line.endswith("\n"):
                    self.complain("a client's record is damaged", repr(line))
                else:
                    self.judge(line.strip(), *words)

    def judge(self, line, kind, client, number, status, executed, took_us, balance):
        _, method, has_to_end_well = KINDS[kind]
        self.calls[kind][status] += 1
        self.slowest[balance] = max(self.slowest.get(balance, (0, "")), (int(took_us), line))
        ran, times = self.executions.pop(int(client) << 40 | int(number), (method, 0))
        if ran not in method:
            self.complain("a servant's function has run for a call of another", f"{line}; it ran {ran}")
        if status == "WRONG":
            self.complain("an answer was wrong", line)
        elif status in ("LOST", "TWICE"):
            self.complain("a callback did not run once", line)
        elif status not in EXPECTED and not (kind == "c" and status == "CANCELLED"):
            self.complain("a status that nothing explains", line)
        if has_to_end_well and status != "OK":
            self.complain("an idempotent call was lost", line)
        if status == "OK" and not times:
            self.complain("a call was answered but has not run", line)
        if executed == "-" and kind in "LlbAaB":
            self.complain("a call that has not run was given up", line)
        if executed == "-" and times:
            self.complain("a call has run that is said not to have", line)

    def finish(self):
        for token in self.executions:
            self.complain("a call has run that nobody has made", f"{token >> 40} {token & (1 << 40) - 1}")
        for kind, (name, _, _) in KINDS.items():
            if kind != "c" and not GOOD & set(self.calls[kind]):
                self.complain("a kind of call never ended well", name)

    def summary(self):
        total = sum(sum(statuses.values()) for statuses in self.calls.values())
        lines = [f"{total} calls:"]
        for kind, (name, _, _) in KINDS.items():
            statuses = ", ".join(f"{count} {status}" for status, count in self.calls[kind].most_common())
            lines.append(f"  {name + ':':20} {statuses}")
        for balance, (took_us, line) in sorted(self.slowest.items()):
            kind = KINDS[line.split()[0]][0]
            lines.append(f"slowest call, balance {balance}: {took_us / 1e6:.1f} s ({kind}: {line})")
        return "\n".join(lines)

    def report(self):
        """The complaints as text, empty if there are none."""
        lines = []
        for sort, texts in self.complaints.items():
            lines.append(f"{sort}: {len(texts)} times, such as")
            lines += ["  " + text for text in texts[:SHOWN]]
        return "\n".join(lines)
