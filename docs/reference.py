#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# usage: reference.py INCLUDE_DIR OUT_DIR
"""Makes OUT_DIR/index.html, and a page for each header of INCLUDE_DIR/pyrite, from the headers: the
declarations, and the comments above or behind them. Declarations without an empty line between them
are a group, and share the comment above. Fails if a function has no comment."""
import html
import pathlib
import re
import sys

TOKEN = re.compile(r"""
      (?P<comment>/\*.*?\*/)
    | (?P<blank>\n[ \t]*(?=\n))
    | (?P<define>^\#(?:[^\n]*\\\n)*[^\n]*)
    | (?P<skip>PYR_(?:BEGIN|END)_DECLS)
    | (?P<code>[^\s/#][^;{]*(?:\{(?:[^{}]|\{[^{}]*\})*\}[^;]*)?;)
    | (?P<space>\s)""", re.X | re.S | re.M)
FUNCTION = re.compile(r"(\w+)\((?![^()]*\)\s*\()")  # its name, before the parameters
STYLE = """body{max-width:50em;margin:2em auto;padding:0 1em;font:16px/1.5 sans-serif}
pre{background:#f4f4f4;padding:.6em;overflow-x:auto;line-height:1.35}h3{margin:2em 0 0}
section{border-top:1px solid #ddd;padding-top:.6em;margin-top:1.6em}a{text-decoration:none}"""


class Item:
    """One declaration, with the comment behind it."""

    def __init__(self, code):
        self.code, self.comment = code, ""
        words = re.sub(r"/\*.*?\*/", " ", code, flags=re.S)
        self.function = None
        if words.startswith("#"):
            self.names = re.findall(r"^#define (\w+)", words)
        elif re.match(r"(typedef )?(struct|enum) ", words) and not words.startswith("PYR_API"):
            body = re.search(r"\{.*\}", words, re.S)
            self.names = re.findall(r"(\w+);$", words) or re.findall(r"^struct (\w+)", words)
            if body and " enum " in " " + words:
                self.names += re.findall(r"\bPYR_\w+", body[0])
            if words.startswith("struct"):
                self.names = re.findall(r"^struct (\w+)", words)
        elif words.startswith("typedef"):
            self.names = re.findall(r"\(\*(\w+)\)", words) or re.findall(r"(\w+);$", words)
        else:
            plain = re.sub(r"PYR_(MUST_USE|PRINTF\([^)]*\))", "", words)
            self.names = FUNCTION.findall(plain)[:1]
            self.function = self.names[0] if words.startswith("PYR_API") and self.names else None


class Group:
    def __init__(self):
        self.comments, self.items = [], []


def words_of(comment):
    """A comment's text, without what makes it one."""
    return "\n".join(re.sub(r"^\s*\* ?", "", line) for line in comment[2:-2].split("\n")).strip()


def groups_of(text):
    """The groups of a header; a comment alone is a group too."""
    groups, at, line_has_item = [Group()], 0, False
    while at < len(text):
        found = TOKEN.match(text, at)
        if not found:
            raise ValueError(f"cannot be read: {text[at:at + 60]!r}")
        at, kind, now = found.end(), found.lastgroup, groups[-1]
        if kind == "blank":
            groups.append(Group())
        elif kind == "comment" and line_has_item:
            now.items[-1].comment = words_of(found[0])
        elif kind == "comment":
            if now.items:  # the next group, without an empty line before
                groups.append(Group())
            groups[-1].comments.append(words_of(found[0]))
        elif kind == "code" or kind == "define" and re.match(r"#define \w+(?!_H$)", found[0]):
            now.items.append(Item(found[0]))
        line_has_item = kind in ("code", "define") and bool(now.items) or line_has_item and "\n" not in found[0]
    return [group for group in groups if group.comments or group.items]


class Header:
    def __init__(self, path):
        self.name = "pyrite/" + path.name
        self.page = path.stem + ".html"
        text = re.sub(r"^#(ifndef|ifdef|if|else|endif|include|undef)\b[^\n]*\n|^#define PYRITE_\w+_H\n", "\n",
                      path.read_text(), flags=re.M)
        text = text.split("\n", 1)[1]  # the licence
        self.groups = groups_of(text)
        self.about = self.groups[0].comments.pop(0)
        self.groups = [group for group in self.groups if group.comments or group.items]

    def functions(self):
        return [item for group in self.groups for item in group.items if item.function]

    def silent(self):
        """Functions without a comment."""
        return [item.function for group in self.groups for item in group.items
                if item.function and not group.comments and not item.comment]


class Reference:
    def __init__(self, headers):
        self.headers = headers
        self.places, self.anchored = {}, set()
        for header in headers:
            for group in header.groups:
                for item in group.items:
                    for name in item.names:
                        self.places.setdefault(name, f"{header.page}#{name}")

    def linked(self, text, but=()):
        """Text as HTML, in which every name leads to where it is."""
        def link(found):
            place = self.places.get(found[0])
            return f'<a href="{place}">{found[0]}</a>' if place and found[0] not in but else found[0]
        text = re.sub(r"\b(?:PYR|pyr)_\w+\b", link, html.escape(text, quote=False))
        for header in self.headers:
            text = re.sub(rf"(?<![\w/&]){re.escape(header.name)}", f'<a href="{header.page}">{header.name}</a>', text)
        return text

    def paragraphs(self, comment):
        out = []
        for paragraph in re.split(r"\n\s*\n|\n(?=\s*- )", comment):
            if paragraph.startswith("    "):
                out.append(f"<pre>{self.linked(re.sub('(?m)^    ', '', paragraph))}</pre>")
                continue
            tag = "li" if paragraph.lstrip().startswith("- ") else "p"
            words = " ".join(paragraph.split())
            out.append(f"<{tag}>{self.linked(words[2:] if tag == 'li' else words)}</{tag}>")
        return re.sub(r"<li>.*</li>", r"<ul>\g<0></ul>", "\n".join(out), flags=re.S)

    def group(self, group):
        names = [name for item in group.items for name in item.names]
        new = [name for name in dict.fromkeys(names) if name not in self.anchored]  # PYR_API may be defined twice
        self.anchored.update(new)
        anchors = "".join(f'<a id="{name}"></a>' for name in new)
        code = "\n".join(item.code + (f" /* {item.comment} */" if item.comment else "") for item in group.items)
        code = re.sub(r"PYR_API (PYR_MUST_USE )?", "", code).expandtabs(8)
        title = ", ".join(item.names[0] for item in group.items if item.names)
        return (f"<section>{anchors}" + (f"<h3>{title}</h3>" if title else "") +
                (f"<pre>{self.linked(code, names)}</pre>" if code else "") +
                "\n".join(self.paragraphs(comment) for comment in group.comments) + "</section>")

    def page(self, title, body):
        return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
                f"<style>{STYLE}</style></head><body>\n{body}\n</body></html>\n")

    def index(self):
        body = ["<h1>Pyrite: reference</h1>"]
        for header in self.headers:
            body.append(f'<h2><a href="{header.page}">{header.name}</a></h2>{self.paragraphs(header.about)}<p>')
            body.append(" ".join(self.linked(item.function) for item in header.functions()) + "</p>")
        return self.page("Pyrite: reference", "\n".join(body))

    def write(self, out):
        out.mkdir(parents=True, exist_ok=True)
        (out / "index.html").write_text(self.index())
        for header in self.headers:
            body = (f'<p><a href="index.html">Pyrite: reference</a></p><h1>{header.name}</h1>'
                    f"{self.paragraphs(header.about)}\n" + "\n".join(map(self.group, header.groups)))
            (out / header.page).write_text(self.page(header.name, body))


def main(include, out):
    headers = []
    for path in sorted(pathlib.Path(include, "pyrite").glob("*.h")):
        try:
            headers.append(Header(path))
        except ValueError as error:
            sys.exit(f"{path}: {error}")
    silent = [f"{header.name}: {name}() has no comment" for header in headers for name in header.silent()]
    if silent or not headers:
        sys.exit("\n".join(silent) or f"there is no header in {include}/pyrite")
    Reference(headers).write(pathlib.Path(out))
    print(f"{sum(len(h.functions()) for h in headers)} functions of {len(headers)} headers")


main(*sys.argv[1:])
