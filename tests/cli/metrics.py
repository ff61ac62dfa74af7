#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# usage: metrics.py PYRITE
"""What a daemon counts: over HTTP, as Prometheus's own library reads it, and in pyrite top."""
import http.client
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

pyrite, = sys.argv[1:]


class Echo:
    """pyrite echo with --metrics; ended at the end."""

    def __enter__(self):
        self.process = subprocess.Popen(
            [pyrite, "echo", "--metrics", "127.0.0.1:0", "--json"], stdout=subprocess.PIPE, text=True)
        ready = json.loads(self.process.stdout.readline())
        self.reference, = ready["references"]
        self.url = ready["metrics"]
        self.port = int(self.url.split(":")[2].split("/")[0])
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0

    def call(self, status, method, request):
        done = subprocess.run([pyrite, "call", self.reference, method, json.dumps(request)],
                              capture_output=True, text=True, timeout=30)
        assert done.returncode == status, done
        return done

    def scrape(self):
        with urllib.request.urlopen(self.url, timeout=30) as answer:
            assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
            return {family.name: family for family in text_string_to_metric_families(answer.read().decode())}

    def top(self, *words):
        done = subprocess.run([pyrite, "top", self.reference, *words], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0 and not done.stderr, done
        return done.stdout


def value(family, **labels):
    values = [s.value for s in family.samples if labels.items() <= s.labels.items()]
    assert len(values) == 1, (labels, family)
    return values[0]


def O4_prometheus_reads_what_is_counted():
    with Echo() as echo:
        for _ in range(5):
            echo.call(0, "Echo", {"text": "a"})
        for _ in range(2):
            echo.call(1, "Fail", {"status": 5, "message": "none"})
        families = echo.scrape()
        ended = families["pyrite_calls_ended"]
        assert ended.type == "counter" and ended.documentation
        assert value(ended, method="pyrite.echo.Echo/Echo", status="OK") == 5
        assert value(ended, method="pyrite.echo.Echo/Fail", status="NOT_FOUND") == 2
        assert value(families["pyrite_calls_begun"], method="pyrite.echo.Echo/Fail") == 2
        assert value(families["pyrite_connections_accepted"]) >= 7
        assert value(families["pyrite_connections"]) == 0
        took = families["pyrite_call_seconds"]
        assert took.type == "histogram"
        mine = [s for s in took.samples if s.labels["method"] == "pyrite.echo.Echo/Echo"]
        buckets = [(float(s.labels["le"]), s.value) for s in mine if s.name.endswith("_bucket")]
        assert buckets == sorted(buckets) and len(buckets) == 28
        assert buckets[-1] == (float("inf"), 5)
        assert all(a[1] <= b[1] for a, b in zip(buckets, buckets[1:]))
        assert [s.value for s in mine if s.name.endswith("_count")] == [5]
        total, = [s.value for s in mine if s.name.endswith("_sum")]
        assert 0 < total < 60


def O4_the_daemon_object_says_the_same():
    with Echo() as echo:
        for _ in range(3):
            echo.call(0, "Echo", {"text": "a"})
        said = json.loads(echo.call(0, "pyrite.Daemon/GetStatistics", {"prefix": "pyrite.echo."}).stdout)
        method, = said["methods"]
        assert method["method"] == "pyrite.echo.Echo/Echo"
        assert method["began"] == "3" and method["ended"] == ["3"], method
        info = json.loads(echo.call(0, "pyrite.Daemon/Info", {}).stdout)
        assert info["processId"] == echo.process.pid


def O4_who_scrapes_badly_hurts_nobody():
    with Echo() as echo:
        for path, wanted in (("/", 404), ("/metrics/x", 404), ("/metrics?x=%00", 200)):
            asked = http.client.HTTPConnection("127.0.0.1", echo.port, timeout=30)
            asked.request("GET", path)
            assert asked.getresponse().status == wanted, path
            asked.close()
        for method in ("POST", "DELETE", "BREW"):
            asked = http.client.HTTPConnection("127.0.0.1", echo.port, timeout=30)
            asked.request(method, "/metrics", "x" * 100)
            assert asked.getresponse().status >= 400, method
            asked.close()
        idle = [socket.create_connection(("127.0.0.1", echo.port)) for _ in range(200)]
        for connection in idle:
            connection.sendall(b"GET /met")
        gone = []
        for junk in (b"\0" * 100, b"GET /metrics HTTP/1.1\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
                     b"POST /metrics HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"\r\n" * 5000):
            gone.append(socket.create_connection(("127.0.0.1", echo.port)))
            try:
                gone[-1].sendall(junk)
            except OSError:
                pass  # it may be refused before all was sent
        for _ in range(50):  # asked for and never read
            with socket.create_connection(("127.0.0.1", echo.port)) as rude:
                rude.sendall(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        echo.call(0, "Echo", {"text": "a"})
        assert value(echo.scrape()["pyrite_calls_ended"], method="pyrite.echo.Echo/Echo", status="OK") == 1
        for connection in idle + gone:
            connection.close()


def O4_a_taken_or_wrong_address_is_said():
    with Echo() as echo:
        for address, status, text in ((f"127.0.0.1:{echo.port}", "UNAVAILABLE", "in use"),
                                      ("unix:/tmp/x", "INVALID_ARGUMENT", "HOST:PORT"),
                                      ("nonsense", "INVALID_ARGUMENT", "nonsense")):
            done = subprocess.run([pyrite, "echo", "--metrics", address], capture_output=True, text=True, timeout=30)
            assert done.returncode == 1 and status in done.stderr and text in done.stderr, done


def O4_top_shows_calls_and_errors():
    with Echo() as echo:
        for _ in range(4):
            echo.call(0, "Echo", {"text": "a"})
        echo.call(1, "Fail", {"status": 5, "message": "none"})
        lines = echo.top("--count", "1", "--prefix", "pyrite.echo.").splitlines()
        assert echo.reference in lines[0] and "connections" in lines[1], lines
        assert lines[3].split() == ["calls/s", "errors/s", "running", "p50", "p99", "calls", "method"]
        rows = {line.split()[-1]: line.split() for line in lines[4:] if line}
        assert rows["pyrite.echo.Echo/Echo"][-2] == "4" and float(rows["pyrite.echo.Echo/Echo"][1]) == 0
        assert rows["pyrite.echo.Echo/Fail"][-2] == "1" and float(rows["pyrite.echo.Echo/Fail"][1]) > 0
        first, second = [json.loads(line) for line in
                         echo.top("--count", "2", "--interval", "0.1", "--json").splitlines()]
        methods = {m["method"]: m for m in first["methods"]}
        assert methods["pyrite.echo.Echo/Echo"]["calls"] == 4
        assert methods["pyrite.echo.Echo/Fail"]["errors"] == 1
        assert methods["pyrite.echo.Echo/Echo"]["p50_us"] > 0
        methods = {m["method"]: m for m in second["methods"]}
        assert methods["pyrite.echo.Echo/Echo"]["calls"] == 4
        assert methods["pyrite.echo.Echo/Echo"]["calls_per_s"] == 0
        assert methods["pyrite.Daemon/GetStatistics"]["calls_per_s"] > 0
        assert 0.1 <= second["seconds"] < first["uptime_s"] + 30


def O4_top_draws_in_place_until_ctrl_c():
    with Echo() as echo:
        process, terminal = pty.fork()
        if process == 0:
            os.environ["TERM"] = "xterm"
            os.execv(pyrite, [pyrite, "top", echo.reference, "--interval", "0.05"])
        seen = b""
        while seen.count(b"\x1b[H\x1b[J") < 3:
            seen += os.read(terminal, 65536)
        os.write(terminal, b"\x03")
        try:
            while os.read(terminal, 65536):
                pass
        except OSError:
            pass  # the other side of the terminal has been closed
        assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
        os.close(terminal)


def O4_top_of_nothing_fails():
    done = subprocess.run([pyrite, "top", "pyr:x@unix:@pyrite-nobody-is-here"], capture_output=True, text=True,
                          timeout=30)
    assert done.returncode == 1 and "UNAVAILABLE" in done.stderr, done
    done = subprocess.run([pyrite, "top", "pyr:x@unix:@a", "--interval", "0"], capture_output=True, text=True,
                          timeout=30)
    assert done.returncode == 2 and "--interval" in done.stderr, done


for name, test in list(globals().items()):
    if name.startswith("O4_"):
        test()
        print("ok", name)
