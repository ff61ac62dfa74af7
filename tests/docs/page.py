# SPDX-License-Identifier: Apache-2.0
"""A page of Markdown, taken apart into its code blocks and the comments that say what they are.

Before a fence may stand, as HTML comments that no reader sees:

    <!-- file: server.c -->         the block is this file
    <!-- use: examples/a/b.proto --> files of the source tree that the page's code needs
    <!-- given: C declarations -->  what the fragments of C from here on assume; any number of lines
    <!-- run: commands -->          what a reader has done before, any number of lines
    <!-- numbers vary -->           numbers, their units of time and the spaces beside them are not as shown
    <!-- fails -->                  the last command of the block ends with another status than 0
    <!-- not run: why -->           the block is looked at as far as that goes, and counted
    <!-- drawings -->               for the whole page: what is indented is a drawing, and no code
"""
import re
from dataclasses import dataclass, field

COMMENT = re.compile(r"<!-- (file|use|given|run|numbers vary|fails|not run|drawings|refused)(?::\s*(.*?))?\s*-->", re.S)
FENCE = re.compile(r"```(\S*)\s*$")
SPAN = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(([^):\s]+)\)")


class Wrong(Exception):
    """What is wrong with a page, and in which line."""

    def __init__(self, line, text):
        super().__init__(text)
        self.line = line


@dataclass
class Block:
    line: int  # of the first line of its text
    language: str
    text: str = ""
    marks: dict = field(default_factory=dict)


@dataclass
class Page:
    blocks: list
    links: list  # (line, target)
    spans: list  # (line, code within a sentence)
    drawings: bool  # indented lines are no code
    refused: str  # what a page that must be refused is refused for, or ""
    drawn: int = 0  # blocks that are drawings


def anchors(path):
    """What a link to a heading of this page may end with."""
    headings = re.findall(r"(?m)^#+ (.*)$", path.read_text())
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _marks(lines, at, marks):
    """Takes the comment that begins at this line; returns the line after it."""
    end = at
    while "-->" not in lines[end]:
        end += 1
        if end == len(lines):
            raise Wrong(at + 1, "a comment that does not end")
    found = COMMENT.fullmatch("\n".join(lines[at:end + 1]).strip())
    if not found:
        raise Wrong(at + 1, "a comment that check.py does not know: see tests/docs/page.py")
    if found[1] in ("file", "not run") and not found[2]:
        raise Wrong(at + 1, f"'{found[1]}:' needs a word")
    marks[found[1]] = found[2] or ""
    return end + 1


def _fence(lines, at, language, marks):
    """The block whose fence is at this line; returns it and the line after it."""
    end = at + 1
    while end < len(lines) and not lines[end].startswith("```"):
        end += 1
    if end == len(lines):
        raise Wrong(at + 1, "a fence that does not end")
    if not language:
        raise Wrong(at + 1, "a block that does not say what it is: ```c, ```sh, or ```text for no code")
    return Block(at + 2, language, "\n".join(lines[at + 1:end]) + "\n", marks), end + 1


def read(path):
    lines = path.read_text().split("\n")
    page = Page([], [], [], False, "")
    marks, at, in_list, blank = {}, 0, False, True
    while at < len(lines):
        line = lines[at]
        fence = FENCE.match(line)
        if line.startswith("<!--"):
            at = _marks(lines, at, marks)
            page.refused = marks.pop("refused", page.refused)
            page.drawings = page.drawings or "drawings" in marks
            marks.pop("drawings", None)
            continue
        if fence:
            block, at = _fence(lines, at, fence[1], marks)
            page.blocks.append(block)
            marks, blank = {}, False
            continue
        if line.strip() and set(marks) - {"use", "given", "run"}:
            raise Wrong(at + 1, "a comment for a code block, and none follows")
        if re.match(r"( {4}|\t)\S", line) and blank and not in_list:
            if not page.drawings:
                raise Wrong(at + 1, "an indented block is not checked: put it between fences")
            page.drawn += 1
        if line.strip() and not line.startswith(" "):
            in_list = bool(re.match(r"([-*]|\d+\.) ", line))
        blank = not line.strip()
        page.spans += [(at + 1, span) for span in SPAN.findall(line)]
        page.links += [(at + 1, target) for target in LINK.findall(line)]
        at += 1
    if marks:
        raise Wrong(len(lines), "a comment for a code block, and none follows")
    return page
