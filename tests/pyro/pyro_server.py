# SPDX-License-Identifier: Apache-2.0
"""usage: pyro_server.py [HOST:PORT | unix:PATH] [NATHOST:NATPORT]

For Pyro4 what server.c is for Pyrite: the methods are described in compared.proto. Prints the
thing's URI, and "ready". Configured by PYRO_... in the environment.
"""
import sys, threading
import Pyro4

threading.excepthook = lambda what: None # oneway calls that fail are part of the comparison
lines, changed = [], threading.Condition()

def note(line):
    with changed:
        lines.append(line)
        changed.notify_all()

def wait_for(line, seconds):
    with changed:
        return changed.wait_for(lambda: line in lines, seconds)

class OwnError(Exception):
    """A type that the client does not know."""

class Resource:
    def __init__(self, text):
        self.text = text

    def close(self):
        note("closed " + self.text)

@Pyro4.expose
class Thing:
    def __init__(self, daemon):
        self.daemon, self.sum, self.resources = daemon, 0, []

    def add(self, value):
        self.sum += value
        return self.sum

    def echo(self, data):
        return data

    def note(self, text):
        note(text)
        hello = Pyro4.current_context.annotations.get("HELO")
        if hello:
            Pyro4.current_context.response_annotations = {"HEAR": hello}
        return text

    @Pyro4.oneway
    def tell(self, text, after="", seconds=0):
        note("began " + text)
        if after:
            wait_for(after, seconds)
        note(text)

    def wait(self, text, seconds):
        note("began " + text)
        return "seen" if wait_for(text, seconds) else "timed out"

    def log(self, prefix):
        with changed:
            return [line for line in lines if line.startswith(prefix)]

    def fail(self, text):
        raise ValueError(text)

    def fail_own(self, text):
        raise OwnError(text)

    def squares(self, count):
        try:
            for i in range(count):
                if i < 10:
                    note("square %d" % i)
                yield i * i
        finally:
            note("squares ended")

    def track(self, text):
        resource = Resource(text)
        self.resources.append(resource) # Pyro itself keeps a weak reference only
        Pyro4.current_context.track_resource(resource)
        return text

    def hop(self, left):
        seen = [str(Pyro4.current_context.correlation_id)]
        if left > 1:
            with Pyro4.Proxy(self.daemon.uriFor(self)) as inner:
                seen += inner.hop(left - 1)
        return seen

    def serve(self, object_id, force=False):
        return str(self.daemon.register(Thing(self.daemon), object_id, force))

    def unserve(self, object_id):
        self.daemon.unregister(object_id)

    def child(self):
        """A registered object as the result: AUTOPROXY."""
        made = Thing(self.daemon)
        self.daemon.register(made)
        return made

    def pass_on(self, uris, text):
        if not uris:
            return self.note(text)
        with Pyro4.Proxy(uris[0]) as other:
            return other.pass_on(uris[1:], text)

    def big(self, size):
        return "x" * size

class Counted:
    kind = ""
    instances = 0

    def __init__(self):
        with changed:
            Counted.instances += 1
            self.instance = Counted.instances
        self.count = 0
        note("made " + self.kind)

    def __del__(self):
        note("gone " + self.kind)

    @Pyro4.expose
    def next(self):
        self.count += 1
        return self.instance, self.count

@Pyro4.behavior(instance_mode="single")
class Single(Counted):
    kind = "single"

@Pyro4.behavior(instance_mode="session")
class Session(Counted):
    kind = "session"

@Pyro4.behavior(instance_mode="percall")
class Percall(Counted):
    kind = "percall"

class Plain(Counted): # whatever the default is
    kind = "plain"

class Daemon(Pyro4.Daemon):
    def validateHandshake(self, conn, data):
        if data == "stranger":
            raise ValueError("no strangers here")
        return super().validateHandshake(conn, data)

def main():
    where = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:0"
    nat = sys.argv[2].split(":") if len(sys.argv) > 2 else (None, 0)
    if where.startswith("unix:"):
        daemon = Daemon(unixsocket=where[5:])
    else:
        host, port = where.split(":")
        daemon = Daemon(host, int(port), nathost=nat[0], natport=int(nat[1]) if nat[0] else None)
    print(daemon.register(Thing(daemon), "thing"))
    for counted in Single, Session, Percall, Plain:
        daemon.register(counted, counted.kind)
    print("ready", flush=True)
    daemon.requestLoop()

main()
