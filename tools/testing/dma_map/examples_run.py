# SPDX-License-Identifier: GPL-2.0
"""The examples of the API's documentation that run: in the guest, on an idle PCI function.

A block ```ignore,run becomes a function of a module that is built outside the checkout. Its probe
calls each of them. guest/examples.sh makes KTAP of what it logs.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import examples
import judge
import qemu
from report import Case, Stop, say
from session import HERE, ROOT, Session, Work, boot_and_judge, without_make
from variants import VARIANTS, Variant

GROUP = "examples"
TEST = "examples"
DEVICES = ("edu", "pci-testdev")
# Where the device reaches all memory by itself, and where an IOMMU translates and IOVAs exist.
CHOSEN = ("direct", "iommu-strict")

_DRIVER = """
use kernel::{{device::Core, dma::DmaMask, pci, prelude::*}};

struct Examples;

kernel::pci_device_table!(
    PCI_TABLE,
    <Examples as pci::Driver>::IdInfo,
    [(pci::DeviceId::from_id(pci::Vendor::REDHAT, 0x0005), ())]
);

fn report(number: usize, place: &str, result: Result) {{
    match result {{
        Ok(()) => pr_info!("ok {{}} {{}}\\n", number, place),
        Err(error) => {{
            pr_info!("# {{}} returned {{:?}}\\n", place, error);
            pr_info!("not ok {{}} {{}}\\n", number, place);
        }}
    }}
}}

impl pci::Driver for Examples {{
    type IdInfo = ();
    type Data<'bound> = Examples;
    const ID_TABLE: pci::IdTable<Self::IdInfo> = &PCI_TABLE;

    fn probe<'bound>(
        pdev: &'bound pci::Device<Core<'_>>,
        _info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {{
        pdev.enable_device_mem()?;
        let dma = dma_map::DmaDevice::new(pdev, dma_map::DmaLimits::new(DmaMask::new::<32>()))?;
        let regs: pci::Bar<'_> = pdev.iomap_region(0, c"examples")?;
        pr_info!("1..{count}\\n");
{calls}
        Ok(Examples)
    }}
}}

kernel::module_pci_driver! {{
    type: Examples,
    name: "examples",
    description: "The examples of dma_map's documentation",
    license: "GPL",
}}
"""


def source(found: Sequence[tuple[str, str]]) -> str:
    """The module that runs examples, each a place and its code."""
    calls = "\n".join(f'        report({number}, "{place}", '
                      f"example_{number}::run(dma, Device, &regs));"
                      for number, (place, _) in enumerate(found, 1))
    modules = [examples.module(f"example_{number}", place, block)
               for number, (place, block) in enumerate(found, 1)]
    driver = _DRIVER.format(count=len(found), calls=calls)
    return "\n".join([examples.ALLOW, driver, examples.NAMES, examples.ENGINE, *modules])


def _module(session: Session, folder: Path, text: str) -> Path:
    (folder / "examples.rs").write_text(text)
    (folder / "Kbuild").write_text(f"obj-m := examples.o\ninclude {ROOT}/driver.mk\n")
    words = ["make", "--no-print-directory", "-C", session.kdir, f"M={folder}",
             f"DMA_MAP_BUILD={session.build}", *(["LLVM=1"] if session.llvm else []), "modules"]
    done = subprocess.run(words, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=without_make(os.environ), check=False)
    if done.returncode:
        raise Stop(f"the examples that run do not build:\n{done.stdout}")
    return folder / "examples.ko"


def _one(session: Session, image: Path, variant: Variant) -> list[Case]:
    boot = qemu.Boot(variant, session.kdir, image, [TEST], session.accel, DEVICES,
                     ("kunit.enable=0",), session.timeout)
    demands = judge.Demands([TEST], variant, traffic=False)
    return boot_and_judge(session, boot, demands, f"{GROUP}/{variant.name}")


def boots(session: Session) -> list[Work]:
    found = examples.that_run(ROOT / "rust/dma_map")
    say(f"{GROUP}: {len(found)} run, in {len(CHOSEN)} boots")
    session.forget_logs(GROUP)
    with tempfile.TemporaryDirectory(prefix="dma_map_examples.") as folder:
        module = _module(session, Path(folder).resolve(), source(found))
        image = session.make_initramfs(GROUP, [], [module])
    return [partial(_one, session, image, VARIANTS[name]) for name in CHOSEN]
