# SPDX-License-Identifier: Apache-2.0
"""How scenarios use Pyro4: its name server, a server with pyro_server.py's objects, its errors."""
import os, re, signal, sys, threading, time
from harness import DEADLINE_S, file, start, stop, until
import Pyro4 # after the harness has tidied the environment

here = os.path.dirname(os.path.abspath(__file__))
Pyro4.config.COMMTIMEOUT = 0

def refused(error, text):
    """The word for an error, if it says this text."""
    kinds = {"no registrations": "not_found", "invalid uri": "invalid",
             "unknown name": "not_found", "unknown object": "not_found", "already": "already_exists",
             "invalid regex": "invalid", "one thing at a time": "invalid"}
    if text not in str(error):
        return f"other: {type(error).__name__}: {error}"
    if isinstance(error, Pyro4.errors.MessageTooLargeError):
        return "too_large"
    return next((word for part, word in kinds.items() if part in str(error)), type(error).__name__)

def attempt(function, text=""):
    try:
        return function() or "ok"
    except Exception as x:
        return refused(x, text)

class Server:
    """pyro_server.py; env: PYRO_... without the PYRO_."""
    def __init__(self, *arguments, **env):
        more = {"PYRO_" + name: str(value) for name, value in env.items()}
        self.process = start([sys.executable, "-B", here + "/pyro_server.py", *arguments],
                             env={**os.environ, **more})
        self.uri = until(self.process, "ready")[-1]

    def proxy(self, name="thing", timeout=DEADLINE_S):
        proxy = Pyro4.Proxy(self.uri.replace("PYRO:thing@", f"PYRO:{name}@"))
        proxy._pyroTimeout = timeout
        return proxy

    def __enter__(self):
        return self

    def __exit__(self, *_):
        stop(self.process, signal.SIGKILL)

class NameServer:
    def __init__(self, store="memory", port=0):
        self.process = start([sys.executable, "-u", "-m", "Pyro4.naming", "-n", "127.0.0.1",
                              "-p", str(port), "-x", "-s", store])
        text = "\n".join(until(self.process, "URI = "))
        self.port = int(re.search(r"NS running on 127\.0\.0\.1:(\d+)", text).group(1))

    def proxy(self):
        return Pyro4.Proxy(f"PYRO:Pyro.NameServer@127.0.0.1:{self.port}")

    def __enter__(self):
        return self.proxy()

    def __exit__(self, *_):
        stop(self.process)

def uri(name):
    return f"PYRO:{name}@127.0.0.1:4711"

def store(kind):
    return "memory" if kind == "memory" else "sql:" + file(f"pyro-{time.monotonic_ns()}.db")

def names(server, **filters):
    return sorted(name for name in server.list(**filters) if name != "Pyro.NameServer")

def filled(server, *names):
    for name in names:
        server.register(name, uri("x"))

def apart(function, count):
    """What the function returns in each of so many threads."""
    results = [None] * count
    def run(i):
        results[i] = attempt(function)
    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(DEADLINE_S)
    return results
