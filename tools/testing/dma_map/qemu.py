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
    timeout: float = 600.0
    more: Sequence[str] = ()  # words for QEMU, which has them last


@dataclass
class BootLog:
    lines: list[str] = field(default_factory=list)
    end: str = ENDED
    status: int | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0  # that QEMU got of a busy host, when it was killed

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
    if variant.icount is not None:
        return ["-accel", "tcg,thread=single", "-icount", f"shift={variant.icount},sleep=off"]
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
    # no_timer_check: in real time on a busy host the kernel panics over a timer that it finds slow.
    cmdline = ["console=ttyS0", "panic=-1", "no_timer_check", "printk.devkmsg=on",
               *variant.cmdline, *boot.cmdline, "dma_map_tests=" + ",".join(boot.tests)]
    return [
        _program(), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-machine", _machine(variant, boot.accel), *_accel(variant, boot.accel),
        "-m", variant.memory, "-smp", str(variant.cpus), "-serial", serial,
        *(word for device in devices for word in ("-device", device)),
        "-kernel", str(kernel), "-initrd", str(boot.initramfs), "-append", " ".join(cmdline),
        *boot.more,
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


def _cpu_seconds(pid: int) -> float:
    # utime and stime, counted from behind the name, which may hold spaces.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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
            result.cpu_seconds = _cpu_seconds(process.pid)
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


def _first_line(words: Sequence[str], seconds: float, wanted: str) -> str:
    """The first output line that contains `wanted`, "" if time is up."""
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
    last = None
    try:
        for text in _lines(process, time.monotonic() + seconds):
            if text is None or wanted in text:
                return text or ""
            last = text
    finally:
        process.kill()
        process.wait()
    raise Stop(f"ACCEL=kvm: QEMU could not start a guest ({last or 'no output'}); use ACCEL=tcg")


def probe_kvm(kdir: Path, seconds: float = 20.0) -> None:
    """Stops the run unless KVM runs code. /dev/kvm may open, and yet get nowhere.

    The firmware's debug port is heard before any device is set up, so it tells a KVM that runs
    nothing from one that only this kernel does not boot on.
    """
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        raise Stop("ACCEL=kvm: /dev/kvm is missing or not ours to open; use ACCEL=tcg")
    common = [_program(), "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
              "-machine", "q35", "-accel", "kvm", "-cpu", "host", "-m", "256M"]
    firmware = [*common, "-chardev", "stdio,id=port",
                "-device", "isa-debugcon,iobase=0x402,chardev=port"]
    if not _first_line(firmware, seconds, "SeaBIOS"):
        raise Stop(f"ACCEL=kvm: /dev/kvm opens, but in {seconds:.0f} s the guest has not run "
                   "its first instruction; use ACCEL=tcg")
    kernel = [*common, "-serial", "stdio", "-kernel", str(kdir / KERNEL),
              "-append", "console=ttyS0 panic=-1"]
    if not _first_line(kernel, seconds, "Linux version"):
        raise Stop(f"ACCEL=kvm: the firmware runs, but in {seconds:.0f} s the kernel has not "
                   "printed its first line; use ACCEL=tcg")
