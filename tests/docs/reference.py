#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# usage: reference.py SOURCE_DIR LIBRARY
"""The reference has every function that the library exports, with a text, and its links lead somewhere."""
import html.parser
import pathlib
import subprocess
import sys
import tempfile

source, library = sys.argv[1:]
VOID = {"meta"}


class Page(html.parser.HTMLParser):
    """The anchors and links of a page, whose tags have to match; and the text of each section."""

    def __init__(self, path):
        super().__init__()
        self.anchors, self.links, self.open, self.texts, self.here = set(), [], [], {}, []
        self.feed(path.read_text())
        assert not self.open, (path, self.open)

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        if tag == "section":
            self.here = []
        attrs = dict(attrs)
        if "id" in attrs:
            assert attrs["id"] not in self.anchors, attrs
            self.anchors.add(attrs["id"])
            self.here.append(attrs["id"])
            self.texts[attrs["id"]] = ""
        if "href" in attrs:
            self.links.append(attrs["href"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data):
        if {"p", "li"} & set(self.open) or "/*" in data:
            for name in self.here:
                self.texts[name] += data


def generate(include, out):
    return subprocess.run([sys.executable, f"{source}/docs/reference.py", include, out], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)


def every_function_is_there(top):
    done = generate(f"{source}/include", top)
    assert done.returncode == 0, done.stdout
    pages = {path.name: Page(path) for path in top.glob("*.html")}
    symbols = subprocess.run(["nm", "-D", "--defined-only", library], check=True, text=True, stdout=subprocess.PIPE)
    names = {line.split()[-1].split("@")[0] for line in symbols.stdout.split("\n") if " T pyr_" in line}
    assert len(names) > 80, names
    for name in names:
        texts = [page.texts[name] for page in pages.values() if name in page.anchors]
        assert len(texts) == 1 and len(texts[0]) > 10, (name, texts)
    for name, page in pages.items():
        for link in page.links:
            target, _, anchor = link.partition("#")
            assert target in pages and (not anchor or anchor in pages[target].anchors), (name, link)
    index = pages["index.html"]
    assert {link.partition("#")[2] for link in index.links} >= names
    print(done.stdout, end="")


def refused(top, text, message):
    """A header with this in it makes no reference."""
    folder = top / "wrong" / "pyrite"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "wrong.h").write_text(f"/* SPDX */\n/* A header. */\n\n{text}\n")
    done = generate(folder.parent, top / "out")
    assert done.returncode != 0 and message in done.stdout, done
    assert not (top / "out").exists()


with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    every_function_is_there(folder)
    refused(folder, "/* This is told. */\nPYR_API int pyr_told(void);\n\nPYR_API int pyr_silent(int a);",
            "pyrite/wrong.h: pyr_silent() has no comment")
    refused(folder, "typedef int (*pyr_fn)(void);\nPYR_API PYR_MUST_USE pyr_status pyr_silent(\n\tint a);",
            "pyrite/wrong.h: pyr_silent() has no comment")
    refused(folder, "int a", "cannot be read: 'int a")
