# SPDX-License-Identifier: GPL-2.0
"""Makes an earlier state of the sources: of files that are all there at the end, some are missing,
and what is left must build without a warning.

rustc says what to take out: a name that cannot be resolved, as its file is missing, and an item that
nothing uses, as its user is missing. An import loses the name; an item goes as a whole, with its
comments and attributes. So each item comes with its first user. What only a missing file makes public
is for the crate, and a type may have fields and variants that nobody uses yet. Nothing else is changed or added.

The sources are as rustfmt leaves them: an item begins on a line of its own, and ends with one.
"""

import json
import os
import re
import subprocess
from collections import namedtuple

TOKEN = re.compile(r"""
    (?P<skip> //[^\n]* | /\*.*?\*/ | \s+ )
  | (?P<text> (?<!\w)[bc]?r(?P<hash>\#*)".*?"(?P=hash) | [bc]?"(?:\\.|[^"\\])*" | b?'(?:\\.[^']*|[^'\\])' )
  | (?P<name> '?[A-Za-z_]\w* )
  | (?P<sign> :: | . )
    """, re.S | re.X)
ITEM = re.compile(r"""\s*(?:pub(?:\([^)]*\))?\ )?(?:(?:default|const|async|unsafe|safe|extern(?:\ "C")?)\ )*
    (?P<kind>fn|struct|enum|union|trait|impl|mod|const|static|type|use|macro_rules!|extern|[a-z_]+!)(?=[\s<({]|$)
    """, re.X)
OPEN, CLOSE = "([{", ")]}"
# What goes alone, and not with the item that it is in: a field that is only held, and its value; a call
# without arguments of a module's function.
LINES = (
    (("struct",), r"\s*_\w+: .*,"),
    (("fn",), r"\s*_\w+: [\w:]+\(.*\)\??,"),
    (("fn",), r"\s*(?:\w+::)+\w+\(\);"),
)
# What rustc says of a name that is not there.
MISSING = {"E0405", "E0407", "E0412", "E0422", "E0423", "E0425", "E0392", "E0432", "E0433", "E0531", "E0532",
           "E0574", "E0583", "E0599", "E0609", "E0277", "E0624"}
NO_FIELD = {"E0560", "E0026"}
UNUSED = {"dead_code", "unused_imports", "unused_macros"}

# For a type of which later patches use the rest of the fields or variants.
ALLOWED = '#[allow(dead_code, reason = "later patches use the rest")]'

Token = namedtuple("Token", "text line column")
Range = namedtuple("Range", "first last kind head")
Leaf = namedtuple("Leaf", "path tokens")


class Failure(Exception):
    """What cannot be taken out by these rules."""


def tokens(text):
    line, start = 1, 0
    for match in TOKEN.finditer(text):
        if not match["skip"]:
            yield Token('""' if match["text"] else match[0], line, match.start() - start + 1)
        breaks = match[0].count("\n")
        if breaks:
            line += breaks
            start = match.start() + match[0].rindex("\n") + 1


class Source:
    """A file, by lines that are counted from 1."""

    def __init__(self, text):
        self.text = text
        self.lines = text.split("\n")
        self.tokens = list(tokens(text))

    def line(self, number):
        return self.lines[number - 1]

    def indent(self, number):
        line = self.line(number)
        return len(line) - len(line.lstrip())

    def end(self, first, signs):
        """The line on which what begins on the line `first` ends, with one of `signs`."""
        depth = 0
        for token in self.tokens:
            if token.line < first:
                continue
            if token.text in OPEN:
                depth += 1
            elif token.text in CLOSE:
                depth -= 1
                if depth < 0:
                    return token.line - 1
                if depth == 0 and token.text in signs:
                    return token.line
            elif depth == 0 and token.text in signs:
                return token.line
        raise Failure(f"nothing ends what begins with: {self.line(first)}")

    def head(self, number):
        """The first line of the comments and attributes of what begins on a line."""
        indent = self.indent(number)
        while number > 1:
            above = self.line(number - 1)
            if self.indent(number - 1) == indent and re.match(r"\s*(//|#\[)", above) \
                    and not re.match(r"\s*//!", above):
                number -= 1
            elif above.strip() in (")]", "]"):
                number -= 1
                while not self.line(number).lstrip().startswith("#["):
                    number -= 1
            else:
                return number
        return number

    def items(self):
        """The items, outer ones first."""
        for number, line in enumerate(self.lines, 1):
            match = ITEM.match(line)
            if not match or line.lstrip().startswith("//"):
                continue
            kind = match["kind"]
            signs = ";" if kind in ("const", "static", "type", "use") else ";}"
            try:
                last = self.end(number, signs)
            except Failure:
                continue
            yield Range(number, last, kind, self.head(number))

    def around(self, number):
        """The items around a line, outer ones first: with their comments."""
        return [item for item in self.items() if item.head <= number <= item.last]

    def leaves(self, item):
        """The paths of a use item."""
        inside = [token for token in self.tokens if item.first <= token.line <= item.last]
        at = next(i for i, token in enumerate(inside) if token.text == "use") + 1
        found = []

        def tree(at, path):
            path = list(path)
            while True:
                token = inside[at]
                if token.text == "{":
                    at += 1
                    while inside[at].text != "}":
                        at = tree(at, path)
                        if inside[at].text == ",":
                            at += 1
                    return at + 1
                path.append(token)
                at += 1
                if inside[at].text == "::":
                    at += 1
                    continue
                if inside[at].text == "as":
                    path.append(inside[at + 1])
                    words = [part.text for part in path[:-2]]
                    found.append(Leaf((*words, f"{path[-2].text} as {path[-1].text}"), tuple(path)))
                    return at + 2
                found.append(Leaf(tuple(part.text for part in path), tuple(path)))
                return at

        tree(at, [])
        return found


def written(leaves, prefix, indent):
    """The text of a use item: one name a line, as in the kernel."""
    groups = {}
    for leaf in leaves:
        groups.setdefault(leaf[0], []).append(leaf[1:])

    def entry(name, rests, indent):
        if rests == [()]:
            return name
        path = [name]
        while len({rest[:1] for rest in rests}) == 1 and rests[0] and all(rests):
            path.append(rests[0][0])
            rests = [rest[1:] for rest in rests]
            if rests == [()]:
                return "::".join(path)
        own = [("self",) if rest == () else rest for rest in rests]
        inner, names = {}, []
        for rest in own:
            if rest[0] not in inner:
                names.append(rest[0])
            inner.setdefault(rest[0], []).append(rest[1:])
        pad = " " * (indent + 4)
        lines = [f"{pad}{entry(part, inner[part], indent + 4)}," for part in names]
        if not lines[-1].endswith("},"):
            lines[-1] += " //"
        return "::".join(path) + "::{\n" + "\n".join(lines) + "\n" + " " * indent + "}"

    assert len(groups) == 1
    name, rests = next(iter(groups.items()))
    return f"{' ' * indent}{prefix}{entry(name, rests, indent)};"


class Pruner:
    """Takes things out of the files below a folder, until a compiler is content."""

    def __init__(self, folder, log):
        self.folder = folder
        self.log = log

    def read(self, file):
        with open(os.path.join(self.folder, file), encoding="utf-8") as stream:
            return stream.read()

    def write(self, file, text):
        with open(os.path.join(self.folder, file), "w", encoding="utf-8") as stream:
            stream.write(text)

    def run(self, compile, limit=60):
        """compile() -> rustc's messages; fails if something cannot be taken out."""
        for _ in range(limit):
            messages = compile()
            if not messages:
                return
            # What follows from an error that can be mended is none of its own.
            errors = [message for message in messages if message["level"] == "error"]
            wanted = list(map(self.wanted, [message for message in errors if self.action(message)]
                              or errors or messages))
            marks = {}
            for found in wanted:
                for file, mark in found:
                    marks.setdefault(file, set()).add(mark)
            if not marks:
                raise Failure("\n".join(message["rendered"] for message in messages))
            for file, found in marks.items():
                self.take_out(file, found)
        raise Failure("this does not come to an end")

    @staticmethod
    def action(message):
        code = (message["code"] or {}).get("code")
        if code in MISSING or not code and message["message"].startswith("cannot find "):
            return "missing"
        if code in NO_FIELD:
            return "field"
        if code in UNUSED:
            return "unused"
        return "narrow" if code == "unreachable_pub" else None

    def wanted(self, message):
        """What a message is about: (file, (action, line, column, end line, end column))."""
        action = self.action(message)
        if not action:
            raise Failure(message["rendered"])
        found = []
        for span in message["spans"]:
            if not span["is_primary"]:
                continue
            while span["expansion"] and not self.ours(span["file_name"]):
                span = span["expansion"]["span"]
            while span["expansion"]:
                span = span["expansion"]["span"]
            if not self.ours(span["file_name"]):
                raise Failure(message["rendered"])
            found.append((os.path.relpath(span["file_name"], self.folder),
                          (action, span["line_start"], span["column_start"], span["line_end"],
                           span["column_end"])))
        return found

    def ours(self, file):
        return os.path.realpath(file).startswith(os.path.realpath(self.folder) + "/")

    def take_out(self, file, marks):
        source = Source(self.read(file))
        gone, new, imports = set(), {}, set()
        uses = {}
        for mark in sorted(marks):
            action, line, column, end_line, end_column = mark
            around = source.around(line)
            inner = around[-1] if around else None
            if action == "narrow":
                new[line] = new.get(line, source.line(line)).replace("pub ", "pub(crate) ", 1)
            elif inner and inner.kind == "use":
                uses.setdefault(inner, []).append(mark)
            elif action == "unused" and inner and inner.kind in ("enum", "struct") and inner.first != line:
                # Without a field or a variant, each place that makes one would have to be changed.
                new[inner.first] = " " * source.indent(inner.first) + ALLOWED + "\n" + source.line(inner.first)
            elif action == "unused":
                gone.update(self.unused(source, line))
            elif action == "field":
                gone.update(range(source.head(line), source.end(line, ",") + 1))
            else:
                gone.update(self.missing(source, file, line))
        for item, found in uses.items():
            leaves = source.leaves(item)
            left = [leaf for leaf in leaves if not any(within(leaf, mark) for mark in found)]
            if left == leaves:
                raise Failure(f"{file}:{item.first}: no name of this import can be told")
            gone.update(range(item.first if left else item.head, item.last + 1))
            if left:
                prefix = source.line(item.first).lstrip()
                prefix = prefix[:prefix.index("use ") + 4]
                imports.add(item.first)
                new[item.first] = written([leaf.path for leaf in left], prefix, source.indent(item.first))
            self.log(f"{file}:{item.first}: {len(leaves) - len(left)} imports")
        lines = []
        for number, line in enumerate(source.lines, 1):
            if number in new and (number not in gone or number in imports):
                lines.append((new[number], False))
            elif number not in gone:
                lines.append((line, False))
            elif not lines or not lines[-1][1]:
                lines.append((None, True))
        self.write(file, tidy(lines))

    def unused(self, source, line):
        around = source.around(line)
        inner = around[-1] if around else None
        if inner and inner.first == line and inner.kind != "impl":
            self.log(f"unused: {source.line(line).strip()}")
            return range(inner.head, inner.last + 1)
        # In a trait or an impl, without a body.
        self.log(f"unused: {source.line(line).strip()}")
        return range(source.head(line), source.end(line, ",;") + 1)

    def missing(self, source, file, line):
        around = source.around(line)
        text = source.line(line)
        if not around:
            raise Failure(f"{file}:{line}: in no item: {text}")
        inner = around[-1]
        if inner.first != line and any(
                inner.kind in kinds and re.fullmatch(pattern, text) for kinds, pattern in LINES):
            self.log(f"{file}:{line}: missing: line {text.strip()}")
            return range(source.head(line), line + 1)
        # A trait needs all of its items.
        for outer in around[:-1]:
            if outer.kind == "impl" and re.search(r"\bfor\b", source.line(outer.first)) \
                    and "for<" not in source.line(outer.first):
                inner = outer
                break
            if outer.kind == "fn":
                inner = outer
                break
        self.log(f"{file}:{line}: missing: {source.line(inner.first).strip()}")
        return range(inner.head, inner.last + 1)


def within(leaf, mark):
    _, line, column, end_line, end_column = mark
    return any((line, column) <= (token.line, token.column) < (end_line, end_column)
               for token in leaf.tokens)


def tidy(lines):
    """The text, without blank lines that are left beside a gap, and without empty blocks."""
    out = []
    after_gap = False
    for line, gap in lines:
        if gap:
            after_gap = True
            continue
        if after_gap:
            previous = out[-1] if out else ""
            if line == "" and (previous == "" or previous.rstrip().endswith("{")):
                continue
            if line.strip() in ("}", "};", ")") and previous == "":
                out.pop()
            after_gap = False
        out.append(line)
    text = "\n".join(out)
    while True:
        shorter = EMPTY.sub("", text)
        if shorter == text:
            return text.rstrip("\n") + "\n"
        text = re.sub(r"\n\n\n+", "\n\n", shorter)


# An impl of no trait, and a block of declarations.
EMPTY = re.compile(r"""
    (?:^(?://[^\n]*|\#\[[^\n]*)\n)*
    ^(?:impl(?:(?!\bfor\b)[^{};])*|(?:unsafe\ )?extern\ "C"\ )\{\n?\s*\}\n
    """, re.M | re.X)


def rustc(command, folder):
    """A function that runs rustc, and returns its messages."""
    def compile():
        result = subprocess.run(command, cwd=folder, stderr=subprocess.PIPE, text=True, check=False,
                                env={**os.environ, "RUSTC_BOOTSTRAP": "1"})
        messages = []
        for line in result.stderr.splitlines():
            if not line.startswith("{"):
                raise Failure(result.stderr)
            message = json.loads(line)
            if message["level"] in ("error", "warning") and message["spans"]:
                messages.append(message)
        if result.returncode and not messages:
            raise Failure(result.stderr)
        return messages
    return compile


def pruned_objects(text, has):
    """A Kbuild of drivers/dma_map without the objects whose source is not there: `has` is asked for its
    name without suffix."""
    def object_of(match):
        folder = f"drivers/dma_map/{match[1]}" if match[1] else "rust/dma_map"
        return match[0] if has(f"{folder}/{match[2]}") else ""

    text = re.sub(r" (?:\$\(lib\)|(\w+))/([\w/]+)\.o(?=[ \n])", object_of, text)
    # Nothing is left to add.
    return re.sub(r"^[^\n]* \+=\n\n?", "", text, flags=re.M)


def pruned_c(text, used):
    """C text without the functions and variables that neither `used` nor the rest has a word of."""
    while True:
        for first, last, names in c_items(text):
            lines = text.split("\n")
            rest = "\n".join(lines[:first] + lines[last + 1:])
            words = set(re.findall(r"\w+", strip_c(rest)))
            # What is static has no users elsewhere, whatever the words there are.
            outside = set() if any(line.startswith("static ") for line in lines[first:last + 1]) else used
            if names and not names & outside and not names & words:
                break
        else:
            return text
        while last + 1 < len(lines) and lines[last + 1] == "" and (first == 0 or lines[first - 1] == ""):
            last += 1
        text = "\n".join(lines[:first] + lines[last + 1:])


def strip_c(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def c_items(text):
    """(first line, last line, names) of what a file defines or declares, with its comment."""
    lines = text.split("\n")
    number = 0
    while number < len(lines):
        line = lines[number]
        if not re.match(r"[A-Za-z_]", line):
            number += 1
            continue
        first = last = number
        inside = False
        while not (lines[last].startswith("}") or lines[last].endswith(";") and not inside):
            inside = inside or lines[last].endswith("{")
            last += 1
        while last + 1 < len(lines) and lines[last + 1].startswith("EXPORT_SYMBOL"):
            last += 1
        while first and lines[first - 1].startswith((" *", "/*")):
            first -= 1
        head = lines[number]
        match = re.match(r"struct (\w+)(?: \{|;)$", head) or re.match(r"static DEFINE_\w+\((?:\w+, )?(\w+)\)", head) \
            or re.search(r"(\w+)\(", " ".join(lines[number:last + 1]))
        yield first, last, {match[1]} if match else set()
        number = last + 1
