# SPDX-License-Identifier: Apache-2.0
"""usage: interrupts.py PYRITE ECHO_CLIENT. Ctrl-C while a command waits, the object of echo, and JSON."""
import json, os, pty, signal, socket, subprocess, sys, tempfile, time

pyrite, echo_client = sys.argv[1:]
work = tempfile.TemporaryDirectory()
DEADLINE_S = 30
PROMPT_S = 10  # far less than any time-out of a command, far more than a busy machine needs
running = []
env = {name: value for name, value in os.environ.items() if not name.startswith("PYRITE_N")}

def fail(text):
    raise SystemExit("interrupts: " + text)

def start(*words, **more):
    process = subprocess.Popen([pyrite, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=more.pop("stderr", subprocess.PIPE), text=True, env=env, **more)
    running.append(process)
    return process

def run(status, *words):
    done = subprocess.run([pyrite, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=DEADLINE_S, env=env)
    if done.returncode != status:
        fail(f"{words}: exit {done.returncode}, not {status}: {done.stderr}")
    return done

def ready(process):
    lines = []
    while not lines or lines[-1] != "ready":
        text = process.stdout.readline()
        if not text:
            fail(f"{process.args[1:]} ended: {process.stderr.read()}")
        lines.append(text.rstrip("\n"))
    return lines[0]

def end(process, *numbers, statuses=(0,)):
    began = time.monotonic()
    for number in numbers:
        process.send_signal(number)
    out, err = process.communicate(timeout=DEADLINE_S)
    if process.returncode not in statuses:
        fail(f"{process.args[1:]}: exit {process.returncode}, not {statuses}: {err}")
    if time.monotonic() - began > PROMPT_S:
        fail(f"{process.args[1:]} did not end at once")
    return out, err

class Silent:
    """Accepts every connection, reads what comes, and never answers."""
    def __init__(self):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.endpoint = "127.0.0.1:%d" % self.listening.getsockname()[1]
        self.held = []

    def await_caller(self):
        self.listening.settimeout(DEADLINE_S)
        peer, _ = self.listening.accept()
        peer.settimeout(DEADLINE_S)
        self.held.append(peer)
        if not peer.recv(1):
            fail("a caller has hung up")

def while_nobody_answers():
    """Each command is waiting for its peer when the signal comes."""
    silent = Silent()
    ref = "pyr:x@" + silent.endpoint
    killed = (-signal.SIGINT,)
    for words, statuses in (
            (["names", "list", "--at", silent.endpoint], killed),
            (["names", "lookup", "a", "--at", silent.endpoint], killed),
            (["names", "lookup", "a", "--wait", "600", "--at", silent.endpoint], killed),
            (["names", "register", "a", "pyr:x@127.0.0.1:1", "--at", silent.endpoint], killed),
            (["names", "remove", "a", "--at", silent.endpoint], killed),
            (["names", "tag", "a", "--add", "b", "--at", silent.endpoint], killed),
            (["names", "status", "--at", silent.endpoint], killed),
            (["names", "watch", "--at", silent.endpoint], (0,)),
            (["names", "watch", "--from", "7", "--at", silent.endpoint], killed),
            (["describe", ref], killed),
            (["call", ref, "Echo", "{}"], killed),
            # these two may say how far they came, and then have a second for it
            (["ping", ref, "--timeout", "600"], (0, 1) + killed),
            (["bench", "call", "--connect", silent.endpoint], (1, 130) + killed),
            (["bench", "call", "--connect", silent.endpoint, "--outstanding", "4"], (1, 130) + killed)):
        process = start(*words)
        silent.await_caller()
        out, err = end(process, signal.SIGINT, statuses=statuses)
        if err:
            fail(f"{words} in a pipe says {err!r}")
    env["PYRITE_NS"] = silent.endpoint
    process = start("echo", "--name", "a")
    silent.await_caller()
    end(process, signal.SIGINT, statuses=killed)
    del env["PYRITE_NS"]
    for peer in silent.held:
        peer.close()

def names_are_withdrawn():
    ns = start("ns", "--listen", "127.0.0.1:0")
    at = ready(ns).split("@")[1]
    env["PYRITE_NS"] = at
    for number in signal.SIGINT, signal.SIGTERM:
        echo = start("echo", "--name", "test.echo", "--ttl", "600")
        ready(echo)
        run(0, "ping", "test.echo")
        end(echo, number)
        if "NOT_FOUND" not in run(1, "names", "lookup", "test.echo").stderr:
            fail("the name has outlived its daemon")
    lookup = start("names", "lookup", "nobody", "--wait", "600")
    watch = start("names", "watch", "--json")
    while json.loads(run(0, "names", "status", "--json").stdout)["watches"] < 1:
        pass # it is on its way
    run(0, "names", "register", "seen", "pyr:x@127.0.0.1:1")
    event = json.loads(watch.stdout.readline())
    if (event["kind"], event["name"]["name"]) != ("set", "seen"):
        fail(f"watch says {event}")
    end(watch, signal.SIGTERM)
    end(lookup, signal.SIGTERM, statuses=(-signal.SIGTERM,))
    # one that waits does not keep the name server from its end
    lookup, watch = start("names", "lookup", "nobody", "--wait", "600"), start("names", "watch")
    while json.loads(run(0, "names", "status", "--json").stdout)["watches"] < 1:
        pass
    end(ns, signal.SIGINT)
    out, err = watch.communicate(timeout=DEADLINE_S)
    if watch.returncode not in (0, 1):
        fail(f"watch without a name server: {watch.returncode} {err}")
    end(lookup, signal.SIGINT, statuses=(1, -signal.SIGINT))
    del env["PYRITE_NS"]

def several_signals():
    """A call runs that nobody ends: the first signal lets it have its second, the next does not."""
    for numbers in [signal.SIGINT, signal.SIGINT], [signal.SIGTERM, signal.SIGINT]:
        echo = start("echo", "--json")
        ref = json.loads(echo.stdout.readline())["references"][0]
        call = start("call", ref, "Slow", '{"text": "x", "delayMs": 600000}', "--timeout", "600")
        # answered on the same loop, one after the other: see that it has begun
        while True:
            state = subprocess.run([pyrite, "call", ref, "Echo", '{"text": "y"}'], env=env,
                                   capture_output=True, text=True, timeout=DEADLINE_S)
            if state.returncode == 0:
                break
        end(echo, *numbers)
        end(call, signal.SIGINT, statuses=(1, -signal.SIGINT))

def methods_of_echo():
    for workers in "0", "3":
        echo = start("echo", "--listen", "unix:" + work.name + "/e", "--workers", workers)
        ref = ready(echo)
        if json.loads(run(0, "call", ref, "Echo", '{"text": "a\\"b"}').stdout) != {"text": 'a"b'}:
            fail("Echo")
        slow = run(0, "call", ref, "Slow", '{"text": "s", "delayMs": 20}')
        if json.loads(slow.stdout) != {"text": "s"}:
            fail(f"Slow says {slow}")
        for _ in range(6): # two clocks: one of them is ahead, which must not matter
            slow = run(1, "call", ref, "Slow", '{"text": "s", "delayMs": 600000}', "--timeout", "0.05")
            if not slow.stderr.startswith("pyrite: DEADLINE_EXCEEDED: "):
                fail(f"Slow beyond its time says {slow}")
        failed = run(1, "call", ref, "pyrite.echo.Echo/Fail", '{"status": 9, "message": "no"}')
        if not failed.stderr.startswith("pyrite: FAILED_PRECONDITION: no\n") or failed.stdout:
            fail(f"Fail says {failed}")
        if "status is 1 to 16, not 99" not in run(1, "call", ref, "Fail", '{"status": 99}').stderr:
            fail("Fail with a status that is none")
        if run(0, "call", ref, "Oneway", '{"text": "from call"}').stdout:
            fail("Oneway has an answer")
        if echo.stdout.readline() != "from call\n":
            fail("Oneway did not print")
        done = subprocess.run([echo_client, ref], capture_output=True, text=True, timeout=DEADLINE_S, env=env)
        if done.returncode or done.stdout != "all as expected\n":
            fail(f"stubs: {done}")
        if echo.stdout.readline() != "one way\n":
            fail("Oneway did not print what the stub sent")
        end(echo, signal.SIGINT)

def json_everywhere():
    """Whatever has --json prints one value a line, and nothing else."""
    ns = start("ns", "--listen", "unix:" + work.name + "/json", "--json")
    said = json.loads(ns.stdout.readline())
    if not said["ready"]:
        fail(f"ns --json says {said}")
    env["PYRITE_NS"] = "unix:" + work.name + "/json"
    for words, count, keys in (
            (["names", "register", 'q"\u00e9', "pyr:x@127.0.0.1:1"], 1, ["revision"]),
            (["names", "register", "b", "pyr:x@127.0.0.1:1", "--tag", "t"], 1, ["revision"]),
            (["names", "tag", "b", "--add", "u"], 1, ["tags"]),
            (["names", "list"], 3, ["name", "holders", "tags", "mod_revision"]),
            (["names", "list", "--prefix", "nothing"], 0, []),
            (["names", "lookup", 'q"\u00e9'], 1, ["name", "holders"]),
            (["names", "status"], 1, ["names", "watches", "waiting_lookups"]),
            (["names", "remove", 'q"\u00e9'], 1, ["removed"]),
            (["describe", "pyr:x@" + env["PYRITE_NS"]], 1, [])):
        done = run(0, *words, "--json")
        values = [json.loads(line) for line in done.stdout.splitlines()] if words[0] == "names" \
            else [json.loads(done.stdout)]
        if len(values) != count or done.stderr:
            fail(f"{words} --json says {done}")
        for key in keys:
            values[0][key]
    end(ns, signal.SIGINT)
    del env["PYRITE_NS"]

def progress():
    """People see that a command waits, and the line is gone when it ends; a pipe sees nothing."""
    ns = start("ns", "--listen", "unix:" + work.name + "/ns")
    ready(ns)
    main, side = pty.openpty()
    waiting = start("names", "lookup", "nobody", "--wait", "600", "--at", "unix:" + work.name + "/ns",
                    stderr=side)
    os.close(side)
    seen = b""
    while b"waiting up to 600 s for 'nobody'" not in seen:
        seen += os.read(main, 4096)
    waiting.send_signal(signal.SIGINT)
    waiting.communicate(timeout=DEADLINE_S)
    try:
        while True:
            part = os.read(main, 4096)
            if not part:
                break
            seen += part
    except OSError: # the end of a terminal
        pass
    if waiting.returncode != -signal.SIGINT or not seen.endswith(b"\r\033[K"):
        fail(f"on a terminal: {waiting.returncode} {seen}")
    os.close(main)
    for more in [], ["--json"]:
        if run(1, "names", "lookup", "nobody", "--wait", "0.01", "--at", "unix:" + work.name + "/ns",
               *more).stderr.count("\n") > 2:
            fail("progress in a pipe")
    end(ns, signal.SIGINT)

try:
    while_nobody_answers()
    names_are_withdrawn()
    several_signals()
    methods_of_echo()
    json_everywhere()
    progress()
finally:
    for process in running:
        if process.poll() is None:
            process.kill()
print("interrupts: all as expected")
