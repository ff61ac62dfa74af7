# SPDX-License-Identifier: Apache-2.0
"""The scenarios about the daemon on Pyro4: see scenarios.md."""
import select, signal, socket, subprocess, sys, threading, time
from harness import DEADLINE_S, file, poll, scenario, start, stop, until
import Pyro4 # after the harness has tidied the environment
from on_pyro import attempt, Server, apart

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
