# SPDX-License-Identifier: Apache-2.0
"""A shell that a page's commands are typed into, one after the other, as a reader would."""
import os
import re
import select
import signal
import subprocess
import time

from page import Wrong

SECONDS_MAX = 120  # for one command


def commands(block):
    """A block's commands, as (line, command, lines that it is said to print)."""
    found = []
    lines = block.text.rstrip("\n").split("\n")
    if not any(line.startswith("$ ") for line in lines):
        return [(block.line, "set -e\n" + block.text + "set +e", [])]
    at = 0
    while at < len(lines):
        number, line = block.line + at, lines[at]
        at += 1
        if line.startswith("$ "):
            command = line[2:]
            while command.endswith("\\") and at < len(lines):
                command += "\n" + lines[at]
                at += 1
            found.append((number, command, []))
        elif found:
            found[-1][2].append(line.rstrip())
        elif line:
            raise Wrong(number, "output before the first command")
    for _, _, shown in found:
        while shown and not shown[-1]:
            shown.pop()  # an empty line before the next command
    return found


def pattern(shown, vary):
    """What output has to look like: '...' is anything in a line, and alone any lines."""
    text = ""
    for line in shown:
        if line.strip() == "...":
            text += r"(?:.*\n)*?"
        else:
            text += ".*?".join(re.escape(part) for part in line.split("...")) + r" *\n"
    if vary:
        text = re.sub(r"(\\ )*(?:\d|\d\\\.\d)+", lambda found: r" *[\d.]+" if found[1] else r"[\d.]+", text)
        text = re.sub(r"(?<=\\ )(us|ms|s)\b", "(?:us|ms|s)", text)
    return text


def printed(output):
    """What a command has printed, without empty lines at the end, and what the shell says of a killed job."""
    text = re.sub(r"(?m)^bash: line \d+: +\d+ (Killed|Terminated) .*\n", "", output.read_text())
    return text.rstrip("\n") + "\n" if text else text


class Shell:
    def __init__(self, folder, outputs, environment):
        self.outputs, self.count = outputs, 0  # a script and an output for each command
        self.output = None
        self.process = subprocess.Popen(
            ["bash", "--norc"], cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, start_new_session=True)

    def _type(self, line, text):
        """Types text, which must print one line; returns its words."""
        end = time.monotonic() + SECONDS_MAX
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()
        got = b""
        while not got.endswith(b"\n"):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            if not ready:
                raise Wrong(line, f"no end after {SECONDS_MAX} s")
            read = os.read(self.process.stdout.fileno(), 4096)
            if not read:
                raise Wrong(line, f"the shell ended with {self.process.wait()}:\n{printed(self.output)}")
            got += read
        return got.decode().split(" ")

    def _await(self, line, output, expected):
        """Until a program in the background has printed what is shown."""
        end = time.monotonic() + SECONDS_MAX
        while not re.match(expected, printed(output)):
            if time.monotonic() > end:
                raise Wrong(line, f"printed:\n{printed(output)}not what is shown")
            time.sleep(0.02)

    def run(self, line, command, shown=(), fails=False, vary=False):
        self.count += 1
        script, output = (self.outputs / f"{self.count}.{kind}" for kind in ("sh", "out"))
        self.output = output
        script.write_text(command + "\n")
        status, _ = self._type(line, f'eval "$(cat {script})" < /dev/null > {output} 2>&1; echo "$? ."\n')
        if (status != "0") != fails:
            raise Wrong(line, f"ended with {status}:\n{printed(output)}")
        if command.rstrip().endswith("&"):
            self._await(line, output, pattern(shown, vary))
        elif shown and not re.fullmatch(pattern(shown, vary), printed(output)):
            raise Wrong(line, f"printed:\n{printed(output)}not as shown:\n" + "\n".join(shown))

    def end(self):
        """Ends what still runs in the background; each has to end well."""
        for pid in reversed(self._type(0, 'echo $(jobs -p) .\n')[:-1]):
            status, _ = self._type(
                0, f'if kill -TERM {pid}; then wait {pid}; echo "$? ."; else echo "0 ."; fi\n')
            if status != "0":
                raise Wrong(0, f"process {pid}, which was left in the background, ended with {status}")

    def kill(self):
        """At the end of a page, whatever has happened: nothing of this shell goes on."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
