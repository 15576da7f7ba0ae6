#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Adds the library and its clients to what the kernel's generate_rust_analyzer.py wrote.

usage: rust_project.py KERNELS-JSON CHECKOUT DIR PREFIX >rust-project.json

The kernel's generator finds crates beside a Kbuild file that names their objects, and knows no
dependencies but its own crates. PREFIX stands before the paths of the toolchain, /usr/...
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

KERNEL_CRATES = ("core", "kernel", "pin_init", "zerocopy", "zerocopy_derive")
TOOLCHAIN = "/usr/"


def clients(checkout: Path, folder: Path) -> Iterator[Path]:
    """The crate roots in a folder: NAME.rs where a Kbuild or Makefile beside it has NAME.o."""
    if folder == checkout:
        yield from sorted(checkout.glob("drivers/dma_map/*/dma_map_*.rs"))
        yield from sorted(checkout.glob("tools/dma_map/template/*.rs"))
        return
    for build_file in sorted((*folder.rglob("Kbuild"), *folder.rglob("Makefile"))):
        for name in sorted(set(re.findall(r"([\w-]+)\.o\b", build_file.read_text()))):
            root = build_file.parent / f"{name}.rs"
            if root.is_file():
                yield root


def crate(root: Path, deps: list[dict[str, Any]], like: dict[str, Any]) -> dict[str, Any]:
    return {
        "display_name": root.stem.replace("-", "_"),
        "root_module": str(root),
        "is_workspace_member": True,
        "deps": deps,
        "cfg": [*like["cfg"], "MODULE"],
        "edition": like["edition"],
        "env": like["env"],
    }


def moved(value: Any, prefix: str) -> Any:
    """The value with each path of the toolchain behind the prefix."""
    if isinstance(value, dict):
        return {key: moved(item, prefix) for key, item in value.items()}
    if isinstance(value, list):
        return [moved(item, prefix) for item in value]
    if isinstance(value, str) and (value + "/").startswith(TOOLCHAIN):
        return prefix + value
    return value


def project(of_kernel: dict[str, Any], checkout: Path, folder: Path, prefix: str) -> dict[str, Any]:
    crates = of_kernel["crates"]
    index = {item["display_name"]: at for at, item in reversed(list(enumerate(crates)))}
    missing = [name for name in KERNEL_CRATES if name not in index]
    if missing:
        raise SystemExit(f"error: the kernel's rust-project.json lacks {', '.join(missing)}: "
                         "this kernel is not one of 7.3")
    deps = [{"crate": index[name], "name": name} for name in KERNEL_CRATES]
    like = crates[index["kernel"]]
    library = {"crate": len(crates), "name": "dma_map"}
    crates.append(crate(checkout / "rust/dma_map/dma_map.rs", deps, like))
    roots = list(clients(checkout, folder))
    if not roots:
        raise SystemExit(f"error: no Rust module in {folder}: a Kbuild with obj-m := NAME.o must be "
                         "beside NAME.rs")
    crates.extend(crate(root, [*deps, library], like) for root in roots)
    return moved(of_kernel, prefix)


def main(argv: list[str]) -> None:
    source, checkout, folder, prefix = argv
    of_kernel = json.loads(Path(source).read_text())
    result = project(of_kernel, Path(checkout), Path(folder), prefix)
    json.dump(result, sys.stdout, indent=1, sort_keys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
