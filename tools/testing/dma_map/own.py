# SPDX-License-Identifier: GPL-2.0
"""A guest for somebody's own modules: to a prompt, or to the exit status of his script."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import initramfs
import ktap
import misfits
import oracle
import qemu
import transcript
from demo import Show
from report import FAIL, PASS, Case, Stop, count, failed, say
from session import DMATOP, ROOT, Session
from variants import Variant

TEST = "own"


@dataclass(frozen=True)
class Wish:
    """What to boot with. `kunit` runs the modules' suites, and wants results of them."""

    modules: Sequence[Path] = ()
    files: Sequence[Path] = ()
    qemu_args: str = ""
    append: str = ""
    kunit: bool = False
    junit: Path | None = None

    def words(self) -> list[str]:
        try:
            return shlex.split(self.qemu_args)
        except ValueError as error:
            raise Stop(f"QEMU_ARGS={self.qemu_args}: {error}") from error

    def devices(self, default: Sequence[str]) -> Sequence[str]:
        """Who names QEMU's arguments names the devices."""
        return () if self.qemu_args else default

    def cmdline(self) -> list[str]:
        """The suites of a module would run while it loads."""
        return [*([] if self.kunit else ["kunit.enable=0"]), *self.append.split()]

    def script(self) -> str:
        """The first of the files that ends in .sh is run; the others lie beside it."""
        return next((path.name for path in self.files if path.suffix == ".sh"), "")


class _Show(Show):
    """Names of symbols are left out: a sentence follows."""

    def shown(self, line: str) -> bool:
        return not misfits.is_noise(line)


def _image(session: Session, wish: Wish) -> Path:
    # The library is there by itself, and another one would not fit what is checked here.
    mine = [path for path in wish.modules if initramfs.name_of(path) != misfits.LIBRARY]
    library = session.modules_with()
    misfits.check(session.kdir, session.build, library, mine)
    contents = initramfs.Contents(session.kdir, [*library, *mine], tools=[DMATOP], files=wish.files)
    return initramfs.build(contents, session.logs / f"{TEST}.cpio")


def check_variant(session: Session, variant: Variant) -> None:
    if not session.has(variant.needs):
        raise Stop(f"VARIANT={variant.name} needs a kernel with {variant.needs}: take KERNEL=test.")


def _boot(session: Session, variant: Variant, wish: Wish, test: str, *cmdline: str) -> qemu.Boot:
    check_variant(session, variant)
    script = [f"dma_map_script={wish.script()}"] if wish.script() else []
    return qemu.Boot(variant, session.kdir, _image(session, wish), [test], session.accel,
                     wish.devices(("edu",)), (*wish.cmdline(), *script, *cmdline), session.timeout,
                     wish.words())


def shell(session: Session, variant: Variant, wish: Wish) -> int:
    boot = _boot(session, variant, wish, "own_shell", "quiet")
    say("booting to a shell; Ctrl-A X ends QEMU at once")
    return qemu.interactive(boot)


def _suites(session: Session, wish: Wish, lines: Sequence[str]) -> list[Case]:
    cases = ktap.read(session.parser, lines, TEST)
    if not cases:
        cases.append(failed(TEST, "KUnit", "no suite reported: has the module a #[kunit_tests] in it, "
                            "and the kernel CONFIG_KUNIT=y (KERNEL=test)?"))
    if wish.junit is not None:
        ktap.write_junit(session.parser, lines, wish.junit)
    say(f"KUnit: {count(cases, PASS)} passed, {count(cases, FAIL)} failed")
    return [case for case in cases if case.status == FAIL]


def judged(session: Session, wish: Wish, log: qemu.BootLog) -> tuple[int, list[str]]:
    """The exit status, and what a person is to be told."""
    record = transcript.read(log.lines)
    status = record.segments[0].status if record.segments else None
    told = misfits.sentences(log.lines)
    if not wish.script():
        # A script may want just that.
        told += misfits.failed_probes(log.lines)
    told += [f"the kernel complained: {found}" for found in oracle.complaints(log.lines)[:20]]
    if status is None or not record.done:
        how = f"was killed after {log.seconds:.0f} s" if log.end == qemu.TIMEOUT else "was gone"
        told.append(f"the guest {how} before it was done; its last lines:\n{log.tail()}")
    if wish.kunit and record.segments:
        told += [f"{case.name}: {case.detail}"
                 for case in _suites(session, wish, record.segments[0].lines)]
    return status or (1 if told else 0), told


def run(session: Session, variant: Variant, wish: Wish) -> int:
    session.forget_logs(TEST)
    boot = _boot(session, variant, wish, TEST)
    names = " ".join(path.name for path in wish.modules) or "no module of yours"
    say(f"booting Linux with dma_map.ko and {names} ({variant.what})")
    path = session.logs / f"{TEST}.log"
    log = qemu.run(boot, path, _Show())
    status, told = judged(session, wish, log)
    for text in told:
        print(f"failed: {text}")
    # A package's guests leave their logs with the driver.
    where = os.path.relpath(path, ROOT) if path.is_relative_to(ROOT) else path
    say(f"boot: exit status {status} after {log.seconds:.1f} s, log in {where}")
    return status
