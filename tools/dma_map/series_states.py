#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Makes the states of a kernel tree between the patches of the series.

The last state is the tree as make overlay leaves it. An earlier one lacks the files of the later
patches, and what they need in the others: series_prune.py has the rules for Rust and C. What rustc
needs to know comes from the command that built the library.

usage: series_states.py edited PATCHES
       series_states.py edit PATCHES TREE
       series_states.py check PATCHES OURS
       series_states.py make PATCHES OURS BASE FINAL STEPS COMMAND

PATCHES: the folder of the manifest. Each file has the patch's text, a line "---", and what it adds:
files, and folders and patterns with *, but for the files that another patch names. Below a file of the kernel, "before: LINE" and lines with a + say
what is added to it; `edited` lists these files, and `edit` does it. OURS: a list of the files that are to be in one patch each.
BASE, FINAL: trees without and with the layer. STEPS: for the states, one folder each.
COMMAND: kbuild's .dma_map.o.cmd.
"""

import filecmp
import hashlib
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "lib"))
from series_prune import Failure, Pruner, Source, pruned_c, pruned_objects, rustc

TOP = os.path.realpath(os.path.join(os.path.dirname(__file__), "../.."))
LIBRARY = "rust/dma_map/dma_map.rs"
KBUILD = "drivers/dma_map/Kbuild"
KCONFIG = "drivers/dma_map/Kconfig"
# What helpers.c includes for one purpose: not before it has that. Others may stay without one.
INCLUDED_FOR = {
    "device.h": r"\bdev_dma_iommu\(",
    "dma-direct.h": r"\b(phys_to_dma|dma_to_phys)\(",
    "dma-map-ops.h": r"\b(get_dma_ops|dev_is_dma_coherent|dma_kmalloc_\w+)\(",
    "dma-mapping.h": r"\bdma_(free|get|set)_\w+\(",
    "highmem.h": r"_kernel_vmap_range\(|\bpage_address\(",
    "jump_label.h": r"\bstatic_branch_",
    "kasan.h": r"\bkasan_",
    "kfence.h": r"\bis_kfence",
    "mmap_lock.h": r"\bmmap_write_",
    "nodemask.h": r"\bnode_online\(",
    "rcupdate.h": r"\brcu_",
    "sched/task_stack.h": r"\bobject_is_on_stack\(",
    "swiotlb.h": r"\b(dma_io_tlb_mem|is_swiotlb_\w+)\b",
    "timex.h": r"\bget_cycles\(",
    "wait_bit.h": r"_var(_event)?\(",
}
CLIENTS = ("kunit", "edu", "nic", "nvme", "bench")


def say(text):
    print(text, file=sys.stderr, flush=True)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


class Patch:
    """A file of the manifest."""

    def __init__(self, path):
        self.name = os.path.basename(path)
        self.text, line, rest = read(path).partition("\n---\n")
        if not line:
            sys.exit(f"{path} has no line ---, below which its files are")
        self.patterns, self.edits = [], []
        for line in rest.splitlines():
            if line.startswith("before: "):
                self.edits.append((self.patterns[-1], line[len("before: "):], []))
            elif line.startswith("+"):
                self.edits[-1][2].append(line[1:])
            elif line:
                self.patterns.append(line)


def own(patches, files):
    """Finds the patches of each file: those that name it, or else those with a pattern for it."""
    for patch in patches:
        patch.files = set()
    for file in files:
        found = [patch for patch in patches if file in patch.patterns] or \
            [patch for patch in patches if any(matches(pattern, file) for pattern in patch.patterns)]
        for patch in found:
            patch.files.add(file)


def matches(pattern, file):
    if pattern.endswith("/"):
        return file.startswith(pattern)
    return re.fullmatch("[^/]*".join(map(re.escape, pattern.split("*"))), file) is not None


def patches_of(folder):
    names = sorted(name for name in os.listdir(folder) if re.match(r"[0-9]{2}-", name))
    return [Patch(os.path.join(folder, name)) for name in names]


def check(patches, files):
    """What is wrong with the manifest, one a line."""
    own(patches, files)
    for file in files:
        found = [patch.name for patch in patches if file in patch.files]
        if not found:
            yield f"{file} is in no patch of the series"
        elif len(found) > 1:
            yield f"{file} is in {len(found)} patches of the series: {', '.join(found)}"
    for patch in patches:
        for pattern in patch.patterns:
            if not any(matches(pattern, file) for file in files):
                yield f"{patch.name}: {pattern} is no file of the series any more"
        for number, line in enumerate(patch.text.split("\n"), 1):
            if len(line) > 75:
                yield f"{patch.name}:{number}: longer than 75 characters"


def edit(patches, tree):
    """Puts the lines that patches add to files of the kernel into a tree."""
    for patch in patches:
        for file, before, added in patch.edits:
            path = os.path.join(tree, file)
            lines = read(path).split("\n")
            if lines.count(before) != 1:
                sys.exit(f"error: {file} has the line '{before.strip()}' {lines.count(before)} times, and must "
                         f"have it once: {patch.name} adds lines before it")
            at = lines.index(before)
            write(path, "\n".join(lines[:at] + added + lines[at:]))


def words_of(folder, names):
    found = set()
    for name in names:
        found |= set(re.findall(r"\w+", read(os.path.join(folder, name))))
    return found


class State:
    """The tree between two patches, in a folder."""

    def __init__(self, folder, base, command):
        self.folder = folder
        self.base = base
        self.command = command
        self.out = folder + ".out"

    def path(self, file):
        return os.path.join(self.folder, file)

    def has(self, file):
        return os.path.exists(self.path(file))

    def files(self, below=".", ext=""):
        return sorted(os.path.relpath(os.path.join(folder, name), self.folder)
                      for folder, _, names in os.walk(self.path(below))
                      for name in names if name.endswith(ext))

    def crate_is(self, root, later):
        """Whether all of a crate is as in a later state."""
        folder = os.path.dirname(root)
        files = self.files(folder, ".rs")
        return files == later.files(folder, ".rs") and all(
            filecmp.cmp(self.path(file), later.path(file), shallow=False) for file in files)

    def prune(self, later):
        """Takes out what needs a file that is not there. A crate that has lost none is as it was later."""
        self.build_files()
        lines, crates = [], []
        pruner = Pruner(self.folder, lines.append)
        os.makedirs(self.out, exist_ok=True)
        try:
            for root in [LIBRARY, *(f"drivers/dma_map/{name}/dma_map_{name}.rs" for name in CLIENTS)]:
                if not self.has(root):
                    continue
                same = self.crate_is(root, later)
                crates.append(same)
                if same and crates[0] and root != LIBRARY:
                    continue
                metadata = os.path.join(later.out, "libdma_map.rmeta")
                if crates[0] and root == LIBRARY and os.path.exists(metadata):
                    shutil.copy(metadata, self.out)
                    continue
                pruner.run(rustc(self.rustc(root), self.folder))
        finally:
            write(os.path.join(self.out, "log"), "\n".join(lines) + "\n")
        self.crate_documentation()
        for folder, users in (("rust/dma_map/sys", ["rust", "drivers"]),
                              ("drivers/dma_map/kunit", ["drivers/dma_map/kunit"])):
            if self.has(f"{folder}/helpers.c"):
                self.c_helpers(folder, users)

    def rustc(self, root):
        name = os.path.basename(root)[:-3]
        words = [word for word in self.command if not word.startswith("--emit=")]
        words = [re.sub(r"^RUST_MODFILE=.*", f"RUST_MODFILE=drivers/dma_map/{name}", word) for word in words]
        if root != LIBRARY:
            words += ["-L", self.out, "--extern", "dma_map"]
        return ["env", *words, "--out-dir", self.out, "--error-format=json", "--cap-lints=warn",
                f"--emit=metadata={self.out}/lib{name}.rmeta", self.path(root)]

    def build_files(self):
        """Kbuild, Kconfig and MAINTAINERS without what is not there."""
        text = read(self.path(KBUILD))
        for option, name in re.findall(r"\$\(call client,(\w+),(\w+),", text):
            if self.has(f"drivers/dma_map/{name}"):
                continue
            text = re.sub(rf"(^[^\n]+\n)*^\$\(eval \$\(call client,{option},[^\n]*\n([^\n]+\n)*\n?", "", text,
                          flags=re.M)
            kconfig = re.sub(rf"^config {option[len('CONFIG_'):]}\n(?:\t[^\n]*\n|\n)*", "", read(self.path(KCONFIG)), flags=re.M)
            write(self.path(KCONFIG), kconfig.rstrip("\n") + "\n")
        text = pruned_objects(text, lambda source: self.has(source + ".c") or self.has(source + ".rs"))
        write(self.path(KBUILD), text.rstrip("\n") + "\n")

        before = read(os.path.join(self.base, "MAINTAINERS")).split("\n")
        lines = read(self.path("MAINTAINERS")).split("\n")
        known = set(before)
        lines = [line for line in lines if line in known or not line.startswith("F:\t")
                 or self.has(line[3:].strip())]
        write(self.path("MAINTAINERS"), "\n".join(lines))

    def c_helpers(self, folder, users):
        """Takes out the functions of helpers.c that no other file calls."""
        others = [file for user in users for ext in (".rs", ".c", ".h") for file in self.files(user, ext)
                  if not file.startswith(f"{folder}/helpers.")]
        used = words_of(self.folder, others)
        source, header = f"{folder}/helpers.c", f"{folder}/helpers.h"
        write(self.path(source), pruned_c(read(self.path(source)), used))
        used |= words_of(self.folder, [source])
        text = read(self.path(source))
        for name, user in INCLUDED_FOR.items():
            if not re.search(user, text):
                text = text.replace(f"#include <linux/{name}>\n", "")
        write(self.path(source), text)
        write(self.path(header), pruned_c(read(self.path(header)), used))

    def crate_documentation(self):
        """Takes out the entries of the crate's documentation that name what is not there."""
        text = read(self.path(LIBRARY))
        source = Source(text)
        known = set(re.findall(r"^(?:pub )?mod (\w+);", text, re.M))
        for item in source.items():
            if item.kind == "use":
                known.update(leaf.path[-1] for leaf in source.leaves(item))

        def there(entry):
            links = re.findall(r"\[`(?:crate::)?(\w+)[^`]*`\](?!\()|\]\((?:crate::)?(\w+)", entry)
            floor = re.match(r"//! \| `(\w+)` \|", entry)
            names = {name for pair in links for name in pair if name and name != "srctree"}
            return names <= known and (not floor or floor[1] in known)

        entries = re.compile(r"^//! (?:- .*\n(?://!   .*\n)*|\| .*\n)", re.M)
        write(self.path(LIBRARY), entries.sub(lambda match: match[0] if there(match[0]) else "", text))


def command_of(path):
    text = read(path).split("\n", 1)[0].partition(" := ")[2].partition(" ; ")[0]
    words = text.replace("'", "").split()
    # Without the source, and where the object went.
    words = [word for word in words if not word.endswith("/dma_map.rs")]
    at = words.index("--out-dir")
    return words[:at] + words[at + 2:]


def digest(*parts):
    found = hashlib.sha256()
    for part in parts:
        found.update(part.encode())
    return found.hexdigest()


def tree_digest(folder):
    return digest(*(f"{os.path.relpath(os.path.join(where, name), folder)}\0{read(os.path.join(where, name))}"
                    for where, names in sorted((where, names) for where, _, names in os.walk(folder))
                    for name in sorted(names)))


def without(previous, later, files, base, folder):
    """Makes a copy of the state `previous` without the files of the patch `later`."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(previous, folder)
    for file in files if later else []:
        path, before = os.path.join(folder, file), os.path.join(base, file)
        if file not in later.files or not os.path.exists(path):
            continue
        if os.path.exists(before):
            shutil.copyfile(before, path)
        else:
            os.remove(path)
    for where, _, _ in os.walk(folder, topdown=False):
        if not os.listdir(where):
            os.rmdir(where)


def make(patches, files, base, final, steps, command_file):
    command = command_of(command_file)
    tools = os.path.dirname(os.path.realpath(__file__))
    tool = digest(read(__file__), read(os.path.join(tools, "lib/series_prune.py")), " ".join(command))
    previous = final
    for patch, later in reversed(list(zip(patches, [*patches[1:], None]))):
        folder = os.path.join(steps, patch.name)
        new, stamp = folder + ".new", folder + ".key"
        without(previous, later, files, base, new)
        key = digest(tool, tree_digest(new))
        if os.path.isdir(folder) and os.path.exists(stamp) and read(stamp) == key:
            shutil.rmtree(new)
            previous = folder
            continue
        for old in (folder, folder + ".out"):
            shutil.rmtree(old, ignore_errors=True)
        os.rename(new, folder)
        # Before the layer there is nothing to take out.
        if later and os.path.exists(os.path.join(folder, LIBRARY)):
            say(f"series: making the state after {patch.name}")
            state = State(folder, base, command)
            try:
                state.prune(State(previous, base, command))
            except Failure as failure:
                sys.exit(f"error: the state after {patch.name} cannot be made; it is in {folder}:\n{failure}")
            changed = [path for path in state.files("rust", ".rs") + state.files("drivers", ".rs")
                       if not filecmp.cmp(state.path(path), os.path.join(previous, path), shallow=False)]
            if changed:
                subprocess.run(["rustfmt", "--config-path", os.path.join(TOP, ".rustfmt.toml"),
                                *map(state.path, changed)], check=True)
        write(stamp, key)
        previous = folder


def main():
    if len(sys.argv) < 3 or sys.argv[1] not in ("check", "make", "edited", "edit"):
        sys.exit(__doc__)
    patches = patches_of(sys.argv[2])
    if sys.argv[1] == "edited":
        print("\n".join(sorted({file for patch in patches for file, _, _ in patch.edits})))
        return
    if sys.argv[1] == "edit":
        edit(patches, sys.argv[3])
        return
    files = read(sys.argv[3]).split("\n")[:-1]
    bad = list(check(patches, files))
    if bad:
        sys.exit("error: " + "\n".join(bad))
    if sys.argv[1] == "make":
        make(patches, files, *sys.argv[4:8])


if __name__ == "__main__":
    main()
