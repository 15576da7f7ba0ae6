# SPDX-License-Identifier: GPL-2.0
"""The guest's only file system: busybox, /init, the test scripts, the modules, the user tool."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ktap import source_of
from report import Stop

HERE = Path(__file__).resolve().parent
KTAP_HELPERS = "tools/testing/selftests/kselftest/ktap_helpers.sh"
# What scripts share; each other script is a test.
SHARED = ("disk", "guest")
FOLDERS = ("/bin", "/files", "/lib", "/modules", "/proc", "/sys", "/tests", "/tmp")


@dataclass(frozen=True)
class Contents:
    """Everything that one initramfs is made of."""

    kdir: Path
    modules: Sequence[Path] = ()
    other_modules: Sequence[Path] = ()  # there to be loaded by name only
    tools: Sequence[Path] = ()
    extra_tests: Sequence[Path] = ()
    files: Sequence[Path] = ()  # of whoever boots his own modules
    more: Mapping[str, Path] = field(default_factory=dict)  # path in the guest to path here


def modinfo(module: Path, key: str) -> list[str]:
    """The values of one key in a module's .modinfo section, read without any tool."""
    prefix = f"{key}=".encode()
    return [entry[len(prefix):].decode() for entry in module.read_bytes().split(b"\0")
            if entry.startswith(prefix)]


def name_of(module: Path) -> str:
    return module.stem.replace("-", "_")


def load_order(modules: Iterable[Path]) -> list[Path]:
    """Each module after the ones that it depends on, else in the order given."""
    by_name = {name_of(module): module for module in modules}
    ordered: list[Path] = []

    def visit(module: Path, asked_by: tuple[str, ...]) -> None:
        if module in ordered:
            return
        if module.stem in asked_by:
            raise Stop("modules depend on each other in a circle: " + " -> ".join(asked_by))
        for needed in ",".join(modinfo(module, "depends")).split(","):
            if needed in by_name:
                visit(by_name[needed], (*asked_by, module.stem))
        ordered.append(module)

    for module in by_name.values():
        visit(module, ())
    return ordered


def _busybox() -> Path:
    found = shutil.which("busybox")
    if found is None:
        raise Stop("busybox is missing: install the package busybox-static")
    # A dynamic one would find no loader in the guest.
    with open(found, "rb") as file:
        if b"/ld-linux" in file.read(4096):
            raise Stop(f"{found} is not statically linked: install the package busybox-static")
    return Path(found)


def _stripped(module: Path, scratch: Path) -> Path:
    """The module without its line tables, which no guest reads and each one would unpack."""
    out = scratch / module.name
    subprocess.run(["strip", "--strip-debug", "-o", out, module], check=True)
    return out


def _files(contents: Contents, order: Path, scratch: Path) -> dict[str, tuple[Path, int]]:
    """Path in the guest to (path here, mode)."""
    helpers = source_of(contents.kdir) / KTAP_HELPERS
    if not helpers.is_file():
        raise Stop(f"{helpers} is missing: point KDIR at a kernel built from a full source tree")
    files = {
        "/init": (HERE / "guest/init", 0o755),
        "/bin/busybox": (_busybox(), 0o755),
        "/lib/ktap_helpers.sh": (helpers, 0o644),
        "/modules/order": (order, 0o644),
    }
    for name in SHARED:
        files[f"/lib/{name}.sh"] = (HERE / f"guest/{name}.sh", 0o644)
    scripts = [path for path in sorted((HERE / "guest").glob("*.sh")) if path.stem not in SHARED]
    for path in (*scripts, *contents.extra_tests):
        files[f"/tests/{path.name}"] = (path, 0o644)
    for path in (*contents.modules, *contents.other_modules):
        files[f"/modules/{name_of(path)}.ko"] = (_stripped(path, scratch), 0o644)
    for path in contents.tools:
        files[f"/bin/{path.name}"] = (path, 0o755)
    for path in contents.files:
        files[f"/files/{path.name}"] = (path, 0o755)
    files.update({inside: (path, 0o755) for inside, path in contents.more.items()})
    return files


def _folders(files: Iterable[str]) -> list[str]:
    """Each behind the one that it is in."""
    needed = {str(parent) for inside in files for parent in PurePosixPath(inside).parents}
    return sorted({*FOLDERS, *needed} - {"/"})


def _applets(busybox: Path, taken: Iterable[str]) -> list[str]:
    listed = subprocess.run([busybox, "--list"], check=True, capture_output=True, text=True)
    return [name for name in listed.stdout.split()
            if f"/bin/{name}" not in taken and name != "busybox"]


def _with_gen_init_cpio(tool: Path, files: dict[str, tuple[Path, int]], links: list[str],
                        scratch: Path, out: Path) -> None:
    """The kernel's own tool: no staging folder, no root."""
    spec = [f"dir {folder} 755 0 0" for folder in _folders(files)]
    spec += [f"file {inside} {path} {mode:o} 0 0" for inside, (path, mode) in files.items()]
    spec += [f"slink /bin/{name} busybox 777 0 0" for name in links]
    listing = scratch / "initramfs.list"
    listing.write_text("\n".join(spec) + "\n")
    with out.open("wb") as archive:
        subprocess.run([tool, listing], check=True, stdout=archive)


def _with_cpio(files: dict[str, tuple[Path, int]], links: list[str],
               scratch: Path, out: Path) -> None:
    """For a KDIR without usr/gen_init_cpio, as distributions ship it."""
    if shutil.which("cpio") is None:
        raise Stop("KDIR has no usr/gen_init_cpio, and cpio is missing: install the package cpio")
    stage = scratch / "stage"
    for folder in _folders(files):
        (stage / folder[1:]).mkdir(parents=True, exist_ok=True)
    for inside, (path, mode) in files.items():
        target = stage / inside[1:]
        shutil.copyfile(path, target)
        target.chmod(mode)
    for name in links:
        (stage / "bin" / name).symlink_to("busybox")
    names = sorted(str(path.relative_to(stage)) for path in stage.rglob("*"))
    with out.open("wb") as archive:
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], check=True, cwd=stage,
                       input="\n".join(names).encode(), stdout=archive)


def build(contents: Contents, out: Path) -> Path:
    """Writes the archive to `out`. The kernel's built-in initramfs adds /dev/console to it."""
    with tempfile.TemporaryDirectory(prefix="dma_map_initramfs.") as folder:
        scratch = Path(folder)
        order = scratch / "order"
        order.write_text("".join(f"{name_of(m)}\n" for m in load_order(contents.modules)))
        files = _files(contents, order, scratch)
        links = _applets(files["/bin/busybox"][0], files)
        tool = contents.kdir / "usr/gen_init_cpio"
        partial = out.with_suffix(".part")
        if tool.is_file():
            _with_gen_init_cpio(tool, files, links, scratch, partial)
        else:
            _with_cpio(files, links, scratch, partial)
        partial.replace(out)
    return out
