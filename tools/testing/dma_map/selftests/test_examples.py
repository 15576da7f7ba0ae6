# SPDX-License-Identifier: GPL-2.0
"""Examples are found in documentation, and become modules."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path
from unittest import mock

import examples
import examples_run
from examples import blocks, has_statements, module

SOURCE = """//! ```ignore
//! # use a::b;
//! let c = b();
//! ```

impl X {
    /// ```ignore
    /// #[vtable]
    /// # #[repr(C)]
    /// impl Y for X {
    ///     fn f() {
    ///         let a = 1;
    ///     }
    /// }
    /// ```
    fn x();
    /// ```text
    /// let d = 1;
    /// ```
}
"""


class ExamplesTest(unittest.TestCase):
    def test_hidden_lines_are_code_and_attributes_stay(self) -> None:
        first, second = blocks(SOURCE)
        self.assertEqual(first, "use a::b;\nlet c = b();\n")
        self.assertTrue(second.startswith("#[vtable]\n#[repr(C)]\nimpl Y for X {\n    fn f() {\n"))

    def test_statements_get_a_function(self) -> None:
        first, second = blocks(SOURCE)
        self.assertTrue(has_statements(first))
        self.assertFalse(has_statements(second))
        self.assertIn("fn run(dma:", module("m", "x.rs", first))
        self.assertNotIn("fn run(dma:", module("m", "x.rs", second))

    def test_the_fence_says_which_run(self) -> None:
        with tempfile.TemporaryDirectory() as name, mock.patch.object(examples, "ROOT", Path(name)):
            text = SOURCE.replace("//! ```ignore", "//\n//! ```ignore,run")
            (Path(name) / "x.rs").write_text(text)
            self.assertEqual(len(blocks(text)), 2)
            self.assertEqual(examples.that_run(Path(name)),
                             [("x.rs:2", "use a::b;\nlet c = b();\n")])

    def test_each_that_runs_is_called_under_its_place(self) -> None:
        text = examples_run.source([("x.rs:2", "let a = 1;\n"), ("y.rs:7", "let b = 2;\n")])
        self.assertIn('"1..2\\n"', text)
        self.assertIn('report(1, "x.rs:2", example_1::run(dma, Device, &regs));', text)
        self.assertIn('report(2, "y.rs:7", example_2::run(dma, Device, &regs));', text)


if __name__ == "__main__":
    unittest.main()
