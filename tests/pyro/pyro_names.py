# SPDX-License-Identifier: Apache-2.0
"""The scenarios about the name server on Pyro4: see scenarios.md."""
import signal, subprocess, threading, time
from harness import DEADLINE_S, scenario, stop
import Pyro4, Pyro4.naming # after the harness has tidied the environment
from on_pyro import attempt, Server, NameServer, uri, store, names, filled, apart

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

@scenario("N10.2")
def discovered():
    server = NameServer()
    with server as ns:
        # startNS() does not make one on loopback
        answering = Pyro4.naming.BroadcastServer(ns._pyroUri, "127.0.0.1", 0)
        threading.Thread(target=answering.processRequest, daemon=True).start()
        Pyro4.config.BROADCAST_ADDRS = "127.0.0.1"
        with Pyro4.locateNS(port=answering.sock.getsockname()[1]) as found:
            result = "found" if found._pyroUri == ns._pyroUri else found._pyroUri
        answering.close()
        return result

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
