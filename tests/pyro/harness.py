# SPDX-License-Identifier: Apache-2.0
"""What both sides have in common: scenarios and their outcomes, processes and their ends."""
import json, os, signal, socket, subprocess, sys, tempfile, threading, time, traceback

DEADLINE_S = 20 # of anything that should happen at once
for name in [name for name in os.environ if name.startswith(("PYRO_", "PYRITE_"))]:
    del os.environ[name] # each scenario says what it needs
scenarios = {}
running = []
work = tempfile.TemporaryDirectory(prefix="pyro-compare-")

def scenario(number):
    """Marks a function whose result, one or more words, is the outcome of a row of scenarios.md."""
    def add(function):
        if number in scenarios:
            raise SystemExit(f"two scenarios {number}")
        scenarios[number] = function
        return function
    return add

def words(result):
    if isinstance(result, (list, tuple, set, dict)):
        return " ".join(str(word) for word in result) or "nothing"
    return str(result)

def file(name):
    return os.path.join(work.name, name)

def start(command, **more):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **more)
    running.append(process)
    return process

def until(process, line):
    """The lines that the process prints, without this last one."""
    watch = threading.Timer(DEADLINE_S, process.kill)
    watch.start()
    lines = []
    for text in process.stdout:
        if text.rstrip("\n").startswith(line):
            break
        lines.append(text.rstrip("\n"))
    else:
        raise RuntimeError(f"{process.args} ended without '{line}'")
    watch.cancel()
    return lines

def stop(process, number=signal.SIGTERM):
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for end in (process.stdin, process.stdout):
        if end:
            end.close()
    if process in running:
        running.remove(process)
    return process.returncode

def poll(condition, seconds=DEADLINE_S):
    """Whether it becomes true in that time."""
    over = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > over:
            return False
        time.sleep(0.01)
    return True

class Relay:
    """A port that passes on to an address; counts the bytes, and cuts the connections there are."""
    def __init__(self, address):
        host, port = address.split(":")
        self.to, self.bytes, self.ends = (host, int(port)), 0, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        try:
            while True:
                pair = self.listener.accept()[0], socket.create_connection(self.to)
                self.ends += pair
                for source, target in pair, pair[::-1]:
                    threading.Thread(target=self.pump, args=(source, target), daemon=True).start()
        except OSError: # closed
            pass

    def pump(self, source, target):
        try:
            while data := source.recv(65536):
                self.bytes += len(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError: # cut
            pass

    def cut(self):
        ends, self.ends = self.ends, []
        for end in ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError: # gone already
                pass
            end.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()

def main(only):
    """Runs the scenarios, or those that are named, and prints their outcomes as one JSON object."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    outcomes = {}
    try:
        for number, function in scenarios.items():
            if only and number not in only:
                continue
            try:
                outcomes[number] = words(function())
            except Exception as x: # the others are compared all the same
                traceback.print_exc()
                outcomes[number] = f"broken: {type(x).__name__}: {x}"
    finally:
        for process in list(running):
            stop(process)
        work.cleanup()
    print(json.dumps(outcomes, indent=1))
