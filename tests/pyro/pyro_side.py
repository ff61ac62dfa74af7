# SPDX-License-Identifier: Apache-2.0
"""usage: pyro_side.py [NUMBER...]

The scenarios of scenarios.md on Pyro4. Prints one JSON object: number -> outcome.
"""
import os, re, select, signal, socket, subprocess, sys, threading, time
from harness import DEADLINE_S, Relay, file, main, poll, scenario, start, stop, until
import Pyro4, Pyro4.naming # after the harness has tidied the environment

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

# Names

@scenario("N1.1")
def same():
    with NameServer() as ns:
        ns.register("a", uri("x"))
        return "same" if str(ns.lookup("a")) == uri("x") else "another"

@scenario("N1.2")
def unknown():
    with NameServer() as ns:
        return attempt(lambda: ns.lookup("no.such"), "no.such")

@scenario("N1.3")
def count():
    with NameServer() as ns:
        filled(ns, "a", "b")
        return ns.count()

@scenario("N1.4")
def ping():
    with NameServer() as ns:
        return attempt(ns.ping)

@scenario("N1.5")
def again():
    with NameServer() as ns:
        ns.register("a", uri("x"))
        return attempt(lambda: ns.register("a", uri("y"))), str(ns.lookup("a"))[5]

@scenario("N1.6")
def forced():
    with NameServer() as ns:
        ns.register("a", uri("x"))
        return attempt(lambda: ns.register("a", uri("y"), safe=False)), str(ns.lookup("a"))[5]

@scenario("N1.7")
def no_reference():
    with NameServer() as ns:
        return attempt(lambda: ns.register("a", "nonsense"))

@scenario("N2.1")
def safe():
    with NameServer() as ns:
        ns.register("a", uri("x"))
        return attempt(lambda: ns.register("a", uri("y"), safe=True), "a"), str(ns.lookup("a"))[5]

@scenario("N2.2")
def race():
    server = NameServer()
    with server:
        def register():
            with server.proxy() as ns:
                ns.register("a", uri("x"), safe=True)
        results = apart(register, 8)
        return results.count("ok"), "ok", results.count("already_exists"), "already_exists"

def list_by_prefix(kind):
    with NameServer(store(kind)) as ns:
        filled(ns, "a_b", "aXb", "A_b", "a%b")
        return names(ns, prefix="a_") + ["/"] + names(ns, prefix="a%")

scenario("N3.1")(lambda: list_by_prefix("memory"))
scenario("N3.2")(lambda: list_by_prefix("file"))

@scenario("N3.3")
def anchored():
    with NameServer() as ns:
        filled(ns, "ab", "abc", "cab")
        return names(ns, regex="ab") + ["/"] + names(ns, regex="ab$") + ["/"] + names(ns, regex=".*ab$")

@scenario("N3.4")
def bad_regex():
    with NameServer() as ns:
        return attempt(lambda: ns.list(regex="a(b"), "position 1")

def list_by_tags(kind):
    with NameServer(store(kind)) as ns:
        ns.register("both", uri("x"), metadata=["gpu", "big"])
        ns.register("one", uri("x"), metadata=["gpu"])
        ns.register("none", uri("x"))
        return names(ns, metadata_all=["gpu", "big"]) + ["/"] + names(ns, metadata_any=["gpu", "big"])

scenario("N3.5")(lambda: list_by_tags("memory"))
scenario("N3.6")(lambda: list_by_tags("file"))

@scenario("N3.7")
def tag_twice():
    with NameServer(store("file")) as ns:
        ns.register("one", uri("x"), metadata=["gpu"])
        return names(ns, metadata_all=["gpu", "gpu"])

@scenario("N3.8")
def two_filters():
    with NameServer() as ns:
        return attempt(lambda: ns.list(prefix="a", regex="a"), "one thing at a time")

@scenario("N3.9")
def prefix_and_tag():
    with NameServer() as ns:
        ns.register("a.1", uri("x"), metadata=["gpu"])
        ns.register("a.2", uri("x"))
        ns.register("b.1", uri("x"), metadata=["gpu"])
        return attempt(lambda: names(ns, prefix="a", metadata_all=["gpu"]), "one thing at a time")

@scenario("N4.1")
def remove():
    with NameServer() as ns:
        filled(ns, "a")
        return ns.remove("a"), "then", attempt(lambda: str(ns.remove("a"))), \
            "then", attempt(lambda: ns.lookup("a"), "a")

@scenario("N4.2")
def remove_many():
    with NameServer() as ns:
        filled(ns, "a1", "a2", "ab", "b1")
        return ns.remove(prefix="a1"), ns.remove(regex="a[2b]"), "left", *(names(ns) or ["nothing"])

@scenario("N4.3")
def remove_by_odd_prefix():
    with NameServer(store("file")) as ns:
        filled(ns, "a_b", "aXb", "A_b")
        return ns.remove(prefix="a_"), "left", *(names(ns) or ["nothing"])

@scenario("N4.4")
def remove_own():
    with NameServer() as ns:
        removed = ns.remove("Pyro.NameServer"), ns.remove(prefix="Pyro."), ns.remove(regex=".*")
        return *removed, "still there" if ns.lookup("Pyro.NameServer") else "gone"

@scenario("N4.5")
def overwrite_own():
    with NameServer() as ns:
        before = str(ns.lookup("Pyro.NameServer"))
        done = attempt(lambda: ns.register("Pyro.NameServer", uri("x")))
        return done, "as before" if str(ns.lookup("Pyro.NameServer")) == before else "overwritten"

@scenario("N5.1")
def tags():
    with NameServer() as ns:
        ns.register("a", uri("x"), metadata=["gpu"])
        first = ns.lookup("a", return_metadata=True)[1]
        ns.set_metadata("a", ["big", "fast"])
        return first + ["then"] + sorted(ns.lookup("a", return_metadata=True)[1])

@scenario("N5.2")
def pick():
    server = NameServer()
    with server as ns, Server() as one, Server() as other:
        for name, s in ("one", one), ("other", other):
            ns.register(name, s.uri, metadata=["worker"])
        places = set()
        for _ in range(200): # one of two: all but certain
            with Pyro4.Proxy(f"PYROMETA:worker@127.0.0.1:{server.port}") as proxy:
                proxy.add(1)
                places.add(proxy._pyroConnection.sock.getpeername())
            if len(places) == 2:
                break
        return f"{len(places)} of 2"

@scenario("N5.3")
def nothing_to_pick():
    server = NameServer()
    with server:
        with Pyro4.Proxy(f"PYROMETA:worker@127.0.0.1:{server.port}") as proxy:
            return attempt(lambda: proxy.add(1), "worker")

@scenario("N6.1")
def killed():
    where = store("file")
    server = NameServer(where)
    with server as ns:
        filled(ns, "a", "b")
        ns.register("c", uri("x"), metadata=["gpu"])
        ns.remove("b")
        stop(server.process, signal.SIGKILL)
    with NameServer(where) as ns:
        return names(ns) + ns.lookup("c", return_metadata=True)[1]

@scenario("N7.1")
def dead_host():
    with NameServer() as ns:
        with Server() as server:
            ns.register("a", server.uri)
        # nothing tells the name server; NS_AUTOCLEAN, which is off, would try the port
        time.sleep(2)
        return attempt(lambda: ns.lookup("a") and "still there", "a")

@scenario("N9.1")
def replicas():
    with NameServer() as ns:
        filled(ns, "a", "a")
        return len([ns.lookup("a")]), "under one name"

@scenario("N10.1")
def broadcast():
    # as `pyro4-ns` does when it is not told otherwise
    _, daemon, broadcasting = Pyro4.naming.startNS("127.0.0.1", 0, enableBroadcast=True)
    daemon.close()
    return "off on loopback" if broadcasting is None else "on"

@scenario("N11.1")
def late():
    with NameServer() as ns:
        # Pyro 5 has a delay_time; Pyro4 has nothing
        return attempt(lambda: ns.lookup("late"), "late")

def nsc(port, *arguments, answer=""):
    done = subprocess.run(["/usr/bin/pyro4-nsc", "-n", "127.0.0.1", "-p", str(port), *arguments],
                          input=answer, capture_output=True, text=True, timeout=DEADLINE_S)
    return done.returncode, done.stdout + done.stderr

@scenario("N12.1")
def exit_codes():
    server = NameServer()
    with server:
        known = nsc(server.port, "lookup", "Pyro.NameServer")[0]
        return "known", known, "unknown", nsc(server.port, "lookup", "no.such")[0]

@scenario("N12.2")
def asks_first():
    server = NameServer()
    with server as ns:
        filled(ns, "a1", "a2")
        nsc(server.port, "removematching", "a.*", answer="n\n")
        left = len(names(ns))
        nsc(server.port, "removematching", "a.*", answer="y\n")
        return "after no", left, "after yes", len(names(ns))

# The daemon

@scenario("D1.1")
def duplicate():
    with Server() as s, s.proxy() as thing:
        thing.serve("x")
        return attempt(lambda: thing.serve("x"), "already")

@scenario("D1.2")
def force():
    with Server() as s, s.proxy() as thing:
        thing.serve("x")
        return attempt(lambda: thing.serve("x", True) and "ok")

@scenario("D1.3")
def generated():
    with Server() as s, s.proxy() as thing:
        return "made" if "PYRO:obj_" in thing.serve(None) else "not made"

@scenario("D1.4")
def unregister():
    with Server() as s, s.proxy() as thing:
        thing.serve("x")
        with s.proxy("x") as x:
            before = attempt(lambda: x.add(1) and "ok")
            thing.unserve("x")
            return before, attempt(lambda: x.add(1), "unknown object")

@scenario("D1.5")
def unregister_nothing():
    with Server() as s, s.proxy() as thing:
        return attempt(lambda: thing.unserve("nobody"))

def instances(kind):
    with Server() as s:
        seen = []
        def client():
            with s.proxy(kind) as counter:
                seen.append(counter.next())
                seen.append(counter.next())
        apart(client, 3)
        return len({instance for instance, _ in seen}), "of 6 calls"

scenario("D2.1")(lambda: instances("single"))
scenario("D2.2")(lambda: instances("session"))
scenario("D2.3")(lambda: instances("percall"))
scenario("D2.4")(lambda: instances("plain"))

@scenario("D2.5")
def ends_with_session():
    with Server() as s, s.proxy() as thing:
        with s.proxy("session") as counter:
            counter.next()
            before = len(thing.log("gone session"))
        thing.wait("gone session", 5)
        return before, "then", len(thing.log("gone session"))

@scenario("D3.1")
def idle_clients():
    with Server(THREADPOOL_SIZE=2, THREADPOOL_SIZE_MIN=1) as s:
        clients = [s.proxy() for _ in range(3)]
        results = [attempt(lambda: c.add(1) and "ok", "no free workers") for c in clients]
        for c in clients:
            c._pyroRelease()
        return ["refused" if r == "CommunicationError" else r for r in results]

@scenario("D3.2")
def busy_pool():
    with Server(THREADPOOL_SIZE=3, THREADPOOL_SIZE_MIN=1) as s:
        with s.proxy() as watch:
            watch.add(1)
            for _ in range(2): # each keeps a worker
                threading.Thread(target=attempt, args=(lambda: s.proxy().wait("go", 10),)).start()
            poll(lambda: len(watch.log("began go")) > 1)
            with s.proxy() as third:
                result = attempt(lambda: third.add(1), "no free workers")
            watch.note("go")
            return "refused" if result == "CommunicationError" else result

@scenario("D4.1")
def handshake():
    with Server() as s, s.proxy() as friend, s.proxy() as stranger:
        stranger._pyroHandshake = "stranger"
        try:
            stranger.note("I was here")
            said = "let in"
        except Pyro4.errors.CommunicationError as x:
            said = "refused, with the reason" if "no strangers here" in str(x) else f"refused: {x}"
        return said, "and ran" if friend.log("I was here") else "and did not run"

@scenario("D5.1")
def closed():
    with Server() as s, s.proxy() as thing:
        with s.proxy() as client:
            client.track("x")
            client.track("y")
            before = len(thing.log("closed"))
        thing.wait("closed x", 5), thing.wait("closed y", 5)
        return before, "then", len(thing.log("closed"))

@scenario("D5.2")
def closed_by_crash():
    with Server() as s, s.proxy() as thing:
        client = start([sys.executable, "-c", "import Pyro4, sys\n"
                        "p = Pyro4.Proxy(sys.argv[1]); p.track('x'); print('ready', flush=True)\n"
                        "sys.stdin.read()", s.uri], stdin=subprocess.PIPE)
        until(client, "ready")
        before = len(thing.log("closed"))
        stop(client, signal.SIGKILL)
        thing.wait("closed x", 5)
        return before, "then", len(thing.log("closed"))

@scenario("D6.1")
def unix_socket():
    with Server("unix:" + file("pyro.sock")) as s, s.proxy() as thing:
        return attempt(lambda: thing.add(3) == 3 and "ok")

@scenario("D6.2")
def two_endpoints():
    @Pyro4.expose
    class Empty:
        pass
    thing = Empty()
    with Pyro4.Daemon("127.0.0.1") as one, Pyro4.Daemon(unixsocket=file("two.sock")) as other:
        one.register(thing, "x")
        return "one endpoint a daemon, second daemon", attempt(lambda: other.register(thing, "x"), "already")

@scenario("D6.3")
def connected_socket():
    @Pyro4.expose
    class Thing:
        def add(self, value):
            return value
    ours, theirs = socket.socketpair()
    daemon = Pyro4.Daemon(connected_socket=theirs)
    daemon.register(Thing(), "thing")
    threading.Thread(target=daemon.requestLoop, daemon=True).start()
    with ours, theirs, Pyro4.Proxy("thing", connected_socket=ours) as thing:
        return "ok" if thing.add(3) == 3 else "wrong"

@scenario("D7.1")
def nat():
    with Server("127.0.0.1:0", "outside.example:4711") as s:
        return s.uri.split("@")[1]

@scenario("D8.1")
def own_loop():
    @Pyro4.expose
    class Thing:
        total = 0
        def add(self, value):
            Thing.total += value
            return Thing.total
    ticks, sums, over = 0, [], time.monotonic() + DEADLINE_S
    Pyro4.config.SERVERTYPE = "multiplex"
    with Pyro4.Daemon("127.0.0.1") as one, Pyro4.Daemon("127.0.0.1") as other:
        uris = [str(one.register(Thing())), str(other.register(Thing()))]
        def call():
            for to in uris:
                with Pyro4.Proxy(to) as thing:
                    sums.append(thing.add(1))
        caller = threading.Thread(target=call)
        caller.start()
        while (caller.is_alive() or ticks < 3) and time.monotonic() < over:
            ready = select.select(one.sockets + other.sockets, [], [], 0.02)[0]
            ticks += 1
            for daemon in one, other:
                mine = [end for end in ready if end in daemon.sockets]
                if mine:
                    daemon.events(mine)
    Pyro4.config.SERVERTYPE = "thread"
    return "both answer" if sums == [1, 2] else sums, "and a timer", "runs" if ticks >= 3 else "stands"

@scenario("D9.1")
def daemon_object():
    with Server() as s, s.proxy("Pyro.Daemon") as daemon:
        return "ping", attempt(daemon.ping), "objects", *sorted(set(daemon.registered()) - {"plain"}), \
            "info", "where" if s.uri.split("@")[1] in daemon.info() else "nothing"

@scenario("D12.1")
def autoproxy():
    with Server() as s, s.proxy() as thing:
        child = thing.child()
        return "a proxy that answers" if isinstance(child, Pyro4.Proxy) and child.add(2) == 2 else "no proxy"

# Calls

@scenario("C1.1")
def answers():
    with Server() as s, s.proxy() as thing:
        thing.add(40)
        return thing.add(2)

@scenario("C1.2")
def asynchronous():
    with Server() as s, Pyro4.Proxy(s.uri) as thing:
        thing._pyroAsync()
        return thing.add(3).value

@scenario("C1.3")
def shared_proxy():
    with Server() as s, s.proxy() as thing, s.proxy() as watch:
        seen = []
        waiting = threading.Thread(target=lambda: seen.append(thing.wait("go", 0.7)))
        waiting.start()
        watch.wait("began go", 5)
        thing.note("go") # by the same proxy: only one call at a time is on its way
        waiting.join()
        return seen

@scenario("C2.1")
def iterator():
    with Server() as s, s.proxy() as thing:
        return *thing.squares(5), "end"

@scenario("C2.2")
def iterator_closed():
    with Server() as s, s.proxy() as thing:
        squares = thing.squares(100000)
        taken = [next(squares), next(squares)]
        squares.close()
        with s.proxy() as watch:
            return *taken, "then the generator", \
                "ended" if watch.wait("squares ended", 2) == "seen" else "goes on"

@scenario("C2.3")
def iterator_ahead():
    with Server() as s, s.proxy() as thing, s.proxy() as watch:
        squares = thing.squares(9)
        next(squares)
        return "made ahead" if watch.wait("square 5", 0.5) == "seen" else "made when asked for"

@scenario("C3.1")
def oneway_at_once():
    with Server() as s, s.proxy() as thing:
        thing.tell("ran", "returned", 5)
        thing.note("returned")
        thing.wait("ran", 5)
        return [line for line in thing.log("r") if line in ("returned", "ran")]

@scenario("C3.2")
def oneway_closed():
    with Server() as s:
        with s.proxy() as thing:
            thing.tell("ran")
        with s.proxy() as watch:
            return "ran" if watch.wait("ran", 5) == "seen" else "lost"

@scenario("C3.7")
def oneway_and_gone():
    with Server() as s, s.proxy() as watch:
        program = "import Pyro4, sys; Pyro4.Proxy(sys.argv[1]).tell('ran')"
        subprocess.run([sys.executable, "-c", program, s.uri], timeout=DEADLINE_S, check=True)
        return "ran" if watch.wait("ran", 5) == "seen" else "lost"

@scenario("C3.8")
def oneway_to_nobody():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0)) # and does not listen
        thing = Pyro4.Proxy("PYRO:thing@127.0.0.1:%d" % free.getsockname()[1])
        thing._pyroOneway.add("tell")
        try:
            return thing.tell("x") or "ok"
        except Pyro4.errors.CommunicationError:
            return "unavailable"

def oneway_order(patience, **env):
    with Server(**env) as s, s.proxy() as thing:
        thing.tell("1", "2", patience) # waits for the second one
        thing.tell("2")
        thing.wait("1", 5), thing.wait("2", 5)
        return [line for line in thing.log("") if line in ("1", "2")]

scenario("C3.3")(lambda: oneway_order(5)) # as it is
scenario("C3.5")(lambda: oneway_order(5, ONEWAY_THREADED="on"))
scenario("C3.6")(lambda: oneway_order(0.5, ONEWAY_THREADED="off"))

@scenario("C3.4")
def oneway_error():
    with Server() as s, s.proxy() as thing:
        thing._pyroBind()
        thing._pyroOneway.add("fail")
        return "no error" if thing.fail("x") is None else "an answer", "next call", \
            attempt(lambda: thing.add(1) and "ok")

@scenario("C4.1")
def batch():
    with Server() as s, s.proxy() as thing:
        batch = Pyro4.batch(thing)
        batch.add(1)
        batch.fail("no")
        batch.note("third")
        results, seen = batch(), []
        try:
            for result in results:
                seen.append(result)
        except ValueError:
            seen.append("error")
        return *seen, "third", "run" if thing.log("third") else "not run"

@scenario("C5.1")
def timeout():
    with Server() as s, s.proxy(timeout=0.3) as thing:
        try:
            return thing.wait("go", 5)
        except Pyro4.errors.TimeoutError:
            return "timeout"

@scenario("C5.2")
def default_timeout():
    return "none" if not Pyro4.config.COMMTIMEOUT else "some"

@scenario("C6.1")
def timeout_seen_by_servant():
    with Server() as s, s.proxy(timeout=0.3) as thing, s.proxy() as watch:
        attempt(lambda: thing.wait("go", 10))
        told = watch.wait("cancelled go", 1)
        return "told" if told == "seen" else "not told"

@scenario("C7.1")
def annotations():
    with Server() as s, s.proxy() as thing:
        Pyro4.current_context.correlation_id = None
        return len(set(thing.hop(3))), "id in", len(thing.hop(3)), "hops"

@scenario("C7.2")
def chosen_id():
    import uuid
    with Server() as s, s.proxy() as thing:
        chosen = Pyro4.current_context.correlation_id = uuid.uuid4()
        seen = thing.hop(3)
        Pyro4.current_context.correlation_id = None
        return "the caller's" if set(seen) == {str(chosen)} else "others"

@scenario("C7.3")
def both_ways():
    with Server() as s, s.proxy() as thing:
        Pyro4.current_context.annotations = {"HELO": b"over there"}
        thing.note("")
        heard = bytes(Pyro4.current_context.response_annotations.get("HEAR", b"")).decode()
        Pyro4.current_context.annotations = {}
        return heard

@scenario("C8.1")
def errors():
    with Server() as s, s.proxy() as thing:
        try:
            thing.fail("no way")
        except Exception as x:
            place = "place" if "raise ValueError" in "".join(Pyro4.util.getPyroTraceback()) else "no place"
            return type(x).__name__, "'%s'" % x, place, "next call", attempt(lambda: thing.add(1) and "ok")

@scenario("C8.2")
def own_error():
    with Server() as s, s.proxy() as thing:
        try:
            thing.fail_own("no way")
        except Exception as x:
            return "its type", "kept" if type(x).__name__ == "OwnError" else "lost: " + type(x).__name__

@scenario("C8.3")
def unknown_method():
    with Server() as s, s.proxy() as thing:
        try:
            return thing.no_such()
        except AttributeError:
            return "no such method"

@scenario("C8.4")
def unknown_object():
    with Server() as s, s.proxy("nobody") as nobody:
        return attempt(lambda: nobody.add(1), "unknown object")

@scenario("C9.1")
def restarted():
    with Server() as s, s.proxy() as thing:
        thing.add(1)
        stop(s.process, signal.SIGKILL)
        with Server(thing._pyroUri.location):
            first = attempt(lambda: thing.add(1))
            return first, "then", attempt(lambda: thing.add(1) and "ok")

@scenario("C9.2")
def moved():
    server = NameServer()
    with server as ns, Server() as one:
        ns.register("a", one.uri)
        with Pyro4.Proxy(f"PYRONAME:a@127.0.0.1:{server.port}") as thing:
            thing.add(1)
            stop(one.process, signal.SIGKILL)
            with Server() as other:
                ns.register("a", other.uri)
                attempt(lambda: thing.add(1))
                return attempt(lambda: thing.add(1) and "found again")

@scenario("C9.3")
def repeated():
    with Server() as s, s.proxy(timeout=0.3) as thing, s.proxy() as watch:
        thing._pyroMaxRetries = 1
        attempt(lambda: thing.wait("go", 5))
        poll(lambda: len(watch.log("began go")) > 1, 5)
        return "ran", len(watch.log("began go")), "times"

def cut_off():
    with Server() as s, s.proxy() as watch, Relay(s.uri.split("@")[1]) as relay:
        seen = []
        with Pyro4.Proxy("PYRO:thing@" + relay.address) as thing:
            thing._pyroMaxRetries = 1
            calling = threading.Thread(target=lambda: seen.append(attempt(lambda: thing.wait("go", 10))))
            calling.start()
            watch.wait("began go", 10)
            relay.cut()
            poll(lambda: seen or len(watch.log("began go")) > 1)
            watch.note("go")
            calling.join()
        return "ran", len(watch.log("began go")), "times:", *seen

scenario("C9.5")(cut_off)
scenario("C9.6")(cut_off)

@scenario("C9.4")
def nobody_there():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0)) # and does not listen
        thing = Pyro4.Proxy("PYRO:thing@127.0.0.1:%d" % free.getsockname()[1])
        try:
            return thing.add(1)
        except Pyro4.errors.CommunicationError:
            return "unavailable"

class Callback(threading.Thread):
    """An object of this process, in a daemon of its own."""
    def __init__(self):
        super().__init__(daemon=True)
        self.inner = []
        @Pyro4.expose
        class Object:
            @staticmethod
            def pass_on(uris, text):
                if not uris:
                    return text
                with Pyro4.Proxy(uris[0]) as other:
                    other._pyroTimeout = 1
                    self.inner.append(attempt(lambda: other.pass_on(uris[1:], text)))
                    return self.inner[-1]
        self.host = Pyro4.Daemon("127.0.0.1")
        self.uri = str(self.host.register(Object()))
        self.start()

    def run(self):
        self.host.requestLoop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.host.shutdown()

@scenario("C10.1")
def callback():
    with Server() as s, s.proxy() as thing, Callback() as back:
        return thing.pass_on([back.uri], "hello")

def callback_of_callback(kind):
    with Server(SERVERTYPE=kind) as s, s.proxy() as thing, Callback() as back:
        thing.pass_on([back.uri, s.uri], "hello")
        return "deadlock until the timeout" if back.inner == ["TimeoutError"] else back.inner

scenario("C10.2")(lambda: callback_of_callback("thread"))
scenario("C10.3")(lambda: callback_of_callback("multiplex"))

@scenario("C12.1")
def resumed():
    with Server() as s, s.proxy() as thing:
        squares = thing.squares(5)
        taken = [next(squares), next(squares)]
        thing._pyroRelease()
        thing._pyroReconnect(3)
        return *taken, "reconnect", *squares

@scenario("C13.1")
def compressed():
    with Server(COMPRESSION="on") as s, Relay(s.uri.split("@")[1]) as relay:
        Pyro4.config.COMPRESSION = True
        with Pyro4.Proxy("PYRO:thing@" + relay.address) as thing:
            thing.note("x" * 100000)
        Pyro4.config.COMPRESSION = False
        return "smaller on the wire" if relay.bytes < 50000 else "as large as it is"

@scenario("C14.1")
def too_large():
    with Server(MAX_MESSAGE_SIZE=2000) as s, s.proxy() as thing:
        thing.track("connection")
        first = attempt(lambda: thing.echo("x" * 100000) and "ok")
        kept = "connection kept" if thing._pyroConnection else "connection lost"
        return "server's limit:", first, kept, "next call", attempt(lambda: thing.add(1) and "ok")

@scenario("C14.2")
def too_large_answer():
    with Server() as s, s.proxy() as thing:
        thing.add(1)
        Pyro4.config.MAX_MESSAGE_SIZE = 2000
        first = attempt(lambda: thing.big(100000) and "ok")
        kept = "connection kept" if thing._pyroConnection else "connection lost"
        Pyro4.config.MAX_MESSAGE_SIZE = 0
        return "client's limit:", first, kept, "next call", attempt(lambda: thing.add(1) and "ok")

main(sys.argv[1:])
