# SPDX-License-Identifier: Apache-2.0
"""The scenarios about calls on Pyrite: see scenarios.md."""
import json, re, signal, socket
from harness import Relay, poll, scenario, stop
from on_pyrite import run, word, NameServer, Server, Client

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
        c.log("") # connects: what it tells is there before others wait for it, on the only thread
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

@scenario("C4.1")
def batch():
    with Server() as s, s.client() as c:
        calls = [{"method": "Add", "request": {"value": 1}}, {"method": "Fail", "request": {"text": "no"}},
                 {"method": "Note", "request": {"text": "third"}}]
        answer = c.answer(c.send(do="batch", proxy="p", calls=calls))
        return answer["ran"], "error" if answer["status"] == "FAILED_PRECONDITION" else answer, \
            "third", "run" if c.log("third") else "not run"

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
scenario("C10.4")(lambda: callback_of_callback("1"))

@scenario("C12.1")
def resumed():
    with Server() as s, Relay(s.ref.split("@")[1]) as relay, \
            Client("pyr:thing@" + relay.address, resume_ms=10000) as c:
        c.squares(1000000000)
        taken = c.next(2)
        relay.cut()
        rest = c.next(20000) # more than can have come before
        if [int(square) for square in rest] != [i * i for i in range(2, 20002)]:
            return "not each of them once"
        return *taken, "reconnect", *rest[:3]

@scenario("C12.2")
def resumed_late():
    with Server(PYRITE_STREAM_LINGER="500ms") as s, s.client() as watch, \
            Relay(s.ref.split("@")[1]) as relay, Client("pyr:thing@" + relay.address, resume_ms=10000) as c:
        c.squares(1000000000)
        taken = c.next(2)
        relay.cut()
        watch.wait("squares ended", 10000)
        c.send(do="next", proxy="p", count=20000)
        return *taken, "reconnect late", word(c.answer(c.last)["status"])

@scenario("C13.1")
def compressed():
    with Server("-z", "1000") as s, Relay(s.ref.split("@")[1]) as relay, \
            Client("pyr:thing@" + relay.address, compress_from=1000) as c:
        c.add(1) # what goes out before the server's first words goes as it is
        c.call("Note", text="x" * 100000)
        return "smaller on the wire" if relay.bytes < 50000 else "as large as it is"

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
