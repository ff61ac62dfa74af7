# SPDX-License-Identifier: Apache-2.0
"""The scenarios about the daemon on Pyrite: see scenarios.md."""
import json, signal, socket
from harness import file, poll, scenario, stop
from on_pyrite import run, word, Server, Client

@scenario("D1.1")
def duplicate():
    with Server() as s, s.client() as c:
        c.call("Serve", text="x")
        return c.status("Serve", text="x")

@scenario("D1.2")
def force():
    with Server() as s, s.client() as c:
        c.call("Serve", text="x")
        return c.status("Serve", text="x", after="force")

@scenario("D1.3")
def generated():
    with Server() as s, s.client() as c:
        return "made" if len(c.call("Serve")["reply"]["text"]) == 32 else "not made"

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

@scenario("D6.3")
def connected_socket():
    ours, theirs = socket.socketpair()
    with ours, theirs, Server(connected=theirs, endpoints=()), \
            Client("pyr:thing@pair:1", connected=ours) as c:
        return "ok" if c.add(3) == 3 else "wrong"

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

@scenario("D12.1")
def returned():
    with Server() as s, s.client() as c:
        if not c.child(s.ref):
            return "no proxy"
        answer = c.call("Add", proxy="c", value=2)
        return "a proxy that answers" if answer["reply"]["value"] == "2" else answer
