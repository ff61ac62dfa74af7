# SPDX-License-Identifier: Apache-2.0
"""usage: pyrite_side.py PYRITE SERVER CLIENT [NUMBER...]

The scenarios of scenarios.md on Pyrite. Prints one JSON object: number -> outcome.
"""
import json, os, pty, re, signal, socket, subprocess, sys, threading, time
from harness import DEADLINE_S, Relay, file, main, poll, scenario, start, stop, until

pyrite, server, client = sys.argv[1:4]

def run(*command, **env):
    done = subprocess.run([pyrite, *command], capture_output=True, text=True, timeout=DEADLINE_S,
                          env={**os.environ, **env})
    return done.returncode, done.stdout, done.stderr

def word(status):
    return {"INVALID_ARGUMENT": "invalid", "OK": "ok"}.get(status, status.lower())

class NameServer:
    """`pyrite ns`, and what `pyrite names` says of it."""
    def __init__(self, store="memory", endpoint="127.0.0.1:0"):
        self.process = start([pyrite, "ns", "--listen", endpoint, "--store", store])
        self.endpoint = until(self.process, "ready")[0].split("@")[1]

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
    def __init__(self, *arguments, endpoints=("127.0.0.1:0",), ns=None, **env):
        if ns:
            env["PYRITE_NS"] = ns.endpoint
        self.process = start([server, *arguments, *endpoints], env={**os.environ, **env})
        self.refs = until(self.process, "ready")
        self.ref = self.refs[0]

    def client(self, name="thing", **options):
        return Client(self.ref.replace("pyr:thing@", f"pyr:{name}@"), **options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end(self.process)

class Client:
    """client.c: a program with one proxy, or more, on one connection."""
    def __init__(self, to, ns=None, env=None, **options):
        more = dict(env or {}, **({"PYRITE_NS": ns.endpoint} if ns else {}))
        self.process = start([client], stdin=subprocess.PIPE, env={**os.environ, **more})
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

# Names

@scenario("N1.1")
def same():
    with NameServer() as ns:
        ns.register("a", ref("x"))
        return "same" if ns.lookup("a") == ref("x") else "another"

@scenario("N1.2")
def unknown():
    with NameServer() as ns:
        return ns.lookup("no.such")

@scenario("N1.3")
def count():
    with NameServer() as ns:
        ns.fill("a", "b")
        return json.loads(ns.names("status", "--json"))["names"]

@scenario("N1.4")
def ping():
    with NameServer() as ns:
        return "ok" if run("ping", "pyr:pyrite.nameserver@" + ns.endpoint)[0] == 0 else "no answer"

@scenario("N1.5")
def again():
    with NameServer() as ns:
        ns.register("a", ref("x"))
        return ns.register("a", ref("y"), about="a"), ns.lookup("a")[4]

@scenario("N1.6")
def forced():
    with NameServer() as ns:
        ns.register("a", ref("x"))
        return ns.register("a", ref("y"), "--replace"), ns.lookup("a")[4]

@scenario("N1.7")
def no_reference():
    with NameServer() as ns:
        return ns.register("a", "nonsense")

scenario("N2.1")(again)

@scenario("N2.2")
def race():
    with NameServer() as ns:
        results = [None] * 8
        def register(i):
            results[i] = ns.register("a", ref(f"x{i}"))
        threads = [threading.Thread(target=register, args=(i,)) for i in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        return results.count("ok"), "ok", results.count("already_exists"), "already_exists"

def list_by_prefix(kind):
    with NameServer(store(kind)) as ns:
        ns.fill("a_b", "aXb", "A_b", "a%b")
        return ns.list("--prefix", "a_") + ["/"] + ns.list("--prefix", "a%")

scenario("N3.1")(lambda: list_by_prefix("memory"))
scenario("N3.2")(lambda: list_by_prefix("file"))

@scenario("N3.3")
def anchored():
    with NameServer() as ns:
        ns.fill("ab", "abc", "cab")
        return ns.list("--regex", "ab") + ["/"] + ns.list("--regex", "ab$") + ["/"] + ns.list("--regex", ".*ab$")

@scenario("N3.4")
def bad_regex():
    with NameServer() as ns:
        return ns.names("list", "--regex", "a(b", about="byte 4")

def list_by_tags(kind):
    with NameServer(store(kind)) as ns:
        ns.register("both", ref("x"), "--tag", "gpu", "--tag", "big")
        ns.register("one", ref("x"), "--tag", "gpu")
        ns.register("none", ref("x"))
        return ns.list("--tag", "gpu", "--tag", "big") + ["/"] + \
            ns.list("--any-tag", "gpu", "--any-tag", "big")

scenario("N3.5")(lambda: list_by_tags("memory"))
scenario("N3.6")(lambda: list_by_tags("file"))

@scenario("N3.7")
def tag_twice():
    with NameServer(store("file")) as ns:
        ns.register("one", ref("x"), "--tag", "gpu")
        return ns.list("--tag", "gpu", "--tag", "gpu")

@scenario("N3.8")
def two_filters():
    with NameServer() as ns:
        return ns.names("list", "--prefix", "a", "--regex", "a", about="one filter of a kind")

@scenario("N3.9")
def prefix_and_tag():
    with NameServer() as ns:
        ns.register("a.1", ref("x"), "--tag", "gpu")
        ns.register("a.2", ref("x"))
        ns.register("b.1", ref("x"), "--tag", "gpu")
        return ns.list("--prefix", "a", "--tag", "gpu")

@scenario("N4.1")
def remove():
    with NameServer() as ns:
        ns.fill("a")
        return ns.remove("a"), "then", ns.remove("a"), "then", ns.lookup("a")

@scenario("N4.2")
def remove_many():
    with NameServer() as ns:
        ns.fill("a1", "a2", "ab", "b1")
        return ns.remove("--prefix", "a1", "--yes"), ns.remove("--regex", "a[2b]", "--yes"), "left", *(ns.list() or ["nothing"])

@scenario("N4.3")
def remove_by_odd_prefix():
    with NameServer(store("file")) as ns:
        ns.fill("a_b", "aXb", "A_b")
        return ns.remove("--prefix", "a_", "--yes"), "left", *(ns.list() or ["nothing"])

@scenario("N4.4")
def remove_own():
    own = "pyrite.nameserver"
    with NameServer() as ns:
        removed = ns.remove(own), ns.remove("--prefix", "pyrite.", "--yes"), ns.remove("--regex", ".*", "--yes")
        return *removed, "still there" if ns.lookup(own).startswith("pyr:") else "gone"

@scenario("N4.5")
def overwrite_own():
    with NameServer() as ns:
        before = ns.lookup("pyrite.nameserver")
        done = ns.register("pyrite.nameserver", ref("x"), "--replace")
        return done, "as before" if ns.lookup("pyrite.nameserver") == before else "overwritten"

@scenario("N5.1")
def tags():
    with NameServer() as ns:
        ns.register("a", ref("x"), "--tag", "gpu")
        first = ns.info("a")["tags"]
        ns.names("tag", "a", "--set", "big", "--set", "fast")
        return first + ["then"] + ns.info("a")["tags"]

@scenario("N5.2")
def pick():
    with NameServer() as ns, Server() as one, Server() as other:
        for name, s in ("one", one), ("other", other):
            ns.register(name, s.ref, "--tag", "worker")
        places = set()
        for _ in range(50):
            with Client("tag:worker", ns) as c:
                c.call("Note", text="here")
            with one.client() as c:
                places |= {"one"} if c.log("here") else set()
            with other.client() as c:
                places |= {"other"} if c.log("here") else set()
            if len(places) == 2:
                break
        return f"{len(places)} of 2"

@scenario("N5.3")
def nothing_to_pick():
    with NameServer() as ns, Client("tag:worker", ns) as c:
        answer = c.call("Add", value=1)
        return word(answer["status"]) if "worker" in answer["message"] else answer

@scenario("N6.1")
def killed():
    where = store("file")
    with NameServer(where) as ns:
        ns.fill("a", "b")
        ns.register("c", ref("x"), "--tag", "gpu")
        ns.remove("b")
        stop(ns.process, signal.SIGKILL)
    with NameServer(where) as ns:
        return ns.list() + ns.info("c")["tags"]

@scenario("N7.1")
def dead_host():
    with NameServer() as ns:
        with Server("-n", "a", "-t", "500", ns=ns) as server:
            if not ns.lookup("a").startswith("pyr:"):
                return "never there"
            stop(server.process, signal.SIGKILL)
        poll(lambda: ns.lookup("a") == "not_found", 2)
        return ns.lookup("a")

@scenario("N9.1")
def replicas():
    with NameServer() as ns:
        for name in "x", "y":
            ns.register("a", ref(name), "--replica")
        return len(ns.info("a")["holders"]), "under one name"

@scenario("N11.1")
def late():
    with NameServer() as ns:
        waiting = subprocess.Popen([pyrite, "names", "lookup", "late", "--wait", "10", "--json"], text=True,
                                   stdout=subprocess.PIPE, env={**os.environ, "PYRITE_NS": ns.endpoint})
        poll(lambda: json.loads(ns.names("status", "--json"))["waiting_lookups"])
        ns.register("late", ref("x"))
        out = waiting.communicate(timeout=DEADLINE_S)[0]
        return "waits, and finds it" if ref("x") in out else out

@scenario("N12.1")
def exit_codes():
    with NameServer() as ns:
        known = run("names", "lookup", "pyrite.nameserver", PYRITE_NS=ns.endpoint)[0]
        return "known", known, "unknown", run("names", "lookup", "no.such", PYRITE_NS=ns.endpoint)[0]

@scenario("N12.2")
def asks_first():
    def remove(ns, answer):
        terminal, side = pty.openpty()
        process = subprocess.Popen([pyrite, "names", "remove", "--regex", "a.*"], stdin=side, stdout=side,
                                   stderr=side, env={**os.environ, "PYRITE_NS": ns.endpoint})
        os.close(side)
        os.write(terminal, answer)
        process.wait(DEADLINE_S)
        os.close(terminal)
    with NameServer() as ns:
        ns.fill("a1", "a2")
        remove(ns, b"n\n")
        left = len(ns.list())
        remove(ns, b"y\n")
        return "after no", left, "after yes", len(ns.list())

# The daemon

@scenario("D1.1")
def duplicate():
    with Server() as s, s.client() as c:
        c.call("Serve", text="x")
        return c.status("Serve", text="x")

@scenario("D1.4")
def unregister():
    with Server() as s, s.client() as c:
        c.call("Serve", text="x")
        c.open("x", s.ref.replace("thing@", "x@"))
        before = word(c.call("Add", "x", value=1)["status"])
        c.call("Unserve", text="x")
        return before, word(c.call("Add", "x", value=1)["status"])

@scenario("D1.5")
def unregister_nothing():
    with Server() as s, s.client() as c:
        return c.status("Unserve", text="nobody")

def instances(kind):
    with Server() as s:
        clients = [s.client(kind) for _ in range(3)]
        calls = [(c, c.begin("Next")) for c in clients for _ in range(2)]
        seen = {c.answer(number)["reply"]["instance"] for c, number in calls}
        for c in clients:
            c.leave()
        return len(seen), "of 6 calls"

scenario("D2.1")(lambda: instances("single"))
scenario("D2.2")(lambda: instances("session"))
scenario("D2.3")(lambda: instances("percall"))
scenario("D2.4")(lambda: instances("single")) # server.c says nothing about it

@scenario("D2.5")
def ends_with_session():
    with Server() as s, s.client() as thing:
        with s.client("session") as counter:
            counter.call("Next")
            before = len(thing.log("gone session"))
        thing.wait("gone session", 5000)
        return before, "then", len(thing.log("gone session"))

@scenario("D3.1")
def idle_clients():
    with Server("-w", "2") as s:
        clients = [s.client() for _ in range(3)]
        results = [c.status("Add", value=1) for c in clients]
        for c in clients:
            c.leave()
        return results

@scenario("D3.2")
def busy_pool():
    # one call runs, one waits; who comes then is told at once
    with Server("-w", "1", "-q", "1") as s, s.client() as c:
        calls = [c.begin("Wait", text="go", wait_ms=1000) for _ in range(4)]
        results = [c.answer(number)["status"] for number in calls]
        return "refused" if set(results) == {"OK", "RESOURCE_EXHAUSTED"} else results

@scenario("D4.1")
def handshake():
    with Server() as s, s.client() as friend, s.client(hello="stranger") as stranger:
        answer = stranger.call("Note", text="I was here")
        if answer["status"] == "PERMISSION_DENIED" and "no strangers here" in answer["message"]:
            said = "refused, with the reason"
        else:
            said = str(answer)
        return said, "and ran" if friend.log("I was here") else "and did not run"

@scenario("D5.1")
def closed():
    with Server() as s, s.client() as thing:
        with s.client() as c:
            c.call("Track", text="x")
            c.call("Track", text="y")
            before = len(thing.log("closed"))
        thing.wait("closed x", 5000), thing.wait("closed y", 5000)
        return before, "then", len(thing.log("closed"))

@scenario("D5.2")
def closed_by_crash():
    with Server() as s, s.client() as thing, s.client() as c:
        c.call("Track", text="x")
        before = len(thing.log("closed"))
        stop(c.process, signal.SIGKILL)
        thing.wait("closed x", 5000)
        return before, "then", len(thing.log("closed"))

@scenario("D6.1")
def unix_socket():
    with Server(endpoints=["unix:" + file("pyrite.sock")]) as s, s.client() as c:
        return c.status("Add", value=3)

@scenario("D6.2")
def two_endpoints():
    with Server(endpoints=["127.0.0.1:0", "unix:" + file("two.sock")]) as s:
        sums = []
        for to in s.refs:
            with Client(to) as c:
                sums.append(c.add(1))
        return len(s.refs), "endpoints a daemon,", "one object" if sums == [1, 2] else sums

@scenario("D7.1")
def advertised():
    with Server("-a", "outside.example:4711") as s:
        return s.ref.split("@")[1]

@scenario("D8.1")
def own_loop():
    with Server("-l") as s:
        with Client(s.refs[0]) as one, Client(s.refs[1]) as other:
            sums = one.add(1), other.add(1)
            ticks = poll(lambda: len(one.log("tick")) > 2) # no Wait: it would stop the loop
            return "both answer" if sums == (1, 2) else sums, "and a timer", "runs" if ticks else "stands"

@scenario("D9.1")
def daemon_object():
    with Server() as s:
        pinged = "ok" if run("ping", s.ref)[0] == 0 else "no answer"
        objects = json.loads(run("call", s.ref, "pyrite.Daemon/ListObjects")[1])["objects"]
        info = json.loads(run("call", s.ref, "pyrite.Daemon/Info")[1])
        return "ping", pinged, "objects", *sorted(o["id"] for o in objects), \
            "info", "where" if any(s.ref.split("@")[1] in r for r in info["references"]) else "nothing"

# Calls

@scenario("C1.1")
def answers():
    with Server() as s, s.client() as c:
        c.add(40)
        return c.add(2)

@scenario("C1.2")
def asynchronous():
    with Server() as s, s.client() as c: # all calls of client.c are
        return c.add(3)

@scenario("C1.3")
def shared_proxy():
    with Server() as s, s.client() as c, s.client() as watch:
        waiting = c.begin("Wait", text="go", wait_ms=5000)
        watch.wait("began go", 5000)
        c.call("Note", text="go") # by the same proxy
        return c.answer(waiting)["reply"]["text"]

@scenario("C2.1")
def stream():
    with Server() as s, s.client() as c:
        c.squares(5)
        return c.next(9)

@scenario("C2.2")
def stream_closed():
    with Server() as s, s.client() as c:
        c.squares(1000000000)
        taken = c.next(2)
        c.drop()
        return *taken, "then the generator", \
            "ended" if c.wait("squares ended", 5000) == "seen" else "goes on"

@scenario("C2.3")
def stream_ahead():
    with Server() as s, s.client() as c:
        c.squares(9)
        c.next(1)
        return "made ahead" if c.wait("square 5", 5000) == "seen" else "made when asked for"

@scenario("C3.1")
def oneway_at_once():
    with Server() as s, s.client() as c, s.client() as watch:
        c.call("Tell", text="ran", after="returned", wait_ms=5000)
        watch.call("Note", text="returned")
        watch.wait("ran", 5000)
        return [line for line in watch.log("r") if line in ("returned", "ran")]

@scenario("C3.2")
def oneway_closed():
    with Server() as s, s.client() as watch, s.client() as c:
        c.call("Tell", text="ran")
        c.answer(c.send(do="close", proxy="p"))
        return "ran" if watch.wait("ran", 5000) == "seen" else "lost"

@scenario("C3.7")
def oneway_and_gone():
    with Server() as s, s.client() as watch:
        with s.client(ready=True) as c:
            c.begin("Tell", text="ran")
        return "ran" if watch.wait("ran", 5000) == "seen" else "lost"

@scenario("C3.8")
def oneway_to_nobody():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0)) # and does not listen
        to = "pyr:thing@127.0.0.1:%d" % free.getsockname()[1]
        with Client(to) as c, Client(to, ready=True, timeout_ms=300) as sure:
            return c.status("Tell", text="x"), "or", sure.status("Tell", text="x")

def oneway_order(workers, patience_ms):
    with Server("-w", workers) as s, s.client() as c, s.client() as watch:
        c.call("Tell", text="1", after="2", wait_ms=patience_ms)
        c.call("Tell", text="2")
        watch.wait("1", 5000), watch.wait("2", 5000)
        return [line for line in watch.log("") if line in ("1", "2")]

scenario("C3.3")(lambda: oneway_order("0", 500))
scenario("C3.5")(lambda: oneway_order("4", 5000))
scenario("C3.6")(lambda: oneway_order("0", 500))

@scenario("C3.4")
def oneway_error():
    with Server() as s, s.client() as c:
        said = c.status("Tell", text="fail")
        c.wait("fail", 5000)
        return "no error" if said == "ok" else said, "next call", c.status("Add", value=1)

@scenario("C5.1")
def timeout():
    with Server() as s, s.client(timeout_ms=300) as c:
        status = c.status("Wait", text="go", wait_ms=5000)
        return "timeout" if status == "deadline_exceeded" else status

@scenario("C5.2")
def default_timeout():
    table = json.loads(run("config", "--json")[1])
    return next(row["default"] for row in table if row["name"] == "PYRITE_TIMEOUT")

@scenario("C6.1")
def timeout_seen_by_servant():
    with Server() as s, s.client(timeout_ms=300) as c, s.client() as watch:
        c.call("Wait", text="go", wait_ms=10000)
        return "told" if watch.wait("cancelled go", 5000) == "seen" else "not told"

@scenario("C7.1")
def correlation():
    with Server() as s, s.client() as c:
        seen = c.call("Hop", value=3)["reply"]["lines"]
        return len(set(seen)), "id in", len(seen), "hops"

@scenario("C7.2")
def chosen_id():
    with Server() as s, s.client(correlation="chosen-by-me") as c:
        seen = c.call("Hop", value=3)["reply"]["lines"]
        return "the caller's" if set(seen) == {"chosen-by-me"} else "others"

@scenario("C7.3")
def metadata():
    with Server() as s, s.client() as c:
        return c.answer(c.send(do="ask", proxy="p", method="Note", hello="over there"))["heard"]

@scenario("C8.1")
def errors():
    with Server() as s, s.client() as c:
        e = c.call("Fail", text="no way")
        place = "place" if e["where"].endswith("compared.Thing/Fail") else "no place"
        return e["status"], "'%s'" % e["message"], place, "next call", c.status("Add", value=1)

@scenario("C8.2")
def own_error():
    with Server() as s, s.client() as c:
        return "its type", "kept" if c.call("Fail", text="no way")["details"] else "lost"

@scenario("C8.3")
def unknown_method():
    with Server() as s:
        # a client that has another .proto than the server
        done = run("call", s.ref, "compared.Counter/Next", "{}")
        status = re.match(r"pyrite: ([A-Z_]+)", done[2]).group(1)
        return "no such method" if status == "UNIMPLEMENTED" else status.lower()

@scenario("C8.4")
def unknown_object():
    with Server() as s, s.client("nobody") as c:
        return c.status("Add", value=1)

@scenario("C9.1")
def restarted():
    with Server() as s, s.client() as c:
        c.add(1)
        stop(s.process, signal.SIGKILL)
        with Server(endpoints=[s.ref.split("@")[1]]):
            return c.status("Add", value=1), "then", c.status("Add", value=1)

@scenario("C9.2")
def moved():
    with NameServer() as ns, Server() as one:
        ns.register("a", one.ref)
        with Client("name:a", ns) as c:
            c.add(1)
            stop(one.process, signal.SIGKILL)
            with Server() as other:
                ns.register("a", other.ref, "--replace")
                return "found again" if c.status("Add", value=1) == "ok" else "lost"

@scenario("C9.3")
def repeated():
    with Server() as s, s.client(timeout_ms=300, retries=1) as c, s.client() as watch:
        c.call("Wait", text="go", wait_ms=5000)
        watch.wait("began go", 5000)
        return "ran", len(watch.log("began go")), "times"

def cut_off(method):
    with Server() as s, s.client() as watch, Relay(s.ref.split("@")[1]) as relay, \
            Client("pyr:thing@" + relay.address, retries=1) as c:
        calling = c.begin(method, text="go", wait_ms=10000)
        watch.wait("began go", 10000)
        relay.cut()
        if method == "WaitAgain":
            poll(lambda: len(watch.log("began go")) > 1)
            watch.call("Note", text="go")
        answer = c.answer(calling)
        return "ran", len(watch.log("began go")), "times:", \
            answer["reply"]["text"] if answer["status"] == "OK" else word(answer["status"])

scenario("C9.5")(lambda: cut_off("Wait"))
scenario("C9.6")(lambda: cut_off("WaitAgain"))

@scenario("C9.4")
def nobody_there():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0)) # and does not listen
        with Client("pyr:thing@127.0.0.1:%d" % free.getsockname()[1]) as c:
            return c.status("Add", value=1)

# server.c in the role of a client with a daemon of its own

@scenario("C10.1")
def callback():
    with Server() as s, Server() as back, s.client() as c:
        return c.call("Pass", references=[back.ref], text="hello")["reply"]["text"]

def callback_of_callback(workers):
    with Server("-w", workers) as s, Server() as back, s.client() as c:
        answer = c.call("Pass", references=[back.ref, s.ref], text="hello")
        return answer["reply"]["text"] if answer["status"] == "OK" else word(answer["status"])

scenario("C10.2")(lambda: callback_of_callback("2"))
scenario("C10.3")(lambda: callback_of_callback("0"))

@scenario("C14.1")
def too_large():
    with Server(PYRITE_MESSAGE_BYTES_MAX="2KiB") as s, s.client() as c, s.client() as watch:
        c.call("Track", text="connection")
        first = c.status("Note", text="x" * 100000)
        after = c.status("Add", value=1)
        kept = "connection lost" if watch.log("closed") else "connection kept"
        return "server's limit:", "too_large" if first == "resource_exhausted" else first, kept, "next call", after

@scenario("C14.2")
def too_large_answer():
    with Server() as s, s.client() as watch, s.client(env={"PYRITE_MESSAGE_BYTES_MAX": "2KiB"}) as c:
        c.call("Track", text="connection")
        first = c.status("Note", text="x" * 100000)
        after = c.status("Add", value=1)
        kept = "connection lost" if watch.log("closed") else "connection kept"
        return "client's limit:", "too_large" if first == "resource_exhausted" else first, kept, "next call", after

del sys.argv[1:4]
main(sys.argv[1:])
