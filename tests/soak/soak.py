# SPDX-License-Identifier: Apache-2.0
"""See tests/soak.sh: the supervisor, which starts, disturbs and ends everything, and then checks."""
import argparse, collections, os, random, shutil, signal, sys, tempfile, time
from check import Check
from processes import Client, Failure, Process

DAEMONS = 6
SURVIVORS = 2  # of them: suspended, but never ended, so that their memory can be compared
CLIENT_PROCESSES, CLIENTS_EACH = 4, 8
STEP_S = 0.05
SETTLE_S = 3  # after the last one was started
CALM_S = 60  # until all are there
LAST_CALLS_S = 75  # a call may take 30 s, and a callback is waited for 45 s
MEMORY_FACTOR, MEMORY_MORE = 1.2, 4 << 20  # end <= warm * factor + more
DESCRIPTORS_MORE = 8
FOUND = {  # by --break, as what
    "twice": "has run twice",
    "unanswered": "an idempotent call was lost",
    "wrong": "an answer was wrong",
    "unlogged": "was answered but has not run",
    "descriptors": "descriptors",
    "memory": "memory",
    "client": "descriptors",
}


class Interrupted:
    """Ctrl-C and the like, which must not come between the start of a process and the note of it."""

    number = 0

    def note(self, number, frame):
        self.number = number

    def stop_if(self):
        if self.number:
            raise SystemExit(128 + self.number)


interrupted = Interrupted()


class Soak:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.random = random.Random(options.seed)
        self.done = collections.Counter()
        self.began = self.told = time.monotonic()
        tests, env = os.path.join(options.build, "tests"), dict(os.environ)
        for name in [name for name in env if name.startswith("PYRITE_") and not name.endswith("_LIBRARY")]:
            del env[name]
        env.update(PYRITE_NS=f"unix:{folder}/ns", SOAK_BREAK=options.broken or "")
        self.log = os.path.join(folder, "executions")
        self.server = Process("name-server", [os.path.join(options.build, "bin", "pyrite"), "ns", "--listen",
                              env["PYRITE_NS"], "--store", os.path.join(folder, "names.db")], folder, env)
        self.daemons = [self.new_daemon(i, tests, env) for i in range(DAEMONS)]
        self.clients = [Client(f"client-{i}", [os.path.join(tests, "soak_client"), str(i * CLIENTS_EACH),
                        str(CLIENTS_EACH), str(options.seed)], folder, env) for i in range(CLIENT_PROCESSES)]
        self.all = [self.server, *self.daemons, *self.clients]
        self.more_to_do = 0

    def new_daemon(self, i, tests, env):
        """Unix and TCP, each on the loop and with workers."""
        endpoint = "127.0.0.1:0" if i % 2 else f"unix:{self.folder}/daemon-{i}"
        workers = "4" if i % 4 in (1, 2) else "0"
        return Process(f"daemon-{i}", [os.path.join(tests, "soak_server"), endpoint, workers, self.log],
                       self.folder, env)

    def tell(self):
        """Where it stands: often on a terminal, seldom in a pipe."""
        now = time.monotonic()
        terminal = sys.stdout.isatty()
        if now - self.told < (0.5 if terminal else 10):
            return
        self.told = now
        up = sum(d.state == "up" for d in self.daemons)
        text = (f"{now - self.began:4.0f} of {self.options.seconds} s: {sum(c.calls() for c in self.clients)} calls, "
                f"{up} of {DAEMONS} daemons up, " + ", ".join(f"{n} {what}" for what, n in self.done.items()))
        print("\r\x1b[K" + text[:shutil.get_terminal_size().columns - 1] if terminal else text,
              end="" if terminal else "\n", flush=True)

    def step(self):
        interrupted.stop_if()
        for process in self.all:
            process.step()
        self.tell()
        time.sleep(STEP_S)

    def wait_for(self, what, seconds, condition):
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                raise Failure(f"after {seconds} s: not {what}; " +
                              ", ".join(f"{p.name} is {p.state}" for p in self.all))
            self.step()

    def disturb_server(self, away):
        if self.random.random() < 0.7:
            self.server.kill(away)
            self.done["name server killed"] += 1
        else:
            self.server.stop(away)
            self.done["name server stopped"] += 1

    def disturb(self):
        """All random numbers are drawn in any case, so that a seed means the same sequence."""
        r = self.random
        self.more_to_do = time.monotonic() + r.uniform(0.2, 1.2)
        daemon, survivor = self.daemons[r.randrange(SURVIVORS, DAEMONS)], self.daemons[r.randrange(SURVIVORS)]
        choice, away = r.random(), r.uniform(0.1, 3)
        pause = r.uniform(11, 13) if r.random() < 0.08 else r.uniform(0.1, 4)  # also longer than a lease
        if choice < 0.1:
            if self.server.state == "up":
                self.disturb_server(away)
        elif choice < 0.45 and daemon.state in ("up", "suspended"):
            daemon.kill(away)
            self.done["killed"] += 1
        elif choice < 0.65 and daemon.state == "up":
            daemon.stop(away)
            self.done["stopped"] += 1
        elif choice >= 0.65:
            chosen = survivor if choice < 0.75 else daemon
            if chosen.state == "up":
                chosen.suspend(pause)
                self.done["suspended"] += 1

    def disturb_for(self, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if time.monotonic() >= self.more_to_do:
                self.disturb()
            self.step()

    def calm(self):
        """All are there and nobody disturbs them: what the survivors use then, at the least."""
        self.wait_for("calm", CALM_S, lambda: all(p.state == "up" for p in self.all))
        usage = {}
        until = time.monotonic() + SETTLE_S
        while time.monotonic() < until:
            for process in self.daemons[:SURVIVORS] + self.clients:
                memory, descriptors = usage.get(process.name, (1 << 60, 1 << 30))
                more = process.usage()
                usage[process.name] = min(memory, more[0]), min(descriptors, more[1])
            self.step()
        return usage

    def start(self):
        self.server.start()
        self.wait_for("a name server", CALM_S, lambda: self.server.state == "up")
        for daemon in self.daemons:
            daemon.start()
        self.wait_for("daemons", CALM_S, lambda: all(d.state == "up" for d in self.daemons))
        for client in self.clients:
            client.start()

    def finish(self):
        """The clients first, then their daemons, then the name server; each by itself, with 0."""
        for processes, seconds in (self.clients, LAST_CALLS_S), (self.daemons, CALM_S), ([self.server], CALM_S):
            for process in processes:
                process.stop(1 << 30)
                process.until = time.monotonic() + seconds
            self.wait_for(f"the end of {processes[0].name}", seconds,
                          lambda: all(p.state == "down" for p in processes))

    def run(self):
        self.start()
        warm_up = max(4, min(30, self.options.seconds // 4))
        self.disturb_for(warm_up)
        warm = self.calm()
        self.disturb_for(self.options.seconds - warm_up)
        end = self.calm()
        self.finish()
        return warm, end

    def check_usage(self, check, warm, end):
        lines = ["memory in KiB, and descriptors, after the warm-up and at the end:"]
        for name in warm:
            (memory, descriptors), (memory_end, descriptors_end) = warm[name], end[name]
            line = f"{name}: {memory >> 10} and {memory_end >> 10}, {descriptors} and {descriptors_end}"
            lines.append("  " + line)
            if memory_end > memory * MEMORY_FACTOR + MEMORY_MORE and not self.options.sanitized:
                check.complain("memory grows", line)
            if descriptors_end > descriptors + DESCRIPTORS_MORE:
                check.complain("descriptors grow", line)
        return "\n".join(lines)

    def end(self):
        for process in self.all:
            process.end()


def soak(options, folder):
    """What is wrong, as text."""
    s = Soak(options, folder)
    check = Check()
    try:
        warm, end = s.run()
    finally:
        s.end()
        if sys.stdout.isatty():
            print()
    usage = s.check_usage(check, warm, end)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # nothing runs any more
    check.read_log(s.log)
    for client in s.clients:
        check.read_record(client.record)
    check.finish()
    print("daemons: " + ", ".join(f"{n} {what}" for what, n in s.done.items()), check.summary(), usage, sep="\n")
    return check.report()


def sanitized(build):
    """A sanitizer keeps freed memory for a while."""
    with open(os.path.join(build, "CMakeCache.txt")) as file:
        return any(line.startswith("PYRITE_SANITIZE:") and line.strip()[-1] != "=" for line in file)


def arguments():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    parser = argparse.ArgumentParser(prog="soak.sh")
    parser.add_argument("seconds", type=int, nargs="?", default=600, help="how long (600)")
    parser.add_argument("--seed", type=int, default=random.randrange(1, 1000000), help="what is done when")
    parser.add_argument("--build", default=os.path.join(root, "build"), help="where Pyrite was built")
    parser.add_argument("--break", dest="broken", choices=sorted(FOUND), help="a fault that has to be found")
    options = parser.parse_args()
    if not os.path.exists(os.path.join(options.build, "tests", "soak_client")):
        parser.error(f"there is no {options.build}/tests/soak_client: build first, or say where with --build")
    options.sanitized = sanitized(options.build)
    return options


def main():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, interrupted.note)
    options = arguments()
    folder = tempfile.mkdtemp(prefix="soak.")
    print(f"soak: seed {options.seed}, {options.seconds} s", flush=True)
    wrong, keep = "", False
    try:
        try:
            wrong = soak(options, folder)
        except Failure as failure:
            wrong = str(failure)
        keep = wrong and not options.broken
    finally:
        if not keep:
            shutil.rmtree(folder)
    if options.broken:
        found = FOUND[options.broken] in wrong
        print(wrong, f"soak: the fault was {'' if found else 'NOT '}found", sep="\n")
        return 0 if found else 1
    if wrong:
        print(f"soak: FAILED, seed {options.seed}; logs and records are in {folder}\n{wrong}", file=sys.stderr)
        return 1
    print("soak: nothing is wrong")
    return 0


sys.exit(main())
