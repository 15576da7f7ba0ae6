# SPDX-License-Identifier: GPL-2.0
"""The rustc command that kbuild used for a client module, taken from its .cmd file.

A case that is compiled with flags of our own could fail, or pass, for the wrong reason.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from report import Stop

_SAVED = re.compile(r"^savedcmd_(\S+) := (.*)$", re.M)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.S)
# Given anew for each case.
_OWN_VALUE = ("--out-dir", "--crate-name")


@dataclass(frozen=True)
class Rustc:
    words: tuple[str, ...]  # the program and its flags, without source and outputs
    environment: dict[str, str]
    folder: Path  # kbuild's relative paths start here
    version: str

    def command(self, source: Path, emit: str, out: Path) -> list[str]:
        return [*self.words, f"--emit={emit}", "--crate-name", "case", "--out-dir", str(out),
                "--error-format=json", "-Zui-testing", "-Amissing_docs", str(source)]

    def run(self, source: Path, emit: str, out: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(source, emit, out), cwd=self.folder, text=True,
                              env={**os.environ, **self.environment}, capture_output=True,
                              check=False)


def _first_command(saved: str) -> list[str]:
    """Words up to the first `;`: after rustc come objtool, or the linking of bitcode."""
    lexer = shlex.shlex(saved.replace("$$", "$").replace("\\#", "#"), posix=True,
                        punctuation_chars=";")
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    for word in lexer:
        if set(word) == {";"}:
            break
        words.append(word)
    return words


def _without_outputs(words: list[str]) -> list[str]:
    kept: list[str] = []
    skip_next = False
    for word in words:
        if skip_next:
            skip_next = False
        elif word in _OWN_VALUE or word == "--emit":
            skip_next = True
        elif not word.startswith("--emit=") and not word.endswith(".rs"):
            kept.append(word)
    return kept


def find(build: Path) -> Rustc:
    """A module that was built with `--extern dma_map`: what a driver author's module gets."""
    for path in sorted(build.rglob(".*.o.cmd")):
        saved = _SAVED.search(path.read_text())
        if saved is None:
            continue
        words = _first_command(saved.group(2))
        if not any(flag == "--extern" and crate.partition("=")[0] == "dma_map"
                   for flag, crate in zip(words, words[1:])):
            continue
        environment = {"RUSTC_BOOTSTRAP": "1"}  # exported by the kernel's Makefile
        while words and _ASSIGNMENT.fullmatch(words[0]):
            name, _, value = words.pop(0).partition("=")
            environment[name] = value
        if Path(words[0]).name == "clippy-driver":  # the last build was with CLIPPY=1
            words[0] = str(Path(words[0]).with_name("rustc"))
        version = subprocess.run([words[0], "--version"], check=True, text=True,
                                 capture_output=True).stdout.split()[1]
        return Rustc(tuple(_without_outputs(words)), environment, build, version)
    raise Stop(f"no module under {build} was built with --extern dma_map: run make modules first")
