#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# usage: check.py SOURCE_DIR PREFIX CC [--refused] PAGE.md...
"""Pages say what is so: their code compiles against the package installed in PREFIX, their commands
run and print what is shown, and the files that they link to exist. page.py says how a page tells
what a block is. Nothing is left out silently: what cannot be checked is marked, and counted here.
With --refused each page is wrong, and has to be refused for the reason in its first line."""
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import page
from page import Wrong
from shell import Shell, commands

WARNINGS = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter"]
LOOSE = ["-Wno-unused-variable", "-Wno-unused-but-set-variable", "-Wno-unused-function"]
WORDS = {"text", "abnf", "json"}  # no code


class Checker:
    """One page, with a scratch folder of its own."""

    def __init__(self, path, source, prefix, cc):
        self.path, self.source, self.prefix, self.cc = path, source, prefix, cc
        self.page = page.read(path)
        self.counts = collections.Counter({"drawings": self.page.drawn} if self.page.drawn else {})
        self.given = ""

    def _environment(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith("PYRITE_")}
        libraries = next(self.prefix.glob("lib*/**/pkgconfig")).parent
        env.update(
            PATH=f"{self.prefix}/bin:/usr/bin:{env['PATH']}", CC=self.cc, CMAKE_PREFIX_PATH=str(self.prefix),
            PKG_CONFIG_PATH=str(libraries / "pkgconfig"), LD_LIBRARY_PATH=str(libraries),
            PYRITE_NS=f"unix:{self.top}/ns", LC_ALL="C.UTF-8")
        return env

    def _tool(self, line, *words, cwd=None):
        done = subprocess.run(
            words, cwd=cwd or self.folder, env=self.environment, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=300, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise Wrong(line, f"{' '.join(map(str, words[:2]))}...\n{done.stdout[-3000:]}")
        return done.stdout

    def _generate(self, line, name):
        includes = self._tool(line, "pkg-config", "--variable=includedir", "pyrite").strip()
        self._tool(line, "protoc", "-I.", f"-I{includes}", f"--pyrite_out={self.generated}", name)

    def _put(self, line, name, text):
        """A file of the page, which must at least compile."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        if name.endswith(".proto"):
            self._generate(line, name)
        elif name.endswith(".c"):
            self._compile(line, target, [])

    def _compile(self, line, path, options):
        flags = self._tool(line, "pkg-config", "--cflags", "pyrite").split()
        self._tool(line, self.cc, "-c", "-o", "/dev/null", *WARNINGS, *options, "-I.", f"-I{self.generated}", *flags, path)

    def _fragment(self, block):
        """Lines of C: at file scope if they have functions, else inside one."""
        whole = "\n{\n" in block.text
        body = f'#line {block.line} "{self.path.name}"\n{block.text}'
        if not whole:
            body = f"void fragment(void);\nvoid fragment(void)\n{{\n{body}}}\n"
        path = self.top / f"fragment{block.line}.c"
        path.write_text(f"#include <pyrite/pyrite.h>\n{self.given}\n{body}")
        self._compile(block.line, path, LOOSE)

    def _cmake(self, block):
        """Lines of a CMakeLists.txt, beside the page's files."""
        folder = self.top / f"cmake{block.line}"
        shutil.copytree(self.folder, folder)
        (folder / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.25)\nproject(page LANGUAGES C)\n" + block.text)
        self._tool(block.line, "cmake", "-S.", "-Bbuild", cwd=folder)
        self._tool(block.line, "cmake", "--build", "build", cwd=folder)

    def _options(self, number, text):
        """Whether `pyrite` has the options in these commands."""
        for line in re.sub(r"\\\n", " ", text).split("\n"):
            found = re.search(r"(?<![-/.\w])pyrite ((?:names |bench )?[a-z]+)(.*)", line.split("#")[0])
            if not found:
                continue
            has = self._tool(number, "pyrite", *found[1].split(), "--help")
            for option in re.findall(r"(?<=\s)--[a-z-]+", found[2]):
                if option != "--help" and not re.search(f"^  {option} ", has, re.M):
                    raise Wrong(number, f"'pyrite {found[1]}' has no option {option}")

    def _known(self, block):
        """Commands that are not run: their syntax and options."""
        text = "\n".join(command for _, command, _ in commands(block))
        path = self.top / "syntax.sh"
        path.write_text(text + "\n")
        self._tool(block.line, "bash", "-n", path)
        self._options(block.line, text)

    def _spans(self):
        """Names and commands within sentences: there are such."""
        headers = "\n".join(path.read_text() for path in self.prefix.glob("include/pyrite/*.h"))
        names = set(re.findall(r"\bpyr_\w+|\bPYR_\w+", headers))
        for line, span in self.page.spans:
            for name in re.findall(r"\bpyr_\w+|\bPYR_\w+", span):
                # "pyr_stub_" stands for all that begin so
                if name not in names and not (name.endswith("_") and any(n.startswith(name) for n in names)):
                    raise Wrong(line, f"there is no {name} in Pyrite's headers")
            self._options(line, span)
            self.counts["names and commands in sentences"] += bool(re.search(r"pyr_|PYR_|\bpyrite ", span))

    def _commands(self, block):
        found = commands(block)
        for i, (line, command, shown) in enumerate(found):
            fails = "fails" in block.marks and i == len(found) - 1
            self.shell.run(line, command, shown, fails, "numbers vary" in block.marks)
        self.counts["commands run"] += len(found)

    def _python(self, block):
        try:
            compile(block.text, str(self.path), "exec")
        except SyntaxError as error:
            raise Wrong(block.line + error.lineno - 1, error.msg) from None

    def _block(self, block):
        for name in block.marks.get("use", "").split():
            self._put(block.line, pathlib.Path(name).name, (self.source / name).read_text())
        self.given = block.marks.get("given", self.given)
        if "run" in block.marks:
            self.shell.run(block.line, f"set -e\n{block.marks['run']}\nset +e")
        language = block.language
        if "not run" in block.marks:
            if language == "sh":
                self._known(block)
            self.counts["not run"] += 1
            print(f"{self.path.name}:{block.line}: not run: {block.marks['not run']}")
        elif "file" in block.marks:
            self._put(block.line, block.marks["file"], block.text)
            self.counts["files"] += 1
        elif language == "sh":
            self._commands(block)
        elif language == "c":
            self._fragment(block)
            self.counts["fragments of C"] += 1
        elif language == "cmake":
            self._cmake(block)
            self.counts["fragments of CMake"] += 1
        elif language == "proto":
            self._put(block.line, f"block{block.line}.proto", block.text)
            self.counts["fragments of .proto"] += 1
        elif language == "python":
            self._python(block)
            self.counts["Python, syntax only"] += 1
        elif language in WORDS:
            self.counts["texts"] += 1
        else:
            raise Wrong(block.line, f"check.py does not know the language '{language}'")

    def check(self):
        for line, link in self.page.links:
            name, _, anchor = link.partition("#")
            target = self.path.parent / name if name else self.path
            if not target.exists() or anchor and anchor not in page.anchors(target):
                raise Wrong(line, f"a link to {link}, which does not exist")
        with tempfile.TemporaryDirectory(prefix="docs") as top:
            self.top = pathlib.Path(top)
            self.folder, self.generated, outputs = (self.top / n for n in ("page", "generated", "outputs"))
            for folder in (self.folder, self.generated, outputs):
                folder.mkdir()
            self.environment = self._environment()
            self._spans()
            self.shell = Shell(self.folder, outputs, self.environment)
            try:
                for block in self.page.blocks:
                    self._block(block)
                self.shell.end()
            finally:
                self.shell.kill()
        print(f"{self.path.name}: " + (", ".join(f"{n} {what}" for what, n in self.counts.items()) or "no blocks"))


def check(path, source, prefix, cc, refused):
    """True if the page is as it should be."""
    reason = re.match(r"<!-- refused: (.*) -->", path.read_text()) if refused else None
    try:
        Checker(path, source, prefix, cc).check()
    except Wrong as wrong:
        told = f"{path}:{wrong.line}: {wrong}"
        if reason and re.search(reason[1], told):
            print(f"refused, as it should be: {told}")
            return True
        print(told)
        return False
    if refused:
        print(f"{path}: was not refused")
    return not refused


def main(source, prefix, cc, *words):
    refused = "--refused" in words
    pages = [pathlib.Path(word).resolve() for word in words if word != "--refused"]
    results = [check(path, pathlib.Path(source), pathlib.Path(prefix), cc, refused) for path in pages]
    sys.exit(0 if pages and all(results) else 1)


sys.stdout.reconfigure(line_buffering=True)
main(*sys.argv[1:])
