#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# usage: config.py PYRITE DOCS/CONFIGURATION.MD
"""pyrite config: what it prints and refuses, and that the page in docs/ has the same table."""
import json
import os
import subprocess
import sys

pyrite, page = sys.argv[1:]
bare = {name: value for name, value in os.environ.items() if not name.startswith("PYRITE_")}


def run(status, *words, **variables):
    done = subprocess.run([pyrite, *words], env={**bare, **variables}, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, (words, variables, done)
    return done


def O2_config_prints_value_source_and_help():
    variables = {v["name"]: v for v in json.loads(run(0, "config", "--json", PYRITE_TIMEOUT="250ms").stdout)}
    assert variables["PYRITE_TIMEOUT"]["value"] == "250ms"
    assert variables["PYRITE_TIMEOUT"]["source"] == "environment"
    assert variables["PYRITE_LOG"]["value"] == "warning"
    assert variables["PYRITE_LOG"]["source"] == "default"
    text = run(0, "config", PYRITE_TIMEOUT="250ms").stdout
    assert "PYRITE_TIMEOUT=250ms  (environment)" in text
    for name, variable in variables.items():
        assert name + "=" in text and variable["help"] in text, name


def O2_config_never_prints_the_token():
    for words in (["config"], ["config", "--json"]):
        for token in ("hush-hush", "two words-hush"):
            done = run(0 if " " not in token else 2, *words, PYRITE_TOKEN=token)
            assert "hush" not in done.stdout + done.stderr, done
    variables = json.loads(run(0, "config", "--json", PYRITE_TOKEN="hush").stdout)
    token, = [v for v in variables if v["name"] == "PYRITE_TOKEN"]
    assert token["value"] is None and token["source"] == "environment" and token["secret"]


def O2_a_bad_environment_is_exit_status_2():
    for command in (["config"], ["version"], ["ping", "pyr:x@127.0.0.1:1"], ["names", "list"], ["bench", "serve"]):
        done = run(2, *command, PYRITE_TIMEOT="1s")
        assert "PYRITE_TIMEOT" in done.stderr and "is it PYRITE_TIMEOUT?" in done.stderr, done
        done = run(2, *command, PYRITE_TIMEOUT="soon")
        assert "PYRITE_TIMEOUT" in done.stderr and "1ms to 24h" in done.stderr, done
    run(0, "--help", PYRITE_TIMEOT="1s")
    run(0, "ping", "--help", PYRITE_TIMEOT="1s")


def O2_the_page_has_the_same_table():
    told = {}
    for line in open(page, encoding="utf-8"):
        cells = [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]
        if cells[0].startswith("PYRITE_") and len(cells) == 4:
            told[cells[0]] = cells[1:]
    for v in json.loads(run(0, "config", "--json").stdout):
        assert told.pop(v["name"], None) == [v["default"], v["allowed"], v["help"]], v
    assert not told, told


O2_config_prints_value_source_and_help()
O2_config_never_prints_the_token()
O2_a_bad_environment_is_exit_status_2()
O2_the_page_has_the_same_table()
print("config: all as expected")
