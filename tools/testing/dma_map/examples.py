# SPDX-License-Identifier: GPL-2.0
"""The examples of the API's documentation compile.

rustdoc does not compile them: they need the kernel. Each one is a block ```ignore, or ```ignore,run
if the guest runs it too (examples_run.py), and becomes a module here. Items are taken as they are;
statements become the body of a function `run` with a token, an engine and registers. One that runs and
has items only has such a function in hidden lines. As in rustdoc, a line that begins with `# ` is not
shown. `# check(...)?;` is what a hidden line claims.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import kbuild_rustc
from compile_fail import compile_one
from report import Case, failed, say, verdict
from session import ROOT, Session

GROUP = "examples"
NAME = "all of them compile"

_BLOCK = re.compile(r"^ *//([/!]) ```ignore(,run)?\n(.*?)^ *//\1 ```$", re.M | re.S)
_MARK = re.compile(r"^ *//[/!] ?(?:# ?(?!\[))?", re.M)

ALLOW = "#![allow(dead_code, missing_docs, unused, unreachable_pub, unreachable_code)]\n"

# What a reader is taken to have imported.
NAMES = """
mod names {
    pub use crate::{check, Device};
    pub use dma_map::{
        barrier, coherent::*, descriptor_ring::*, direction::*, endian::Le, engine::*, gate::*, iova::*, mailbox::Block,
        mailbox::Mailbox, mapped_pool::*, mapping::*, miscdevice::*, mmap::*, noncoherent::*, pool::*,
        queue::*, ring::*, sg::*, transfer::*, untrusted::*, view::*, DmaDevice, DmaLimits, Gfp, Shared,
    };
    pub use kernel::{
        device::Bound, device::Core, dma::DmaAddress, dma::DmaMask, fs::File, io::io_project,
        io::io_read, io::io_write, io::Io, iov::IovIterSource, mm::virt::VmaNew, pci, prelude::*,
        sync::Arc, sync::ArcBorrow, types::ForLt,
    };
}
"""

# What a driver's crate has, and `#[vtable]` looks for.
_MODULE = """
use kernel::prelude::*;

struct Examples;

impl kernel::Module for Examples {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}

module! {
    type: Examples,
    name: "examples",
    license: "GPL",
}
"""

# An engine that is a type and no parameter, so that code is generated, and checks of constants are made;
# and what an example claims in hidden lines.
ENGINE = """
#[derive(Clone, Copy)]
pub struct Device;

// SAFETY: There is no device.
unsafe impl dma_map::Engine for Device {
    type Mark = Self;

    fn is_idle(&self) -> bool {
        true
    }

    fn quiesce(&self) -> Result {
        Ok(())
    }
}

impl dma_map::engine::AlwaysStops for Device {}

pub fn check(holds: bool) -> Result {
    if holds {
        Ok(())
    } else {
        Err(EBADMSG)
    }
}
"""

_STATEMENTS = """
    pub fn run(dma: DmaDevice<'_>, engine: crate::Device, regs: &pci::Bar<'_>) -> Result {{
{}
        Ok(())
    }}
"""

# Undefined in an object that breaks a `build_assert!`.
BROKEN = "rust_build_error"


def blocks(source: str) -> list[str]:
    """The examples in a file, with their hidden lines, as code."""
    return [_MARK.sub("", found.group(3)) for found in _BLOCK.finditer(source)]


def has_statements(block: str) -> bool:
    """Whether there is a `let` that is in no item."""
    depth = 0
    for line in block.splitlines():
        if depth == 0 and line.startswith("let "):
            return True
        depth += sum(line.count(c) for c in "{([") - sum(line.count(c) for c in "})]")
    return False


def module(name: str, where: str, block: str) -> str:
    body = _STATEMENTS.format(block) if has_statements(block) else block
    return f"// {where}\npub mod {name} {{\n    use crate::names::*;\n{body}\n}}\n"


def all_examples(folder: Path) -> list[str]:
    """The examples below a folder, as modules."""
    modules: list[str] = []
    for path in sorted(folder.rglob("*.rs")):
        where = str(path.relative_to(ROOT))
        modules += [module(f"example_{len(modules) + i}", where, block)
                    for i, block in enumerate(blocks(path.read_text()))]
    return modules


def that_run(folder: Path) -> list[tuple[str, str]]:
    """The place and the code of each example below a folder that is marked to run."""
    return [(f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, found.start()) + 1}",
             _MARK.sub("", found.group(3)))
            for path in sorted(folder.rglob("*.rs")) for text in [path.read_text()]
            for found in _BLOCK.finditer(text) if found.group(2)]


def run(session: Session) -> list[Case]:
    modules = all_examples(ROOT / "rust/dma_map")
    running = len(that_run(ROOT / "rust/dma_map"))
    say(f"examples: compiling {len(modules)}, {running} of them also run")
    if not modules:
        return [failed(GROUP, NAME, "rust/dma_map has no block ```ignore")]
    with tempfile.TemporaryDirectory(prefix="dma_map_examples.") as folder:
        source = Path(folder) / "examples.rs"
        source.write_text("\n".join([ALLOW, _MODULE, NAMES, ENGINE, *modules]))
        outcome = compile_one(kbuild_rustc.find(session.build), source, "obj")
    if BROKEN in outcome.undefined.split():
        return [failed(GROUP, NAME, "a check of a constant fails in one of them (build_assert!)")]
    return [verdict(GROUP, NAME, outcome.compiled, outcome.rendered or "\n".join(outcome.errors))]
