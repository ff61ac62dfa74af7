# SPDX-License-Identifier: Apache-2.0
"""usage: commands.py PYRITE. What every command has in common: help, usage, JSON, signals, a terminal."""
import json, os, pty, select, signal, subprocess, sys, tempfile, time

pyrite = sys.argv[1]
work = tempfile.TemporaryDirectory()
socket = "unix:" + work.name + "/socket"
DEADLINE_S = 30
running = []

def fail(text):
    raise SystemExit("commands: " + text)

def run(status, *words, **more):
    done = subprocess.run([pyrite, *words], capture_output=True, text=True, timeout=DEADLINE_S, **more)
    if done.returncode != status:
        fail(f"{words}: exit {done.returncode}, not {status}: {done.stderr}")
    return done

def start(*words, **more):
    process = subprocess.Popen([pyrite, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, **more)
    running.append(process)
    return process

def end(process, number, status):
    process.send_signal(number)
    out, err = process.communicate(timeout=DEADLINE_S)
    if process.returncode != status:
        fail(f"{process.args[1:]}: signal {number}: exit {process.returncode}, not {status}: {err}")
    return out

def until(process, line):
    lines = []
    while not lines or lines[-1] != line:
        text = process.stdout.readline()
        if not text:
            fail(f"{process.args[1:]} ended: {process.stderr.read()}")
        lines.append(text.rstrip("\n"))
    return lines

def on_terminal(words, enough, env):
    """Runs a command with a terminal as stderr until it has written what is enough, then Ctrl-C."""
    main, side = pty.openpty()
    process = subprocess.Popen([pyrite, *words], stdout=subprocess.PIPE, stderr=side, env=env)
    running.append(process)
    os.close(side)
    seen, over = b"", time.monotonic() + DEADLINE_S
    while enough not in seen and time.monotonic() < over:
        if select.select([main], [], [], 0.1)[0]:
            try:
                seen += os.read(main, 4096)
            except OSError: # the program has ended
                break
    if enough not in seen:
        fail(f"{words} on a terminal: no {enough} in {seen}")
    process.send_signal(signal.SIGINT)
    out = process.communicate(timeout=DEADLINE_S)[0]
    return process.returncode, out.decode(), seen

def help_and_usage():
    top = run(0, "--help").stdout
    commands = [line[2:18].strip() for line in top.splitlines()
                if line.startswith("  ") and line[2].islower() and line[18:19] == " "]
    commands = [c for c in commands if c and not c.startswith("pyrite")]
    if len(commands) < 12:
        fail(f"--help lists only {commands}")
    for command in commands:
        words = command.split()
        text = run(0, *words, "--help").stdout
        if run(0, "help", *words).stdout != text or "usage: pyrite " + command not in text:
            fail(f"help of {command}")
        for needed in ("options", "exit status", "pyrite " + command):
            if needed not in text:
                fail(f"{command} --help has no {needed}")
        if "'pyrite " + command + " --help' says more" not in run(2, *words, "--no-such").stderr:
            fail(f"{command}: wrong usage does not tell where help is")
    for words, meant in (("png",), "pyrite ping"), (("nmaes", "list"), "names"), \
            (("names", "lits"), "pyrite names list"), (("ping", "x", "--cuont", "1"), "--count"):
        if meant not in run(2, *words).stderr:
            fail(f"{words} does not suggest {meant}")
    for words, says in (("ping",), "REF is missing"), (("ping", "a", "b"), "'b' is one"), \
            (("ping", "a", "--count", "x"), "--count takes N"), (("version", "--json=1"), "no value"), \
            (("ping", "a", "--count"), "needs a value"), (("names",), "another word"), ((), "usage"):
        if says not in run(2, *words).stderr:
            fail(f"{words} does not say '{says}'")
    with open("/dev/full", "w") as full:
        if subprocess.run([pyrite, "version"], stdout=full, stderr=subprocess.DEVNULL).returncode != 1:
            fail("a full disk is not noticed")

def echo_and_ping():
    for more in ([], ["--workers", "3"]):
        echo = start("echo", "--listen", "127.0.0.1:0", "--listen", socket, *more)
        lines = until(echo, "ready")
        if len(lines) != 3 or not lines[0].startswith("pyr:echo@127.0.0.1:"):
            fail(f"echo says {lines}")
        for reference in lines[:2]:
            pings = run(0, "ping", reference, "--count", "2", "--interval", "0", "--json").stdout
            if [json.loads(p)["sequence"] for p in pings.splitlines()] != [0, 1]:
                fail(f"ping says {pings}")
        ping = start("ping", lines[0], "--count", "0", "--interval", "60")
        ping.stdout.readline()
        end(ping, signal.SIGINT, 0)
        end(echo, signal.SIGTERM, 0)
        if os.path.exists(socket[5:]):
            fail("the socket was left behind")
    echo = start("echo", "--listen", socket, "--json", "--object", 'a"b')
    ready = json.loads(echo.stdout.readline())
    if not ready["ready"] or ready["object"] != 'a"b' or len(ready["references"]) != 1:
        fail(f"echo --json says {ready}")
    end(echo, signal.SIGINT, 0)
    failed = run(1, "ping", ready["references"][0], "--json")
    if not failed.stderr.startswith("pyrite: UNAVAILABLE: ") or \
            json.loads(failed.stdout)["status"] != "UNAVAILABLE":
        fail(f"a dead daemon: {failed}")
    if "UNAVAILABLE" not in run(1, "echo", "--name", "x", env={"PYRITE_NS": socket}).stderr:
        fail("echo --name without a name server")
    json.loads(run(0, "version", "--json").stdout)

def bench():
    serve = start("bench", "serve", "--listen", socket)
    until(serve, "ready")
    for outstanding in "1", "8":
        words = ["bench", "call", "--connect", socket, "--outstanding", outstanding]
        done = run(0, *words, "--seconds", "0.1", "--warmup", "0.05")
        begin, ended, figures = done.stdout.splitlines()
        figures = json.loads(figures)
        if (begin, ended) != ("begin", "end") or figures["errors"] or figures["calls"] < 1 or done.stderr:
            fail(f"bench call says {done}")
        for key in "seconds", "p50_us", "p99_us", "p999_us", "client_cpu_us_per_call":
            figures[key] + 0.0
        call = start(*words, "--seconds", "60", "--warmup", "0")
        until(call, "begin")
        json.loads(end(call, signal.SIGINT, 130).splitlines()[-1])
        env = dict(os.environ, TERM="xterm")
        status, out, seen = on_terminal([*words, "--seconds", "60"], b"calls/s", env)
        if status != 130 or json.loads(out.splitlines()[-1])["calls"] < 1:
            fail(f"on a terminal: {status} {out}")
    end(serve, signal.SIGINT, 0)
    run(2, "bench", "call", "--connect", socket, "--size", "2000000000")
    if "INVALID_ARGUMENT" not in run(1, "bench", "call", "--connect", "nonsense").stderr:
        fail("a malformed endpoint")

def colours():
    words = ["ping", "pyr:x@" + socket, "--count", "0", "--interval", "60"]
    env = dict(os.environ, TERM="xterm")
    env.pop("NO_COLOR", None)
    if b"\033[1;31mUNAVAILABLE" not in on_terminal(words, b"UNAVAILABLE", env)[2]:
        fail("no colour on a terminal")
    if b"\033[1;31m" in on_terminal(words, b"UNAVAILABLE", dict(env, NO_COLOR="1"))[2]:
        fail("NO_COLOR is not honoured")

try:
    help_and_usage()
    echo_and_ping()
    bench()
    colours()
finally:
    for process in running:
        if process.poll() is None:
            process.kill()
print("commands: all as expected")
