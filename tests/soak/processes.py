# SPDX-License-Identifier: Apache-2.0
"""The processes of the soak test: each has a state, and a step() that moves it on when it is time."""
import os, signal, subprocess, time

READY_S = 60  # a daemon waits for a name server that is away
STOP_S = 15  # a daemon's grace is 3 s


class Failure(Exception):
    """What is wrong with the system that is tested."""


class Process:
    """Started in a session of its own, so that Ctrl-C is ours alone; ended by its own id."""

    def __init__(self, name, words, folder, env):
        self.name, self.words, self.env = name, words, env
        self.errors = os.path.join(folder, name + ".err")
        self.process = None
        self.state, self.until = "down", float("inf")

    def start(self):
        with open(self.errors, "ab") as errors:
            self.process = subprocess.Popen(self.words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=errors, env=self.env, start_new_session=True)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.output = b""
        self.state, self.until = "starting", time.monotonic() + READY_S

    def fail(self, what):
        with open(self.errors, errors="replace") as file:
            last = "".join(file.readlines()[-5:])
        raise Failure(f"{self.name} {what}; it last said:\n{last or '  nothing'}")

    def down(self, restart_after):
        self.process.stdout.close()
        self.state, self.until = "down", time.monotonic() + restart_after

    def kill(self, restart_after):
        self.process.kill()
        self.process.wait()
        self.down(restart_after)

    def stop(self, restart_after):
        self.process.terminate()
        self.restart_after = restart_after
        self.state, self.until = "stopping", time.monotonic() + STOP_S

    def suspend(self, seconds):
        self.process.send_signal(signal.SIGSTOP)
        self.state, self.until = "suspended", time.monotonic() + seconds

    def step(self):
        late = time.monotonic() >= self.until
        if self.state == "down":
            if late:
                self.start()
            return
        ended = self.process.poll()
        if self.state == "stopping" and ended == 0:
            self.down(self.restart_after)
        elif ended is not None:
            self.fail(f"ended with {ended} while it was {self.state}")
        elif self.state == "suspended" and late:
            self.process.send_signal(signal.SIGCONT)
            self.state = "up"
        elif self.state == "starting":
            self.output += self.process.stdout.read() or b""
            if self.output.endswith(b"ready\n"):
                self.state = "up"
            elif late:
                self.fail(f"was not ready after {READY_S} s")
        elif self.state == "stopping" and late:
            self.fail(f"did not stop within {STOP_S} s of SIGTERM")

    def end(self):
        """At once, in whatever state it is."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def usage(self):
        """(bytes of memory, descriptors)"""
        with open(f"/proc/{self.process.pid}/statm") as file:
            pages = int(file.read().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir(f"/proc/{self.process.pid}/fd"))


class Client(Process):
    """Ready at once; it writes a record of its calls."""

    def __init__(self, name, words, folder, env):
        self.record = os.path.join(folder, name + ".record")
        super().__init__(name, words + [self.record], folder, env)
        self.read_to, self.lines = 0, 0

    def start(self):
        super().start()
        self.state = "up"

    def calls(self):
        """How many it has made."""
        if os.path.exists(self.record):
            with open(self.record, "rb") as file:
                file.seek(self.read_to)
                more = file.read()
            self.read_to += len(more)
            self.lines += more.count(b"\n")
        return self.lines
