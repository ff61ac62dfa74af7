# SPDX-License-Identifier: Apache-2.0
"""A process that is measured: what it prints, and what the system knows of it."""
import ctypes
import os
import select
import signal
import subprocess
import time

PR_SET_PDEATHSIG = 1
TICKS = os.sysconf("SC_CLK_TCK")
STOP_S = 5

libc = ctypes.CDLL(None)


class Failure(Exception):
    """A measurement has failed, and why."""


class NotReady(Failure):
    """A server could not begin: somebody else may have taken its port in the meantime."""


class Process:
    """Ends with this script, however that ends; else by its own id."""

    def __init__(self, words, env, cores=None, errors=None):
        self.name = os.path.basename(words[0])

        def prepare():
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if cores:
                os.sched_setaffinity(0, cores)

        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                                        env=env, preexec_fn=prepare)
        self.pid = self.process.pid
        self.output = b""

    def line(self, deadline):
        """The next line; None when its output has ended. Failure when it says nothing in time."""
        while b"\n" not in self.output:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise Failure(f"{self.name} has said nothing in time")
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                return None
            self.output += piece
        line, self.output = self.output.split(b"\n", 1)
        return line.decode(errors="replace")

    def await_ready(self, deadline):
        while (line := self.line(deadline)) != "ready":
            if line is None:
                raise NotReady(f"{self.name} has ended before it was ready")

    def wait(self, deadline):
        try:
            return self.process.wait(max(0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} does not end") from None

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()


def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


class Cpu:
    """The CPU time, user and system, that processes have had until now."""

    def __init__(self, pids):
        self.threads, self.ticks = {}, 0.0
        for pid in pids:
            words = read(f"/proc/{pid}/stat").rpartition(")")[2].split()
            self.ticks += (int(words[11]) + int(words[12])) / TICKS if words else 0
            for thread in os.listdir(f"/proc/{pid}/task") if words else []:
                spent = read(f"/proc/{pid}/task/{thread}/schedstat").split()
                self.threads[thread] = int(spent[0]) / 1e9 if spent else 0.0

    def since(self, before):
        """In seconds. To the nanosecond by thread; to the tick where threads have ended meanwhile."""
        if before.threads.keys() <= self.threads.keys() and any(self.threads.values()):
            return sum(self.threads.values()) - sum(before.threads.values())
        return self.ticks - before.ticks


class Machine:
    """What all of its cores have done until now, in ticks."""

    def __init__(self):
        ticks = [int(word) for word in read("/proc/stat").split("\n")[0].split()[1:9]]
        self.all, self.steal = sum(ticks), ticks[7]
        self.busy = self.all - ticks[3] - ticks[4]
