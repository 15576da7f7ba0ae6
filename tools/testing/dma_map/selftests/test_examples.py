# SPDX-License-Identifier: GPL-2.0
"""Examples are found in documentation, and become modules."""

from __future__ import annotations

import unittest

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
        self.assertIn("fn example(dma:", module("m", "x.rs", first))
        self.assertNotIn("fn example(dma:", module("m", "x.rs", second))


if __name__ == "__main__":
    unittest.main()
