# SPDX-License-Identifier: Apache-2.0
"""The scenarios about calls on Pyro4: see scenarios.md."""
import signal, socket, subprocess, sys, threading, uuid
from harness import DEADLINE_S, Relay, poll, scenario, stop
import Pyro4 # after the harness has tidied the environment
from on_pyro import attempt, Server, NameServer

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

def callback_of_callback(kind, **env):
    with Server(SERVERTYPE=kind, **env) as s, s.proxy() as thing, Callback() as back:
        thing.pass_on([back.uri, s.uri], "hello")
        return "deadlock until the timeout" if back.inner == ["TimeoutError"] else back.inner

scenario("C10.2")(lambda: callback_of_callback("thread"))
scenario("C10.3")(lambda: callback_of_callback("multiplex"))
scenario("C10.4")(lambda: callback_of_callback("thread", THREADPOOL_SIZE=1, THREADPOOL_SIZE_MIN=1))

@scenario("C12.1")
def resumed():
    with Server() as s, s.proxy() as thing:
        squares = thing.squares(5)
        taken = [next(squares), next(squares)]
        thing._pyroRelease()
        thing._pyroReconnect(3)
        return *taken, "reconnect", *squares

@scenario("C12.2")
def resumed_late():
    with Server(ITER_STREAM_LINGER=0.5) as s, s.proxy() as watch, s.proxy() as thing:
        squares = thing.squares(5)
        taken = [next(squares), next(squares)]
        thing._pyroRelease()
        watch.wait("squares ended", 10000)
        thing._pyroReconnect(3)
        return *taken, "reconnect late", attempt(lambda: next(squares))

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
