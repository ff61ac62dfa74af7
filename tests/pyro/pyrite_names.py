# SPDX-License-Identifier: Apache-2.0
"""The scenarios about the name server on Pyrite: see scenarios.md."""
import json, os, pty, signal, subprocess, threading
from harness import DEADLINE_S, poll, scenario, stop
from on_pyrite import run, word, NameServer, Server, Client, ref, store, pyrite

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

@scenario("N10.1")
def discoverable_on_loopback():
    code, _, err = run("ns", "--listen", "127.0.0.1:0", "--discoverable")
    return "failed_precondition" if code == 1 and "FAILED_PRECONDITION" in err else f"{code} {err}"

@scenario("N10.2")
def discovered():
    with NameServer("memory", "--discoverable-at", "127.0.0.1:0") as ns:
        at = next(line for line in ns.lines if line.startswith("discoverable at ")).split()[-1]
        code, out, err = run("names", "status", PYRITE_NS="discover:" + at)
        return "found" if code == 0 else err

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
