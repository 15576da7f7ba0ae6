#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Joins the pages of a documentation site with its API, and checks the links of both.

usage: doc_site.py SITE

SITE holds the pages, which Sphinx has made, and rustdoc/, with the API. What the pages name in literals
becomes a link to the API, if one public item has that name. The API gets a link back, and links to the
pages that it names. A link to a file or to an anchor that does not exist fails.
"""

from __future__ import annotations

import os
import re
import sys
from collections import defaultdict
from functools import cache
from html import escape, unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

CRATE = "dma_map"
# Sphinx's literals, and names of pages; with what says whether they are in a link already.
_PARTS = re.compile(r'<a\b[^>]*>|</a>|<code class="docutils literal notranslate">(.*?)</code>'
                    r"|(?<=[\s(])Documentation/dma_map/[\w-]+\.rst", re.S)
_TAG = re.compile(r"<[^>]*>")
_ITEM = re.compile(r'<li><a href="([^"]+)">([^<]+)</a></li>')
_NAME = re.compile(r"([A-Z]\w*|[a-z]\w*::[A-Z]?\w+|\w+!)(?:::(\w+))?(?:\(\))?")
_PAGE = re.compile(r"Documentation/dma_map/([\w-]+)\.rst")
_NAMED_PAGE = re.compile(rf"(?<!\">)<code>{_PAGE.pattern}</code>")
_ANCHORS = re.compile(r"""\b(?:id|name)=(?:"([^"]*)"|'([^']*)'|([^\s>"']+))""")
# Kinds of what belongs to an item, as rustdoc calls their anchors.
_MEMBERS = ("method", "tymethod", "variant", "associatedconstant", "structfield", "associatedtype")
# rustdoc links to methods of traits that are hidden, and copies the text of others' methods with their
# links. It loads a script also where a trait is implemented nowhere else.
_RUSTDOCS = re.compile(r"(^|/)trait\.\w+\.html#(ty)?method\.\w+$|^#(ty)?method\.\w+$|/trait\.impl/.*\.js$")
# rustdoc's links into the other crates, and the pages that it leaves where an item was moved from.
_FOREIGN = re.compile(r'<a\b[^>]*\bhref="((?:\.\./)+(?!dma_map/)\w+/[^"#]*\.html)[^"]*"[^>]*>(.*?)</a>', re.S)
_MOVED = re.compile(r'<meta http-equiv="refresh" content="0;URL=([^"]+)">')
_SIDEBAR = re.compile(r'(<nav class="sidebar">)')


@cache
def anchors(path: Path) -> frozenset[str]:
    """The anchors of a file."""
    text = path.read_text(errors="replace")
    return frozenset(unescape("".join(found)) for found in _ANCHORS.findall(text))


@cache
def moved_to(path: Path) -> Path:
    """Where a browser is sent that opens a file, with the anchor: to itself, as a rule."""
    found = _MOVED.search(path.read_text(errors="replace")[:1000])
    return Path(os.path.normpath(path.parent / found.group(1))) if found else path


class Items:
    """The public items of the crate, by the names that a page calls them by."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._by_name: dict[str, set[str]] = defaultdict(set)
        for href, path in _ITEM.findall((folder / "all.html").read_text()):
            name = unescape(path)
            mark = "!" if Path(href).name.startswith("macro.") else ""
            self._by_name[name.rpartition("::")[2] + mark].add(href)
            if "::" in name:
                self._by_name[name + mark].add(href)

    def __len__(self) -> int:
        return len(set().union(*self._by_name.values()))

    def href(self, literal: str) -> str | None:
        """Where a literal leads to, from the folder of the crate."""
        found = _NAME.fullmatch(literal)
        if found is None:
            return None
        hrefs = self._by_name.get(found.group(1), set())
        # An item that is exported twice has a page in each module. Kinds differ only if items do.
        if len({Path(href).name for href in hrefs}) != 1:
            return None
        href = min(hrefs, key=lambda href: (href.count("/"), href))
        if found.group(2) is None:
            return href
        here = anchors(self._folder / href)
        members = (f"{kind}.{found.group(2)}" for kind in _MEMBERS)
        return next((f"{href}#{member}" for member in members if member in here), None)


def link_literals(text: str, items: Items, pages: set[str]) -> tuple[str, int]:
    """Links literals of a page to what they name. Returns the page and the number of links."""
    count = 0
    inside = False

    def put(found: re.Match[str]) -> str:
        nonlocal count, inside
        if found.group(0).startswith(("<a", "</a")):
            inside = found.group(0) != "</a>"
            return found.group(0)
        literal = unescape(_TAG.sub("", found.group(1) or found.group(0)))
        href = items.href(literal)
        page = _PAGE.fullmatch(literal)
        if href is not None:
            href = f"rustdoc/{CRATE}/{href}"
        elif page is not None and page.group(1) in pages:
            href = f"{page.group(1)}.html"
        if href is None or inside:
            return found.group(0)
        count += 1
        return f'<a class="reference internal" href="{escape(href)}">{found.group(0)}</a>'

    return _PARTS.sub(put, text), count


def without_hidden(text: str, folder: Path) -> str:
    """Turns links to what another crate hides into text: it has no page there."""

    def put(found: re.Match[str]) -> str:
        return found.group(0) if (folder / found.group(1)).is_file() else found.group(2)

    return _FOREIGN.sub(put, text)


def link_back(text: str, up: str, pages: set[str]) -> tuple[str, int]:
    """Links a page of the API to the pages: to their index, and to those that it names."""
    count = 0

    def put(found: re.Match[str]) -> str:
        nonlocal count
        if found.group(1) not in pages:
            return found.group(0)
        count += 1
        return f'<a href="{up}{found.group(1)}.html">{found.group(0)}</a>'

    text = _NAMED_PAGE.sub(put, text)
    back = f'<h3 style="margin: 0.7rem 0 1rem 1.5rem"><a href="{up}index.html">Pages of {CRATE}</a></h3>'
    return _SIDEBAR.sub(rf"\g<1>{back}", text, count=1), count


class Links(HTMLParser):
    """The links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in ("href", "src") and value]


def complaint(page: Path, link: str) -> str | None:
    """What is wrong with a link; nothing if it leads somewhere, or out of the site."""
    if re.match(r"[a-z]+:|//", link) or _RUSTDOCS.search(link):
        return None
    path, _, anchor = link.partition("#")
    path = path.partition("?")[0]
    target = Path(os.path.normpath(page.parent / unquote(path))) if path else page
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return f"{link}: no such file"
    # rustdoc's script reads a range of lines.
    anchor = re.sub(r"^(\d+)-\d+$", r"\1", anchor)
    if not anchor or target.suffix != ".html":
        return None
    target = moved_to(target)
    if not {anchor, unquote(anchor)} & anchors(target):
        return f"{link}: no such anchor"
    return None


def join(site: Path) -> None:
    crate = site / "rustdoc" / CRATE
    items = Items(crate)
    pages = {path.stem for path in site.glob("*.html")} - {"genindex", "search"}
    there = back = 0
    for name in sorted(pages):
        path = site / f"{name}.html"
        text, count = link_literals(path.read_text(), items, pages)
        path.write_text(text)
        there += count
    for path in sorted(crate.rglob("*.html")):
        up = "../" * len(path.relative_to(site).parts[1:])
        text, count = link_back(without_hidden(path.read_text(), path.parent), up, pages)
        path.write_text(text)
        back += count
    anchors.cache_clear()
    print(f"{len(pages)} pages, {len(items)} items: {there} links to the API, {back} back to pages")


def check(site: Path) -> bool:
    """Prints the links of the pages and of the crate that lead nowhere. Returns whether there are none."""
    ours = sorted(site.glob("*.html"))
    for folder in (site / "rustdoc" / CRATE, site / "rustdoc/src" / CRATE):
        ours += sorted(folder.rglob("*.html"))
    count = 0
    bad: dict[str, str] = {}
    for page in ours:
        for link in Links(page.read_text()).found:
            count += 1
            wrong = complaint(page, link)
            if wrong is not None:
                bad.setdefault(wrong, str(page.relative_to(site)))
    for wrong, page in bad.items():
        print(f"{page}: {wrong}")
    print(f"{count} links in {len(ours)} files, {len(bad)} lead nowhere")
    return not bad and count > 0


def main(argv: list[str]) -> int:
    if len(argv) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    site = Path(argv[0])
    join(site)
    return 0 if check(site) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
