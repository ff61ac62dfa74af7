# SPDX-License-Identifier: Apache-2.0
"""How scenarios use Pyrite: `pyrite ns` and `pyrite names`, server.c, and client.c."""
import json, os, re, subprocess, sys, threading, time
from harness import DEADLINE_S, file, start, stop, until

pyrite, server, client = sys.argv[2:5] # of side.py

def run(*command, **env):
    done = subprocess.run([pyrite, *command], capture_output=True, text=True, timeout=DEADLINE_S,
                          env={**os.environ, **env})
    return done.returncode, done.stdout, done.stderr

def word(status):
    return {"INVALID_ARGUMENT": "invalid", "OK": "ok"}.get(status, status.lower())

class NameServer:
    """`pyrite ns`, and what `pyrite names` says of it."""
    def __init__(self, store="memory", *options):
        self.process = start([pyrite, "ns", "--listen", "127.0.0.1:0", "--store", store, *options])
        self.lines = until(self.process, "ready")
        self.endpoint = self.lines[0].split("@")[1]

    def names(self, *command, about=""):
        """What is printed, or the word for the error, if that is about this."""
        code, out, err = run("names", *command, PYRITE_NS=self.endpoint)
        if code == 0:
            return out.strip() or "ok"
        status, text = re.match(r"pyrite: ([A-Z_]+): (.*)", err, re.S).groups()
        return word(status) if about in text else f"other: {err}"

    def register(self, *command, about=""):
        done = self.names("register", *command, about=about)
        return "ok" if done.startswith(("ok", "revision")) else done

    def remove(self, *command):
        done = self.names("remove", *command, "--json")
        return json.loads(done)["removed"] if done[0] == "{" else done

    def info(self, name):
        return json.loads(self.names("lookup", name, "--json"))

    def lookup(self, name):
        text = self.names("lookup", name, "--json", about=name)
        return json.loads(text)["holders"][0]["references"][0] if text[0] == "{" else text

    def list(self, *filters):
        text = self.names("list", "--json", *filters)
        if text in ("ok", "invalid"):
            return [] if text == "ok" else [text]
        found = [json.loads(line)["name"] for line in text.splitlines()]
        return sorted(name for name in found if name != "pyrite.nameserver")

    def fill(self, *names):
        for name in names:
            self.register(name, ref("x"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        stop(self.process)

def end(process):
    """Its own end, where leaks and the like are found; unless the scenario has killed it."""
    if process.poll() is None and stop(process) != 0:
        raise RuntimeError(f"{process.args} ended with {process.returncode}")
    stop(process)

class Server:
    """server.c"""
    def __init__(self, *arguments, endpoints=("127.0.0.1:0",), ns=None, connected=None, **env):
        if ns:
            env["PYRITE_NS"] = ns.endpoint
        passed = [connected.fileno()] if connected else []
        socket = ["-f", str(passed[0])] if connected else []
        self.process = start([server, *arguments, *socket, *endpoints], env={**os.environ, **env}, pass_fds=passed)
        self.refs = until(self.process, "ready")
        self.ref = self.refs[0] if self.refs else None

    def client(self, name="thing", **options):
        return Client(self.ref.replace("pyr:thing@", f"pyr:{name}@"), **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self.process)

class Client:
    """client.c: a program with one proxy, or more, on one connection."""
    def __init__(self, to, ns=None, env=None, compress_from=0, connected=None, **options):
        more = dict(env or {}, **({"PYRITE_NS": ns.endpoint} if ns else {}))
        passed = [connected.fileno()] if connected else []
        self.process = start([client, str(compress_from), *map(str, passed)], stdin=subprocess.PIPE,
                             env={**os.environ, **more}, pass_fds=passed)
        self.last, self.answers = 0, {}
        self.open("p", to, **options)

    def send(self, **command):
        self.last += 1
        self.process.stdin.write(json.dumps({"id": self.last, **command}) + "\n")
        self.process.stdin.flush()
        return self.last

    def answer(self, number):
        watch = threading.Timer(DEADLINE_S, self.process.kill)
        watch.start()
        while number not in self.answers:
            line = self.process.stdout.readline()
            if not line:
                raise RuntimeError("the client ended, or did not answer")
            answer = json.loads(line)
            self.answers[answer["id"]] = answer
        watch.cancel()
        return self.answers.pop(number)

    def open(self, proxy, to, **options):
        counter = re.match(r"pyr:(single|session|percall)@", to)
        answer = self.answer(self.send(do="open", proxy=proxy, to=to, **options,
            interface="compared.Counter" if counter else "compared.Thing"))
        if answer["status"] != "OK":
            raise RuntimeError(str(answer))

    def child(self, of):
        answer = self.answer(self.send(do="child", of=of, proxy="c"))
        return answer["status"] == "OK"

    def begin(self, method, proxy="p", **request):
        return self.send(do="call", proxy=proxy, method=method, request=request)

    def call(self, method, proxy="p", **request):
        return self.answer(self.begin(method, proxy, **request))

    def status(self, method, **request):
        return word(self.call(method, **request)["status"])

    def add(self, value):
        return int(self.call("Add", value=value)["reply"]["value"])

    def wait(self, text, ms):
        return self.call("Wait", text=text, wait_ms=ms)["reply"]["text"]

    def log(self, prefix):
        return self.call("Log", text=prefix)["reply"]["lines"]

    def squares(self, count):
        self.answer(self.send(do="stream", proxy="p", method="Squares", request={"value": count}))

    def next(self, count):
        answer = self.answer(self.send(do="next", proxy="p", count=count))
        return [n["value"] for n in answer["replies"]] + (["end"] if answer["ended"] else [])

    def drop(self):
        self.answer(self.send(do="drop", proxy="p"))

    def __enter__(self):
        return self

    def leave(self):
        """Closes its connections, as any program does in the end."""
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(DEADLINE_S)
            if self.process.returncode != 0:
                raise RuntimeError(f"a client ended with {self.process.returncode}")
        stop(self.process)

    def __exit__(self, *_):
        self.leave()

def ref(name):
    return f"pyr:{name}@127.0.0.1:4711"

def store(kind):
    return "memory" if kind == "memory" else file(f"pyrite-{time.monotonic_ns()}.db")
