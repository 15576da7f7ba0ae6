#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Boots test guests and judges what they say. `run.py --help` lists the subcommands."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import compile_fail
import demo
import disks
import disks_watched
import examples
import examples_run
import kunit
import matrix
import misuse
import model
import nic
import nvme
import own
import porting
import qemu
import readme
import selftest
import stock
import tracing
import tutorial_run
from bench import command as bench
from bench import machines
from bench.plan import QUICK, full
from nvme_bench import command as nvme_bench
from report import Stop, conclude, die
from session import ROOT, Session, in_parallel, make_modules
from variants import VARIANTS

COMMANDS = {
    "demo": "boot one guest, run the mailbox demo, show its transcript",
    "shell": "boot the same guest to an interactive prompt; with --module, with modules of yours",
    "top": "boot the same guest, let the demo run, and show what is mapped (dmatop)",
    "trace": "boot the demo, or modules of yours, and draw the kernel's dma: events",
    "boot": "load modules of yours, run a script of yours, end with its exit status",
    "kunit": "run the KUnit suites and compare them with the sources",
    "kunit-unwatched": "the same without DMA debugging (kernel and modules of BENCH=1)",
    "matrix": "run the demo and the life-cycle tests under the variants",
    "nic": "run the network card's driver, under the variants or on Debian's kernel",
    "nvme": "run the NVMe driver on QEMU's controller, under the variants or on Debian's kernel",
    "disks": "put the NVMe driver's disks through their life on Debian's kernel (KERNEL=stock)",
    "survival": "the same at length: 1000 unbinds, 200 resets, 50 removals, 20 power cuts",
    "stock": "run the demo and the driver outside the tree on Debian's kernel (KERNEL=stock)",
    "tutorial": "build and boot the tutorial's drivers on Debian's kernel (KERNEL=stock)",
    "compile-fail": "compile what must not compile, with kbuild's own flags",
    "misuse": "show that each class of misuse is closed, and that C is told of it",
    "model": "check the protocols of rings, mailboxes, pools and streaming memory in all states",
    "readme": "compile the examples of README.md, of the porting guide and of the API, run those that can",
    "selftest": "test this harness on recorded logs, without booting",
    "all": "all of these but demo, shell, top, trace, boot, kunit-unwatched, stock, disks, survival and "
           "tutorial; with LLVM=1 the boots only",
    "bench": "measure the operations against C (kernel and modules of BENCH=1)",
    "bench-check": "hold the counted instructions against the recorded ones",
    "bench-bless": "record them anew, and say what changed",
    "bench-nvme": "measure the NVMe driver against the one in C (KERNEL=stock)",
}


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="run.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="commands:\n" + "\n".join(f"  {name:14}{text}" for name, text in COMMANDS.items())
        + "\n\nvariants:\n"
        + "\n".join(f"  {name:14}{variant.what}" for name, variant in VARIANTS.items()))
    top.add_argument("command", choices=COMMANDS, metavar="command")
    top.add_argument("--kdir", type=Path, default=os.environ.get("KDIR"),
                     help="kernel build directory (default: $KDIR)")
    top.add_argument("--llvm", action="store_true", default=bool(os.environ.get("LLVM")),
                     help="use the LLVM=1 build (default: whether $LLVM is set)")
    top.add_argument("--build", type=Path,
                     help="where our modules were built (default: build/gcc or build/llvm)")
    top.add_argument("--accel", choices=("tcg", "kvm"), default=os.environ.get("ACCEL") or "tcg",
                     help="QEMU accelerator (default: $ACCEL, else tcg)")
    top.add_argument("--variant", action="append", choices=VARIANTS, metavar="NAME",
                     help="only this variant; may be repeated (default: all, demo: direct)")
    top.add_argument("--test", action="append", metavar="NAME",
                     help="matrix: only this guest script, compile-fail: this case, bench: this "
                     "operation, disks: this part (files, swap, or a path); may be repeated")
    top.add_argument("--jobs", type=int, default=os.cpu_count() or 1,
                     help="boots and compilers at a time (default: one for each CPU)")
    # KASAN on a machine that runs other boots and builds: the slowest take a third of this.
    top.add_argument("--timeout", type=float, default=2400.0,
                     help="seconds of wall-clock time for one boot (default: 2400)")
    top.add_argument("--keep-logs", action="store_true",
                     help="leave the logs of earlier runs in build/logs where they are")
    top.add_argument("--quick", action="store_true", default=bool(os.environ.get("QUICK")),
                     help="bench, bench-nvme: fewer rounds and workloads (default: whether $QUICK is set)")
    top.add_argument("--driver", choices=(disks.OURS, "nvme"), default=disks.OURS,
                     help="disks: with nvme, the kernel's own driver in the place of ours")
    mine = top.add_argument_group("boot, shell, demo")
    mine.add_argument("--module", action="append", type=Path, default=[], metavar="FILE.ko",
                      help="load it after dma_map.ko; may be repeated")
    mine.add_argument("--file", action="append", type=Path, default=[], metavar="FILE",
                      help="put it into /files; boot runs the first one that ends in .sh")
    mine.add_argument("--qemu-args", default="", metavar="WORDS",
                      help="what QEMU gets at the end of its command line (boot, shell: instead of "
                      "-device edu)")
    mine.add_argument("--append", default="", metavar="WORDS", help="more for the kernel's command line")
    mine.add_argument("--kunit", action="store_true",
                      help="boot: run the modules' KUnit suites, which must be there")
    mine.add_argument("--junit", type=Path, metavar="FILE.xml", help="the suites' results as JUnit XML")
    top.add_argument("--bless", action="store_true",
                     help="compile-fail: write the compiler's text to the .stderr files")
    return top


def make_session(args: argparse.Namespace) -> Session:
    if args.kdir is None:
        raise Stop("no kernel: give --kdir or set KDIR to a kernel build directory")
    build = args.build or ROOT / "build" / ("llvm" if args.llvm else "gcc")
    if not Path(args.kdir).is_dir():
        raise Stop(f"{args.kdir} is not a directory")
    if not Path(build).is_dir():
        raise Stop(f"{build} is missing: run {make_modules()} first")
    if args.accel == "kvm":
        qemu.probe_kvm(Path(args.kdir))
    return Session(Path(args.kdir).resolve(), build.resolve(), args.llvm, args.accel,
                   args.jobs, args.keep_logs, args.timeout)


def run_misuse(session: Session) -> int:
    """The cases that close a class, alone; the last line is the classes'."""
    cases = compile_fail.run(session, only=misuse.named_cases(session))
    cases += kunit.run(session, [VARIANTS[name] for name in misuse.NEEDED])
    more, verdicts = misuse.run(session, cases, misuse.NEEDED)
    status = conclude(cases + more)
    print(misuse.last_line(verdicts), flush=True)
    return status


def run_bench(session: Session, args: argparse.Namespace) -> int:
    if args.command == "bench-check":
        return bench.check(session)
    if args.command == "bench-bless":
        return bench.bless(session)
    paths = [name for name in args.variant or machines.PATHS if name in machines.PATHS]
    extent = QUICK if args.quick else full(os.cpu_count() or 1)
    return bench.measure(session, extent.only(args.test) if args.test else extent, paths)


def main(argv: list[str]) -> int:
    args = parser().parse_args(argv)
    session = make_session(args)
    if args.command == "bench-nvme":
        return nvme_bench.run(session, args.quick)
    if args.command.startswith("bench"):
        return run_bench(session, args)
    if args.command == "kunit-unwatched":
        return conclude(kunit.run_unwatched(session, args.variant or kunit.UNWATCHED_VARIANTS))
    if args.command == "stock":
        return conclude(stock.run(session))
    if args.command == "tutorial":
        return conclude(tutorial_run.run(session))
    if args.command == "nic":
        return conclude(nic.run(session, args.variant or ()))
    if args.command in ("disks", "survival"):
        extent = disks.SHORT if args.command == "disks" else disks.LONG
        return conclude(disks.run(session, extent, args.driver, args.test or ()))
    if args.command == "nvme":
        variants = args.variant or ()
        return conclude(in_parallel(session, [*nvme.boots(session, variants),
                                              *disks_watched.boots(session, variants)]))
    names = args.variant or ()
    first = VARIANTS[names[0] if names else "direct"]
    wish = own.Wish(args.module, args.file, args.qemu_args, args.append, args.kunit, args.junit)
    if args.command == "demo":
        own.check_variant(session, first)
        return demo.run(session, first, wish.append.split(), wish.words())
    if args.command == "boot":
        return own.run(session, first, wish)
    if args.command == "trace":
        own.check_variant(session, first)
        return tracing.run(session, first, wish)
    if args.command == "top":
        return demo.shell(session, first, wish.append.split(), wish.words(), "top")
    if args.command == "shell":
        if args.module or args.file:
            return own.shell(session, first, wish)
        own.check_variant(session, first)
        return demo.shell(session, first, wish.append.split(), wish.words())

    if args.command == "misuse":
        return run_misuse(session)

    everything = args.command == "all"
    # What does not depend on the C compiler runs with gcc only.
    once = everything and not session.llvm
    cases = []
    if once or args.command == "selftest":
        cases += selftest.run(session.kdir)
    if once or args.command == "compile-fail":
        cases += compile_fail.run(session, args.bless, None if everything else args.test)
    if once or args.command == "model":
        cases += model.run()
    if once or args.command == "readme":
        cases += readme.run(session) + porting.run(session) + examples.run(session)
    # One pool of boots: none waits for the last one of another kind.
    boots = []
    in_kunit = kunit.chosen(session, names) if everything or args.command == "kunit" else []
    if in_kunit:
        boots += kunit.boots(session, in_kunit)
    if everything or args.command == "matrix":
        boots += matrix.boots(session, matrix.chosen(session, names), args.test)
    if everything:
        boots += nic.boots(session, names)
        boots += nvme.boots(session, names) + disks_watched.boots(session, names)
    if once or args.command == "readme":
        boots += examples_run.boots(session)
    booted = in_parallel(session, boots)
    cases += booted + kunit.after(session, in_kunit, booted)
    if once:
        needed = [name for name in misuse.NEEDED if not names or name in names]
        # They follow from the others, whose failures are to be read last.
        cases = misuse.run(session, cases, needed)[0] + cases
    return conclude(cases)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Stop as error:
        sys.exit(die(error))
    except subprocess.CalledProcessError as error:
        sys.exit(die(Stop(f"{error.cmd[0]} failed with status {error.returncode}")))
    except KeyboardInterrupt:
        sys.exit(130)
