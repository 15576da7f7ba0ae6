# SPDX-License-Identifier: GPL-2.0
"""What the machine code of an object file calls: functions, calls and traps, as objdump shows them."""

import bisect
import re
import subprocess
from collections import defaultdict
from dataclasses import dataclass, field

FUNCTION = re.compile(r"([0-9a-f]+) <(.*)>:$")
INSTRUCTION = re.compile(r" *([0-9a-f]+):\t(.*)$")
RELOCATION = re.compile(r"\t+[0-9a-f]+: (R_\w+)\t(\S+?)(?:([+-])0x([0-9a-f]+))?$")
RETURN = re.compile(r"(bnd |repz? )?ret")
TARGET = re.compile(r"\b([0-9a-f]+) <[^>]*>$")
# What stops a CPU: x86, then arm64. (int3 pads functions on x86, and is not reached.)
TRAP = re.compile(r"(ud[012b]\w?|\(bad\)|brk|udf)\b")
BUGFLAG_WARNING = 1


def run(*command, text=None):
    return subprocess.run(command, input=text, check=True, stdout=subprocess.PIPE, text=True).stdout


def demangle(names):
    """Mangled name -> readable name, without hashes."""
    names = list(names)
    readable = run("c++filt", text="".join(f"{name}\n" for name in names)).splitlines()
    return {name: re.sub(r"\[[0-9a-f]{8,}\]|::h[0-9a-f]{16}$", "", text) for name, text in zip(names, readable)}


@dataclass
class Function:
    """A function, and the places in it that matter: address and whom it names there."""

    name: str
    section: str
    start: int
    size: int = 0
    calls: list = field(default_factory=list)
    jumps: list = field(default_factory=list)
    traps: list = field(default_factory=list)
    returns: bool = False


class Object:
    """The functions of one object file."""

    def __init__(self, path):
        self.path = str(path)
        self.functions = {}
        self._starts = defaultdict(list)
        self.sections = set(re.findall(r"^ +\d+ (\S+) ", run("objdump", "-h", self.path), re.M))
        self._symbols = {}
        self._sizes = defaultdict(int)
        for line in run("objdump", "-t", self.path).splitlines():
            match = re.match(r"([0-9a-f]+) (.{7}) (\S+)\t([0-9a-f]+) (?:\.hidden )?(.+)$", line)
            if match and match[3] != "*UND*" and "d" not in match[2]:
                self._symbols[match[5]] = (match[3], int(match[1], 16))
                self._sizes[match[3], int(match[1], 16)] = int(match[4], 16)
        self._read()
        if "__bug_table" in self.sections:
            self._warnings()

    def _read(self):
        raw, section, function, address, text = [], None, None, 0, ""
        for line in run("objdump", "-dr", "--no-show-raw-insn", self.path).splitlines():
            if line.startswith("Disassembly of section "):
                section = line[len("Disassembly of section "):-1]
            elif match := FUNCTION.match(line):
                function = Function(match[2], section, int(match[1], 16))
                function.size = self._sizes[section, function.start]
                self.functions[section, function.start] = function
                self._starts[section].append(function.start)
            elif match := INSTRUCTION.match(line):
                address, text = int(match[1], 16), match[2]
                if TRAP.match(text):
                    function.traps.append(address)
                elif RETURN.match(text):
                    function.returns = True
                if target := TARGET.search(text):
                    raw.append([function, address, text, section, int(target[1], 16)])
            elif match := RELOCATION.match(line):
                # It says what the operand that objdump shows does not know yet.
                if raw and raw[-1][:2] == [function, address]:
                    raw.pop()
                raw.append([function, address, text, *self._named(match)])
        for function, address, text, section, target in raw:
            callee = self._at(section, target) if section else target
            if callee is not None and callee is not function:
                function.calls.append((address, callee))
                if text.startswith("j"):
                    function.jumps.append(callee)

    def _named(self, match):
        """Where a relocation points: section and address, or None and a name."""
        kind, name, sign, digits = match.groups()
        if name in self._symbols:
            return self._symbols[name]
        if name not in self.sections:
            return None, name
        offset = int(digits or "0", 16) * (-1 if sign == "-" else 1)
        # Relative to the end of the operand.
        return name, offset + (4 if "PC" in kind or "PLT" in kind else 0)

    def _at(self, section, address):
        starts = self._starts.get(section)
        index = bisect.bisect_right(starts, address) - 1 if starts else -1
        return self.functions[section, starts[index]] if index >= 0 else None

    def _warnings(self):
        """Drops the traps that are warnings: after those, the kernel goes on."""
        places = []
        for line in run("objdump", "-r", "-j", "__bug_table", self.path).splitlines():
            match = re.match(r"([0-9a-f]+) (R_\w+) +(\S+?)(?:([+-])0x([0-9a-f]+))?$", line)
            if match:
                name, sign, digits = match.groups()[2:]
                offset = int(digits or "0", 16) * (-1 if sign == "-" else 1)
                section, address = self._symbols.get(name, (name, 0))
                if section in self._starts:
                    places.append((int(match[1], 16), section, address + offset))
        if not places:
            return
        table = b"".join(
            bytes.fromhex("".join(line[:41].split()[1:]))
            for line in run("objdump", "-s", "-j", "__bug_table", self.path).splitlines()
            if line.startswith(" ")
        )
        size = len(table) // len(places)
        for entry, section, address in places:
            flags = int.from_bytes(table[entry:entry + size][-2:], "little")
            function = self._at(section, address)
            if flags & BUGFLAG_WARNING and address in function.traps:
                function.traps.remove(address)

    def chains(self, section, addresses):
        """For each address: the functions that were inlined there and their places in the source,
        innermost first. A place is a path and a line; without line tables, "??:0"."""
        text = "".join(f"{address:#x}\n" for address in addresses)
        output = run("addr2line", "-ifaj", section, "-e", self.path, text=text)
        result = []
        for block in re.split(r"^0x[0-9a-f]+\n", output, flags=re.M)[1:]:
            lines = block.splitlines()
            result.append(list(zip(lines[::2], lines[1::2])))
        return result


def name_of(callee):
    """The name of a callee, which is a `Function` or a name that another object defines."""
    return callee if isinstance(callee, str) else callee.name


def reaching(functions, roots):
    """The names of all `functions` from which a call leads to a name for which `roots` is true, and
    of those. Calls through pointers are not seen."""
    callers = defaultdict(set)
    for function in functions:
        for _, callee in function.calls:
            callers[name_of(callee)].add(function.name)
    found = {name for name in [*callers, *(function.name for function in functions)] if roots(name)}
    left = list(found)
    while left:
        for name in callers[left.pop()] - found:
            found.add(name)
            left.append(name)
    return found


def diverging(functions, among):
    """The names in `among` that are of no function, or of functions that never return."""
    by_name = {function.name: function for function in functions}
    found = {name for name in among if name not in by_name or not by_name[name].returns}
    while True:
        # A jump to a function that returns is a return.
        back = {
            name for name in found & by_name.keys()
            if any(name_of(callee) not in found for callee in by_name[name].jumps)
        }
        if not back:
            return found
        found -= back
