# SPDX-License-Identifier: GPL-2.0
"""What the sources say of misuse: its classes, the cases that close them, handles, messages.

    misuse/classes.toml           the classes
    kernel/dma/debug.c            the messages that C's dma-debug has
    compile_fail/<type>/*.rs      // misuse: ID[/HANDLE][, ID[/HANDLE]]...
    KUnit cases                   /// misuse: ID[/HANDLE][, ID[/HANDLE]]...
    rust/dma_map                  the types that are handles
    control/control.c             what is committed in C: MISUSE("ID", function)
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import compile_fail
import expected

HERE = Path(__file__).resolve().parent
DEBUG_C = "kernel/dma/debug.c"

COMPILE_FAIL = "compile-fail"
KUNIT = "kunit"

_STRING = r'"(?:\\.|[^"\\])*"'
_MESSAGE = re.compile(rf"(?<!#define )\berr_printk\(.*?((?:{_STRING}\s*)+)", re.S)
_REFERENCE = re.compile(r"([\w-]+)(?:/(\w+))?")
_MARK = re.compile(r"// misuse: (.+)")
_CHECKED = re.compile(r"\bcheck_(?:err|eq)!\((?:[^;]*)\b(E[A-Z]{2,})\b[^;]*\);", re.S)
ERRNOS = {"E" + word for word in "INVAL IO NOMEM BUSY OPNOTSUPP NXIO BADMSG MSGSIZE RANGE".split()}
_CONTROL = re.compile(r'MISUSE\("([\w-]+)"')


@dataclass(frozen=True)
class Class:
    id: str
    rule: str
    why: str
    message: str = ""
    title: str = ""
    not_provoked: str = ""
    in_c: str = ""
    every_handle: bool = False

    @property
    def name(self) -> str:
        """The message up to where its values begin, except where that is all two have."""
        if not self.message:
            return self.title
        if "from stack" in self.message:
            return self.message
        return re.split(r"\s*[\[%]", self.message)[0]


@dataclass(frozen=True)
class Reference:
    """A case says that it closes a class, for a type of handle or for all."""

    id: str
    handle: str
    kind: str   # COMPILE_FAIL or KUNIT
    case: str   # as the results have it: "type/mistake", or "suite.case"
    how: str    # the compiler's error, or the errnos that the case gets


def classes() -> list[Class]:
    return [Class(**{**entry, "message": entry.get("message", "").strip()})
            for entry in tomllib.loads((HERE / "misuse/classes.toml").read_text())["class"]]


def messages_in(debug_c: str) -> list[str]:
    """The format strings of all calls of err_printk()."""
    found = []
    for match in _MESSAGE.finditer(debug_c):
        pieces = re.findall(_STRING, match.group(1))
        text = "".join(piece[1:-1] for piece in pieces)
        found.append(text.replace("\\n", "\n").strip())
    return found


def references(text: str) -> Iterator[tuple[str, str]]:
    """`id/handle` pairs behind a mark; what is not well-formed is an id that nobody has."""
    for word in text.split(","):
        match = _REFERENCE.fullmatch(word.strip())
        yield (match.group(1), match.group(2) or "") if match else (word.strip(), "")


def in_compile_fail(folder: Path) -> list[Reference]:
    found = []
    for path in compile_fail.cases_in(folder):
        source = path.read_text()
        name = compile_fail.name_of(path, folder)
        wanted = compile_fail.expectation(source)
        how = wanted.code or wanted.text or wanted.symbol if wanted else ""
        for line in source.splitlines():
            if mark := _MARK.fullmatch(line):
                found += [Reference(id, handle, COMPILE_FAIL, name, how)
                          for id, handle in references(mark.group(1))]
    return found


def _errnos(name: str, body: str) -> str:
    """What a case checks for, or says that it does: `..._is_einval`."""
    found = set(_CHECKED.findall(body)) | {word.upper() for word in name.split("_")}
    return ", ".join(sorted(found & ERRNOS))


def in_suites(text: str) -> list[Reference]:
    """The marked cases of one Rust file. A mark that no case follows gets a case of no name."""
    return [Reference(id, handle, KUNIT, case.full_name if case else "",
                      _errnos(case.name, case.body) if case else "")
            for said, case in expected.marked("misuse", text) for id, handle in references(said)]


def in_kunit(root: Path) -> list[Reference]:
    return [reference for path in expected.rust_files(root)
            for reference in in_suites(path.read_text())]


_COMMENT = re.compile(r"//.*")
_TYPE = re.compile(r"^(pub(?:\([^)]*\))? )?(?:struct|enum) (\w+)", re.M)
_ENDS_OWNERSHIP = re.compile(r"\b(?:quarantine|deferred::run)\(|\.release\(\)")
_DROP = re.compile(r"\bDrop for (\w+)[^{]*\{")
_ERROR = re.compile(r"\bFrom<(\w+)[^{]* for Error\b")
_ALIAS = re.compile(r"^pub type (\w+)<.*?>\s*=\s*(\w+)<", re.M | re.S)
_BORROWED = re.compile(r"&(?:'\w+ )?(?:mut )?\w+")


def handles_in(sources: Iterable[str]) -> list[str]:
    """The public types that own DMA memory: those whose drop may have to quarantine or defer it, or
    that release others, and those that have such a field. A type with aliases stands for these. An
    error that gives a handle back is not one more kind.
    """
    fields: dict[str, set[str]] = {}
    public, owners, errors, aliases = set(), set(), set(), {}
    for source in sources:
        code = _COMMENT.sub("", source)
        for drop in _DROP.finditer(code):
            if _ENDS_OWNERSHIP.search(code, drop.end(), _end(code, drop.end())):
                owners.add(drop.group(1))
        errors.update(_ERROR.findall(code))
        for alias, target in _ALIAS.findall(code):
            aliases.setdefault(target, set()).add(alias)
        # A private name means something else in another file.
        types = {match.group(2): match for match in _TYPE.finditer(code)}
        own = {name: f"{name} of {len(fields)}" for name, match in types.items()
               if not match.group(1)}
        for name, match in types.items():
            if (match.group(1) or "").strip() == "pub":
                public.add(name)
            inner = {own.get(field, field) for field in _field_types(code, match.end())}
            fields.setdefault(own.get(name, name), set()).update(inner)

    while more := ({name for name, types in fields.items() if types & owners}
                   | {alias for name in owners for alias in aliases.get(name, ())}) - owners:
        owners |= more
    public |= {alias for all_of_one in aliases.values() for alias in all_of_one}
    return sorted(owners & public - errors - aliases.keys())


def _end(code: str, start: int) -> int:
    """Of an item: rustfmt closes it at the beginning of a line."""
    end = code.find("\n}", start)
    return len(code) if end == -1 else end


def _field_types(code: str, start: int) -> set[str]:
    """The types in the body of a type that begins behind `start`; what is borrowed is not owned."""
    end = code.find(";", start)
    brace = code.find("{", start)
    if brace != -1 and (end == -1 or brace < end):
        body = code[brace:_end(code, brace)]
    else:
        body = code[start:end]
        body = body[body.find("("):] if "(" in body else ""
    return set(re.findall(r"\b[A-Z]\w*", _BORROWED.sub("", body)))


def handles(root: Path) -> list[str]:
    return handles_in(path.read_text() for path in sorted((root / "rust/dma_map").rglob("*.rs")))


def committed_in_c() -> list[str]:
    return _CONTROL.findall((HERE / "control/control.c").read_text())
