#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The drivers of the tutorial, one for each step, as its pages show them.

A page shows what a step adds. A block of Rust holds items. An item of a name that was there replaces the
old one; in an `impl`, each function does. A `use` adds to those that are there. The last step is the
driver that `make driver` writes, and gives all steps the order of their items.

A block whose first line is `// instead of: LINE` is a mistake: what follows, up to the next such line,
stands in the place of that line of the step. A block of text after it has what the compiler says, or
what the kernel logs if the mistake compiles. Other blocks of text are the step's own lines in the log.

usage: tutorial.py --check        the last step is the template, each step is formatted
       tutorial.py --write DIR    write each step's driver: DIR/step1.rs ...
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PAGES = ("tutorial.rst", "tutorial-streaming.rst")
TEMPLATE = ROOT / "tools/dma_map/template/edu.rs"

# The name of the driver on the pages.
NAME = "my_driver"

_STEP = re.compile(r"^Step (\d+): (.*)$")
_BLOCK = re.compile(r"^\.\. code-block:: (rust|text)$")
_INSTEAD = re.compile(r"^ *// instead of: (.*)$")
_ATTRIBUTE = re.compile(r"^\s*(//|#!?\[)")
_KEYWORDS = r"(?:pub |unsafe |const )*(?:struct|fn|type|mod|const|static|enum|trait)"
# Traits whose methods are called: their names need not stand in the code.
_TRAITS = {"Io"}


class Wrong(Exception):
    """What a page has that can't be."""


@dataclass(frozen=True)
class Mistake:
    """Lines that stand in the place of others, and what comes of it."""

    step: int
    changes: tuple[tuple[str, str], ...]
    says: tuple[str, ...]

    @property
    def compiles(self) -> bool:
        return not self.says[0].startswith("error")

    def made_in(self, source: str) -> str:
        for right, wrong in self.changes:
            lines = source.splitlines(keepends=True)
            found = [at for at, line in enumerate(lines) if line.strip() == right]
            if len(found) != 1:
                raise Wrong(f"step {self.step}: the line of a mistake is there {len(found)} times: {right}")
            indent = lines[found[0]].partition(right[0])[0]
            lines[found[0]] = textwrap.indent(wrong, indent)
            source = "".join(lines)
        return source


@dataclass
class Step:
    number: int
    title: str
    blocks: list[str] = field(default_factory=list)
    says: list[str] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)


def _blocks(text: str) -> Iterable[tuple[str, str]]:
    """Headings of steps, and blocks of code, as (kind, content)."""
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        if _STEP.match(lines[at]):
            yield "step", lines[at]
        block = _BLOCK.match(lines[at])
        at += 1
        if block is None:
            continue
        body = []
        while at < len(lines) and (not lines[at].strip() or lines[at].startswith("    ")):
            body.append(lines[at][4:])
            at += 1
        yield block.group(1), "\n".join(body).strip("\n") + "\n"


def _changes(block: str) -> tuple[tuple[str, str], ...]:
    result: list[tuple[str, str]] = []
    for line in block.splitlines(keepends=True):
        instead = _INSTEAD.match(line.rstrip())
        if instead:
            result.append((instead.group(1).strip(), ""))
        else:
            result[-1] = (result[-1][0], result[-1][1] + line)
    return tuple(result)


def steps_of(texts: Iterable[str]) -> list[Step]:
    steps: list[Step] = []
    changes: tuple[tuple[str, str], ...] = ()
    for kind, content in (block for text in texts for block in _blocks(text)):
        if kind == "step":
            found = _STEP.match(content)
            assert found is not None
            steps.append(Step(int(found.group(1)), found.group(2)))
            continue
        if not steps:
            raise Wrong("a block of code stands before the first step")
        step = steps[-1]
        if changes and kind == "rust":
            raise Wrong(f"step {step.number}: a mistake has no text after it")
        if kind == "rust" and _INSTEAD.match(content.partition("\n")[0]):
            changes = _changes(content)
        elif kind == "rust":
            step.blocks.append(content)
        elif changes:
            step.mistakes.append(Mistake(step.number, changes, tuple(content.splitlines())))
            changes = ()
        else:
            step.says += content.splitlines()
    numbers = [step.number for step in steps]
    if not steps or numbers != list(range(1, len(steps) + 1)):
        raise Wrong(f"the steps have the numbers {numbers}")
    return steps


def items_of(text: str, indent: str = "") -> list[str]:
    """Splits code at empty lines before lines of that indent."""
    items: list[str] = []
    for paragraph in re.split(r"\n\n+", text.strip("\n")):
        first = paragraph.partition("\n")[0]
        begins = first.startswith(indent) and not first[len(indent):].startswith((" ", "}"))
        if begins or not items:
            items.append(paragraph)
        else:
            items[-1] += "\n\n" + paragraph
    return items


def name_of(item: str) -> str:
    """What an item is called: items of one name replace each other."""
    for line in item.splitlines():
        if _ATTRIBUTE.match(line) or not line.strip():
            continue
        code = line.strip()
        if code.startswith(("impl", "unsafe impl")):
            return code.partition("{")[0].strip()
        named = re.match(rf"{_KEYWORDS} \w+|[\w:]+!|use ", code)
        if named:
            return named.group(0).strip()
        raise Wrong(f"this is no item: {code}")
    return "header"


def is_impl(name: str) -> bool:
    return name.startswith(("impl", "unsafe impl"))


def _body(item: str) -> tuple[str, str]:
    head, _, rest = item.partition("{\n")
    return head + "{\n", rest.removesuffix("\n}").rstrip("\n")


Items = dict[str, str]


def _named(items: Iterable[str]) -> Items:
    return {name_of(item): item for item in items}


def _merged(old: Items, new: Items, order: Sequence[str]) -> Items:
    """All of the items, in that order; what is not in it comes after its neighbour."""
    names = list(old)
    last = ""
    for name in new:
        if name not in old:
            names.insert(names.index(last) + 1 if last else len(names), name)
        last = name
    together = {name: new.get(name, old.get(name, "")) for name in names}
    rank: dict[str, float] = {}
    place = -1.0
    for name in names:
        place = float(order.index(name)) if name in order else place + 0.001
        rank[name] = place
    return dict(sorted(together.items(), key=lambda item: rank[item[0]]))


def _merged_impl(old: str, new: str, like: str) -> str:
    """An `impl` with the functions of both; the head is that of the newer one."""
    before, now, in_order = (_named(items_of(_body(item)[1], "    ")) if item else {}
                             for item in (old, new, like))
    return _body(new)[0] + "\n\n".join(_merged(before, now, list(in_order)).values()) + "\n}"


def paths_of(tree: str) -> list[str]:
    """The names that `a::{b, c::d}` imports, each with its whole path."""
    tree = re.sub(r"//[^\n]*", "", tree)
    tree = re.sub(r"\s+", "", tree).removesuffix(";")
    head, brace, rest = tree.partition("{")
    if not brace:
        return [tree]
    paths, depth, part = [], 0, ""
    for char in rest.removesuffix("}") + ",":
        depth += {"{": 1, "}": -1}.get(char, 0)
        if char == "," and depth == 0:
            paths += [head + path for path in paths_of(part)] if part else []
            part = ""
        else:
            part += char
    return paths


def _tree(paths: Iterable[str], indent: str) -> list[str]:
    groups: dict[str, list[str]] = {}
    for path in paths:
        head, _, rest = path.partition("::")
        groups.setdefault(head, []).append(rest)
    lines = []
    # As rustfmt has them: modules, types, constants.
    for head in sorted(groups, key=lambda name: (name != "self", name[0].isupper(), name)):
        rests = sorted(set(groups[head]))
        if rests == [""]:
            lines.append(f"{indent}{head},")
        elif len(rests) == 1:
            lines.append(f"{indent}{head}::{_tree(rests, '')[0]}" if "::" not in rests[0]
                         else f"{indent}{head}::{rests[0]},")
        else:
            inner = _tree([rest or "self" for rest in rests], indent + "    ")
            inner[-1] += " //"
            lines += [f"{indent}{head}::{{", *inner, f"{indent}}},"]
    return lines


def imports(paths: Iterable[str], code: str) -> str:
    """The `use` items for those names that the code has."""
    words = set(re.findall(r"\w+", re.sub(r"//[^\n]*", "", code))) | _TRAITS | {"*"}
    used = sorted({path for path in paths
                   if path.rpartition("::")[2] in words})
    text = []
    for line in _tree(used, ""):
        text.append(("use " if not line.startswith((" ", "}")) else "") + line)
    return re.sub(r"^(use [^{\n]*|\}),$", r"\1;", "\n".join(text), flags=re.M)


def drivers(steps: Sequence[Step], template: str) -> list[str]:
    """The source of each step."""
    header, _, rest = template.partition("\nuse ")
    like = _named(items_of("use " + rest))
    del like["use"]
    order = list(like)
    now: Items = {}
    paths: list[str] = []
    sources = []
    for step in steps:
        for block in step.blocks:
            new: Items = {}
            for item in items_of(block):
                name = name_of(item)
                if name == "use":
                    for use in re.findall(r"^use (.*?;)$", item, re.M | re.S):
                        paths += [path.removesuffix("::self") for path in paths_of(use)]
                elif name != "header":
                    if is_impl(name):
                        item = _merged_impl(now.get(name, ""), item, like.get(name, ""))
                    new[name] = item
            now = _merged(now, new, order)
        code = "\n\n".join(now.values())
        sources.append("\n\n".join([header.strip(), imports(paths, code), code]) + "\n")
    return sources


def read() -> tuple[list[Step], list[str]]:
    """The steps and their sources."""
    steps = steps_of((ROOT / "Documentation/dma_map" / page).read_text() for page in PAGES)
    return steps, drivers(steps, TEMPLATE.read_text())


def write(folder: Path, sources: dict[str, str]) -> list[Path]:
    """Writes drivers, each under its own name."""
    paths = [folder / f"{name}.rs" for name in sources]
    for path, source in zip(paths, sources.values()):
        path.write_text(source.replace(NAME, path.stem))
    return paths


def named(sources: Sequence[str]) -> dict[str, str]:
    return {f"step{number}": source for number, source in enumerate(sources, 1)}


def check() -> int:
    steps, sources = read()
    bad = 0
    with tempfile.TemporaryDirectory(prefix="dma_map_tutorial.") as name:
        paths = write(Path(name), named(sources))
        last = Path(name) / "last.rs"
        last.write_text(sources[-1])
        for path, other, what in [
                (last, TEMPLATE, "the last step is not what make driver writes"),
                *((path, None, "is not formatted") for path in paths)]:
            words = (["diff", "-u", str(other), str(path)] if other else
                     ["rustfmt", "--check", "--config-path", str(ROOT / ".rustfmt.toml"), str(path)])
            done = subprocess.run(words, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  check=False)
            if done.returncode:
                print(f"{done.stdout}{path.stem}: {what}")
                bad = 1
    for step, source in zip(steps, sources):
        if not step.says:
            print(f"step {step.number} shows no line of the log")
            bad = 1
        for mistake in step.mistakes:
            mistake.made_in(source)
    print(f"{len(steps)} steps, {sum(len(step.mistakes) for step in steps)} mistakes")
    return bad


def main(argv: Sequence[str]) -> int:
    if argv == ["--check"]:
        return check()
    if len(argv) == 2 and argv[0] == "--write":
        write(Path(argv[1]), named(read()[1]))
        return 0
    print(__doc__)
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Wrong as error:
        sys.exit(f"tutorial.py: {error}")
