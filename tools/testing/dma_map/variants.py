# SPDX-License-Identifier: GPL-2.0
"""The machines that the tests run on, and how each proves that it is what its name says."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from report import Case, verdict
from transcript import Transcript

Check = Callable[[Transcript, Sequence[str]], bool]

# QEMU's edu can address 256 MiB.
EDU_REACH = 1 << 28


@dataclass(frozen=True)
class Proof:
    """A claim about a boot that the guest's own facts, or the kernel's own log, must bear out."""

    claim: str
    holds: Check
    traffic: bool = False  # speaks of what the demo moved, so a boot without it can't show it


@dataclass(frozen=True)
class Variant:
    name: str
    what: str
    memory: str = "256M"
    cpus: int = 1
    # With -icount, guest time counts instructions: an idle guest jumps to its next timer, and
    # a busy host can't make a timeout fire. It needs a single TCG thread.
    icount: bool = True
    machine: str = "q35"
    devices: tuple[str, ...] = ()
    cmdline: tuple[str, ...] = ()
    proofs: tuple[Proof, ...] = ()
    tests: tuple[str, ...] = ()  # instead of the matrix's

    def prove(self, transcript: Transcript, log: Sequence[str], group: str,
              traffic: bool) -> list[Case]:
        return [verdict(group, proof.claim, proof.holds(transcript, log), _shown(transcript))
                for proof in (*ALWAYS, *self.proofs) if traffic or not proof.traffic]


def _shown(transcript: Transcript) -> str:
    return "\n".join(f"{name}={value}" for name, value in transcript.facts.items())


def fact(name: str, holds: Callable[[str], bool]) -> Check:
    """A fact that was not stated proves nothing."""
    return lambda transcript, _: name in transcript.facts and holds(transcript.facts[name])


def facts_like(pattern: str, holds: Callable[[list[str]], bool]) -> Check:
    """The values of every fact whose name matches; an empty list proves nothing."""
    def check(transcript: Transcript, _: Sequence[str]) -> bool:
        values = [value for name, value in transcript.facts.items() if re.fullmatch(pattern, name)]
        return bool(values) and holds(values)
    return check


def line(pattern: str, holds: Callable[[re.Match[str]], bool] = bool) -> Check:
    """A line of the kernel's log."""
    compiled = re.compile(pattern)
    return lambda _, log: any(holds(match) for match in map(compiled.search, log) if match)


def number(holds: Callable[[int], bool]) -> Callable[[str], bool]:
    return lambda value: value.isdigit() and holds(int(value))


def ram(mib: int) -> Check:
    """The kernel counts what the firmware and its own earliest tables leave: a little less."""
    return line(r"Memory: \d+K/(\d+)K available",
                lambda match: 0.95 * mib < int(match.group(1)) / 1024 <= mib)


SMALL = Proof("RAM is within 28 bits", ram(256))
POOL = r"software IO TLB: mapped \[mem 0x([0-9a-f]+)-"

POOL_IN_REACH = Proof("the static bounce pool is within the device's reach",
                      line(POOL, lambda match: int(match.group(1), 16) < EDU_REACH))
POOL_OUT_OF_REACH = Proof("the static bounce pool is out of the device's reach",
                          line(POOL, lambda match: int(match.group(1), 16) >= EDU_REACH))
BOUNCED = Proof("buffers bounced", fact("swiotlb.hiwater", number(lambda slots: slots > 0)),
                traffic=True)
NOT_BOUNCED = Proof("nothing bounced", fact("swiotlb.hiwater", number(lambda slots: slots == 0)),
                    traffic=True)
NO_IOMMU = Proof("no IOMMU", fact("iommu.groups", number(lambda groups: groups == 0)))
TRANSLATES = Proof("the kernel has an Intel IOMMU, and it is on",
                   line(r"DMAR: Intel\(R\) Virtualization Technology for Directed I/O"))

ALWAYS = (
    Proof("DMA debugging stayed on", fact("dma_debug.disabled", lambda value: value == "N")),
    Proof("DMA debugging counted no error",
          fact("dma_debug.error_count", number(lambda errors: errors == 0))),
    Proof("no DMA mapping is left after the modules are gone",
          fact("dma_debug.outstanding", number(lambda entries: entries == 0))),
    Proof("no bounce slot is left in use", fact("swiotlb.used", number(lambda used: used == 0))),
    Proof("the guest has edu devices", fact("edu.devices", number(lambda count: count > 0))),
)

# Left alone, the static bounce pool lies near the top of RAM below 4 GiB, out of the device's
# reach, and SWIOTLB_DYNAMIC still prefers it. With only 256 MiB below 4 GiB it is in reach.
LOW_256M = "q35,max-ram-below-4g=256M"
TRACK = "track_hiwater"
IOMMU = ("intel-iommu,intremap=on",)


def _domain(kind: str) -> Proof:
    return Proof(f"each edu device sits in a translated domain of type {kind}",
                 facts_like(r"iommu\.type\..*", lambda types: all(t == kind for t in types)))


VARIANTS = {variant.name: variant for variant in (
    Variant("direct", "all RAM within 28 bits, no IOMMU, no bounce buffers",
            cmdline=(f"swiotlb={TRACK}",),
            proofs=(SMALL, NOT_BOUNCED, NO_IOMMU)),
    # In real time each transfer takes its 100 ms, and a busy host makes every timeout a matter
    # of luck: so only the tests that races are to be found in.
    Variant("smp", "two CPUs in real time, for races", cpus=2, icount=False,
            cmdline=(f"swiotlb={TRACK}",),
            tests=("boot", "openers", "two_devices", "unbind_bind", "unbind_transfer",
                   "unload_transfer", "completion"),
            proofs=(Proof("two CPUs", fact("cpus", lambda value: value == "2")),
                    SMALL, NO_IOMMU)),
    Variant("swiotlb-force", "every streaming mapping bounces: a missing sync is wrong data",
            # A pool of 16 MiB: the usual 64 MiB, KASAN and a test that fills it need more RAM.
            cmdline=(f"swiotlb=8192,force,{TRACK}",),
            proofs=(SMALL, BOUNCED, NO_IOMMU)),
    Variant("iommu-strict", "Intel IOMMU, IOTLB flushed at each unmap",
            devices=IOMMU, cmdline=("intel_iommu=on", "iommu.strict=1"),
            proofs=(TRANSLATES, _domain("DMA"),
                    Proof("flushes are strict", line(r"TLB invalidation policy: strict mode")))),
    Variant("iommu-lazy", "Intel IOMMU, IOTLB flushed in batches",
            devices=IOMMU, cmdline=("intel_iommu=on", "iommu.strict=0"),
            proofs=(TRANSLATES, _domain("DMA-FQ"),
                    Proof("flushes are lazy", line(r"TLB invalidation policy: lazy mode")))),
    Variant("ram-1g", "1 GiB, most of it above 4 GiB: buffers bounce through a pool in reach",
            memory="1G", machine=LOW_256M, cmdline=(f"swiotlb={TRACK}",),
            proofs=(Proof("RAM is 1 GiB", ram(1024)), BOUNCED,
                    POOL_IN_REACH, NO_IOMMU)),
    Variant("ram-5g", "5 GiB, most of it above 4 GiB: buffers bounce through a pool in reach",
            memory="5G", machine=LOW_256M, cmdline=(f"swiotlb={TRACK}",),
            proofs=(Proof("RAM is 5 GiB", ram(5120)), BOUNCED,
                    POOL_IN_REACH, NO_IOMMU)),
    Variant("out-of-reach", "5 GiB as usual: the bounce pool is out of reach, mapping must fail",
            memory="5G", cmdline=(f"swiotlb={TRACK}",), tests=("boot", "out_of_reach"),
            proofs=(Proof("RAM is 5 GiB", ram(5120)), NOT_BOUNCED,
                    POOL_OUT_OF_REACH, NO_IOMMU)),
)}
