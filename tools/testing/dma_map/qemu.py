# SPDX-License-Identifier: GPL-2.0
"""One boot: QEMU's command line, its console as lines, and an end to it in any case."""

from __future__ import annotations

import os
import selectors
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from report import Stop
from variants import Variant

QEMU = "qemu-system-x86_64"
KERNEL = "arch/x86/boot/bzImage"

ENDED = "ended"      # QEMU went by itself
TIMEOUT = "timeout"  # we killed it


@dataclass(frozen=True)
class Boot:
    """What to boot. `tests` are the names of guest scripts, in order."""

    variant: Variant
    kdir: Path
    initramfs: Path
    tests: Sequence[str]
    accel: str = "tcg"
    devices: Sequence[str] = ("edu",)
    cmdline: Sequence[str] = ()
    timeout: float = 300.0


@dataclass
class BootLog:
    lines: list[str] = field(default_factory=list)
    end: str = ENDED
    status: int | None = None
    seconds: float = 0.0

    def tail(self, count: int = 20) -> str:
        return "\n".join(self.lines[-count:])


def _program() -> str:
    found = shutil.which(QEMU)
    if found is None:
        raise Stop(f"{QEMU} is missing: install the package qemu-system-x86")
    return found


def _accel(variant: Variant, accel: str) -> list[str]:
    if accel == "kvm":
        return ["-accel", "kvm", "-cpu", "host"]
    if variant.icount:
        return ["-accel", "tcg,thread=single", "-icount", "shift=1,sleep=off"]
    return ["-accel", "tcg,thread=multi"]


def _machine(variant: Variant, accel: str) -> str:
    # With KVM, interrupt remapping needs the I/O APIC in user space.
    return variant.machine + (",kernel-irqchip=split" if accel == "kvm" else "")


def command(boot: Boot, serial: str = "stdio") -> list[str]:
    kernel = boot.kdir / KERNEL
    if not kernel.is_file():
        raise Stop(f"{kernel} is missing: build the kernel first")
    variant = boot.variant
    devices = [*variant.devices, *boot.devices]
    cmdline = ["console=ttyS0", "panic=-1", "printk.devkmsg=on", *variant.cmdline, *boot.cmdline,
               "dma_map_tests=" + ",".join(boot.tests)]
    return [
        _program(), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-machine", _machine(variant, boot.accel), *_accel(variant, boot.accel),
        "-m", variant.memory, "-smp", str(variant.cpus), "-serial", serial,
        *(word for device in devices for word in ("-device", device)),
        "-kernel", str(kernel), "-initrd", str(boot.initramfs), "-append", " ".join(cmdline),
    ]


def _lines(process: subprocess.Popen, deadline: float):
    """The console's lines as they come; None when the deadline is past."""
    assert process.stdout is not None
    pending = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                if pending:
                    yield pending.decode(errors="replace").rstrip("\r")
                yield None
                return
            chunk = os.read(process.stdout.fileno(), 65536)
            *whole, pending = (pending + chunk).split(b"\n")
            for raw in whole:
                yield raw.decode(errors="replace").rstrip("\r")
            if not chunk:
                if pending:
                    yield pending.decode(errors="replace").rstrip("\r")
                return


def run(boot: Boot, log_path: Path, on_line: Callable[[str], None] = lambda _: None) -> BootLog:
    """Boots, records every line in `log_path`, and returns when QEMU is gone."""
    return watch(command(boot), boot.timeout, log_path, on_line)


def watch(words: Sequence[str], timeout: float, log_path: Path,
          on_line: Callable[[str], None] = lambda _: None) -> BootLog:
    result = BootLog()
    log_path.with_suffix(".command").write_text(shlex.join(words) + "\n")
    began = time.monotonic()
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    try:
        with log_path.open("w") as log:
            for text in _lines(process, began + timeout):
                if text is None:
                    result.end = TIMEOUT
                    break
                result.lines.append(text)
                log.write(text + "\n")
                log.flush()
                on_line(text)
    finally:
        if process.poll() is None and result.end == TIMEOUT:
            process.kill()
        elif process.poll() is None:
            # The console is closed; QEMU needs a moment to go, and none after an exception.
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
        result.status = process.wait()
        result.seconds = time.monotonic() - began
    return result


def interactive(boot: Boot) -> int:
    """The same guest on our own terminal. Ctrl-A X ends QEMU, Ctrl-C goes to the guest."""
    return subprocess.run(command(boot, serial="mon:stdio"), check=False).returncode


def probe_kvm(seconds: float = 10.0) -> None:
    """Stops the run unless KVM runs code. /dev/kvm may open, and still never run any.

    The firmware writes to its debug port before it touches any device, so the first byte
    from there is the proof.
    """
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise Stop("ACCEL=kvm: /dev/kvm is missing or not ours to open; use ACCEL=tcg")
    words = [_program(), "-nodefaults", "-no-user-config", "-display", "none", "-machine", "q35",
             "-accel", "kvm", "-cpu", "host", "-m", "64M",
             "-chardev", "stdio,id=firmware", "-device", "isa-debugcon,iobase=0x402,chardev=firmware"]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    first = next(_lines(process, time.monotonic() + seconds), "")
    process.kill()
    process.wait()
    if first is None:
        raise Stop(f"ACCEL=kvm: /dev/kvm opens, but in {seconds:.0f} s the guest's first "
                   "instruction has not run; use ACCEL=tcg")
    if "SeaBIOS" not in first:
        raise Stop(f"ACCEL=kvm: QEMU could not start a guest ({first or 'no output'}); "
                   "use ACCEL=tcg")
