# SPDX-License-Identifier: GPL-2.0
"""The machines that the tests run on, and how each proves that it is what its name says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proofs import (ALWAYS, BOUNCED, KFENCE, LAZY, NO_IOMMU, NOT_BOUNCED, POOL_IN_REACH,
                    POOL_OUT_OF_REACH, SMALL, STRICT, TRANSLATES, Proof, domain, fact, ram)
from report import Case, verdict
from transcript import Transcript


@dataclass(frozen=True)
class Variant:
    name: str
    what: str
    memory: str = "256M"
    cpus: int = 1
    # With -icount, guest time counts instructions, each 2 to the power of this in ns: an idle guest
    # jumps to its next timer, and a busy host can't make a timeout fire. It needs a single TCG
    # thread. None is real time.
    icount: int | None = 1
    machine: str = "q35"
    devices: tuple[str, ...] = ()
    cmdline: tuple[str, ...] = ()
    proofs: tuple[Proof, ...] = ()
    always: tuple[Proof, ...] = ALWAYS
    tests: tuple[str, ...] | None = None  # instead of the matrix's
    needs: str = ""  # an option of the kernel that not all have

    def prove(self, transcript: Transcript, log: Sequence[str], group: str,
              traffic: bool) -> list[Case]:
        return [verdict(group, proof.claim, proof.holds(transcript, log), _shown(transcript))
                for proof in (*self.always, *self.proofs) if traffic or not proof.traffic]


def _shown(transcript: Transcript) -> str:
    return "\n".join(f"{name}={value}" for name, value in transcript.facts.items())


# Left alone, the static bounce pool lies near the top of RAM below 4 GiB, out of the device's
# reach, and SWIOTLB_DYNAMIC still prefers it. With only 256 MiB below 4 GiB it is in reach.
LOW_256M = "q35,max-ram-below-4g=256M"
TRACK = "track_hiwater"
IOMMU = ("intel-iommu,intremap=on",)

VARIANTS = {variant.name: variant for variant in (
    Variant("direct", "all RAM within 28 bits, no IOMMU, no bounce buffers",
            cmdline=(f"swiotlb={TRACK}",),
            proofs=(SMALL, NOT_BOUNCED, NO_IOMMU)),
    # In real time each transfer takes its 100 ms, and a busy host makes every timeout a matter
    # of luck: so only the tests that races are to be found in.
    Variant("smp", "two CPUs in real time, for races", cpus=2, icount=None,
            cmdline=(f"swiotlb={TRACK}",),
            tests=("boot", "openers", "two_devices", "unbind_bind", "unbind_transfer",
                   "unload_transfer", "completion"),
            proofs=(Proof("two CPUs", fact("cpus", lambda value: value == "2")),
                    SMALL, NO_IOMMU)),
    Variant("swiotlb-force", "every streaming mapping bounces: a missing sync is wrong data",
            # A pool of 16 MiB, and RAM above 4 GiB beside: KASAN and a test that fills the pool need
            # more than 256 MiB.
            memory="512M", machine=LOW_256M, cmdline=(f"swiotlb=8192,force,{TRACK}",),
            proofs=(BOUNCED, POOL_IN_REACH, NO_IOMMU)),
    Variant("iommu-strict", "Intel IOMMU, IOTLB flushed at each unmap",
            memory="384M", devices=IOMMU, cmdline=("intel_iommu=on", "iommu.strict=1"),
            proofs=(TRANSLATES, domain("DMA"), STRICT)),
    Variant("iommu-lazy", "Intel IOMMU, IOTLB flushed in batches",
            devices=IOMMU, cmdline=("intel_iommu=on", "iommu.strict=0"),
            proofs=(TRANSLATES, domain("DMA-FQ"), LAZY)),
    Variant("ram-1g", "1 GiB, most of it above 4 GiB: buffers bounce through a pool in reach",
            memory="1G", machine=LOW_256M, cmdline=(f"swiotlb={TRACK}",),
            proofs=(Proof("RAM is 1 GiB", ram(1024)), BOUNCED,
                    POOL_IN_REACH, NO_IOMMU)),
    Variant("ram-5g", "5 GiB, most of it above 4 GiB: buffers bounce through a pool in reach",
            memory="5G", machine=LOW_256M, cmdline=(f"swiotlb={TRACK}",),
            proofs=(Proof("RAM is 5 GiB", ram(5120)), BOUNCED,
                    POOL_IN_REACH, NO_IOMMU)),
    # The initramfs is at the end of memory, and the static pool of 2 MiB before it, in reach. When the
    # first has been unpacked, what the kernel adds to the second lies beyond 28 bits.
    Variant("grown", "264 MiB, every streaming mapping bounces, and pools grow out of reach",
            memory="264M", cmdline=("swiotlb=1024,force",), tests=("boot",),
            proofs=(Proof("RAM is 264 MiB", ram(264)), NO_IOMMU)),
    Variant("out-of-reach", "5 GiB as usual: the bounce pool is out of reach, mapping must fail",
            memory="5G", cmdline=(f"swiotlb={TRACK}",), tests=("boot", "out_of_reach"),
            proofs=(Proof("RAM is 5 GiB", ram(5120)), NOT_BOUNCED,
                    POOL_OUT_OF_REACH, NO_IOMMU)),
    # The CPUs run in turns, so that a busy host makes no timeout fire.
    Variant("cpus-4", "as direct, with four CPUs that take turns: each has interrupts of its own",
            cpus=4, cmdline=(f"swiotlb={TRACK}",), tests=(),
            proofs=(Proof("four CPUs", fact("cpus", lambda value: value == "4")),
                    SMALL, NOT_BOUNCED, NO_IOMMU)),
    # As often as its timer allows; the guest's script adds that it takes many at a time.
    Variant("kfence", "as direct, and KFENCE guards what is allocated",
            cmdline=(f"swiotlb={TRACK}", "kfence.sample_interval=1"),
            tests=(), needs="CONFIG_KFENCE",
            proofs=(SMALL, NOT_BOUNCED, NO_IOMMU, *KFENCE)),
)}
