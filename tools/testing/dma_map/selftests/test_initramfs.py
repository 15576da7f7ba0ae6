# SPDX-License-Identifier: GPL-2.0
"""Order of modules, from what their .modinfo says."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

from initramfs import load_order
from report import Stop


class LoadOrder(unittest.TestCase):
    def order(self, modules: dict[str, str]) -> list[str]:
        with tempfile.TemporaryDirectory() as folder:
            paths = []
            for name, depends in modules.items():
                path = Path(folder) / f"{name}.ko"
                path.write_bytes(b"\0license=GPL\0depends=" + depends.encode() + b"\0name=x\0")
                paths.append(path)
            return [path.stem for path in load_order(paths)]

    def test_library_first(self) -> None:
        self.assertEqual(self.order({"a_client": "z_library", "z_library": ""}),
                         ["z_library", "a_client"])

    def test_dash_in_a_file_name(self) -> None:
        self.assertEqual(self.order({"a": "the_lib", "the-lib": ""}), ["the-lib", "a"])

    def test_module_of_the_kernel_is_not_ours(self) -> None:
        self.assertEqual(self.order({"a": "virtio,b", "b": ""}), ["b", "a"])

    def test_circle(self) -> None:
        with self.assertRaises(Stop):
            self.order({"a": "b", "b": "a"})
