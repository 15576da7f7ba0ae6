# SPDX-License-Identifier: GPL-2.0
"""What the subcommands share: where things are, an initramfs, boots with verdicts."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType

import initramfs
import judge
import ktap
import qemu
from proofs import ALWAYS_UNWATCHED
from report import FAIL, PASS, Case, Stop, count, say
from variants import Variant

# A boot, say, that is judged.
Work = Callable[[], Iterable[Case]]

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
DMATOP = ROOT / "tools/dma_map/dmatop"


def without_make(environment: Mapping[str, str]) -> dict[str, str]:
    """What make exported for the targets above us is none of another make's business."""
    return {name: value for name, value in environment.items()
            if name not in ("BENCH", "KERNEL", "LLVM", "MAKEFLAGS", "MAKELEVEL", "MFLAGS")}


# What the Kbuild at the top leaves out of a kernel without these.
NEEDS = {"dma_map_bench": "CONFIG_DEBUG_FS", "dma_map_kunit": "CONFIG_KUNIT"}


def make_modules() -> str:
    """The command that builds the modules for the kernel that was asked for."""
    asked = [f"{name}={os.environ[name]}" for name in ("KERNEL", "LLVM", "BENCH", "KDIR")
             if os.environ.get(name)]
    return " ".join(["make modules", *asked])


@dataclass(frozen=True)
class Session:
    kdir: Path
    build: Path
    llvm: bool = False
    accel: str = "tcg"
    jobs: int = 2
    keep_logs: bool = False
    timeout: float = 600.0

    @cached_property
    def options(self) -> set[str]:
        """The options that the kernel has built in."""
        config = (self.kdir / ".config").read_text()
        return set(re.findall(r"^(CONFIG_\w+)=y$", config, re.M))

    def has(self, option: str) -> bool:
        """Whether the kernel has an option; all have the one of no name."""
        return not option or option in self.options

    def proven(self, variant: Variant) -> Variant:
        """The variant, less what only a kernel with DMA debugging can prove."""
        if self.has("CONFIG_DMA_API_DEBUG"):
            return variant
        return replace(variant, always=ALWAYS_UNWATCHED)

    @cached_property
    def parser(self) -> ModuleType:
        return ktap.load_parser(self.kdir)

    @cached_property
    def logs(self) -> Path:
        folder = self.build.parent / "logs" / self.build.name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @cached_property
    def modules(self) -> list[Path]:
        found = initramfs.load_order(sorted((self.build / "drivers/dma_map").rglob("*.ko")))
        if not found:
            raise Stop(f"{self.build} holds no modules: run {make_modules()} first")
        return found

    def modules_with(self, *clients: str) -> list[Path]:
        """The library and these clients; each boot unpacks no more than it loads."""
        wanted = {"dma_map", *(f"dma_map_{client}" for client in clients)}
        missing = wanted - {module.stem for module in self.modules}
        for name, option in NEEDS.items():
            if name in missing and not self.has(option):
                raise Stop(f"{name}.ko needs a kernel with {option}=y: take KERNEL=test")
        if missing:
            raise Stop(f"{self.build} holds no {', '.join(sorted(missing))}.ko: "
                       f"run {make_modules()} first")
        return [module for module in self.modules if module.stem in wanted]

    @cached_property
    def tools(self) -> list[Path]:
        """The user-space tools; a Makefile does nothing if its tool is up to date."""
        return [self.tool("mailbox", "mailbox"), self.tool("nvme", "dma_nvme"),
                self.tool("disk", "dma_disk")]

    def tool(self, name: str, program: str) -> Path:
        """A program of tools/dma_map/NAME, and what is built with it, in one folder."""
        folder = self.build / "tools/dma_map" / name
        done = subprocess.run(["make", "-C", ROOT / "tools/dma_map" / name, f"OUTPUT={folder}"],
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=without_make(os.environ), check=False)
        if done.returncode:
            raise Stop(f"the tool {program} does not build:\n{done.stdout}")
        return folder / program

    def make_initramfs(self, name: str, clients: Sequence[str],
                       other_modules: Sequence[Path] = ()) -> Path:
        contents = initramfs.Contents(self.kdir, self.modules_with(*clients), other_modules,
                                      [*self.tools, DMATOP])
        return initramfs.build(contents, self.logs / f"{name}.cpio")

    def forget_logs(self, prefix: str) -> None:
        """Logs of an earlier run must not pass for those of this one."""
        if not self.keep_logs:
            for path in self.logs.glob(f"{prefix}.*"):
                if path.suffix in (".log", ".command"):
                    path.unlink()


def boot_and_judge(session: Session, boot: qemu.Boot, demands: judge.Demands, group: str,
                   on_line: Callable[[str], None] = lambda _: None) -> list[Case]:
    path = session.logs / f"{group.replace('/', '.')}.log"
    log = qemu.run(boot, path, on_line)
    cases = judge.judge(session.parser, log, demands, group)
    bad = count(cases, FAIL)
    say(f"{group}: {count(cases, PASS)} passed, {bad} failed in {log.seconds:.1f} s"
        + (f", log in {os.path.relpath(path, ROOT)}" if bad else ""))
    return cases


def in_parallel(session: Session, works: Sequence[Work]) -> list[Case]:
    """Runs the boots `jobs` at a time; the results keep the order of `works`."""
    session.parser  # loaded once, before they share it
    with ThreadPoolExecutor(max_workers=session.jobs) as pool:
        futures = [pool.submit(work) for work in works]
        return [case for future in futures for case in future.result()]
