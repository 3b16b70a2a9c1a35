# SPDX-License-Identifier: Apache-2.0
"""The examples of the documents, as the tests find them: fenced blocks with their language, and the heading above."""

import dataclasses
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]


@dataclasses.dataclass
class Block:
    heading: str  # the nearest one above, of level 2
    language: str
    file: str  # of ```python first.py, the name
    text: str
    page: str
    line: int


def blocks(page):
    """The fenced blocks of a page, a path from the project's root."""
    found, heading, fence = [], "", None
    for number, line in enumerate((ROOT / page).read_text().splitlines(), 1):
        if fence is None and line.startswith("```"):
            language, _, file = line[3:].partition(" ")
            fence = Block(heading, language, file, "", str(page), number)
        elif fence is not None and line.startswith("```"):
            found.append(fence)
            fence = None
        elif fence is not None:
            fence.text += line + "\n"
        elif match := re.match(r"## (.*)", line):
            heading = match[1]
    return found


def pages():
    return ["README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))]
