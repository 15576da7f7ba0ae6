# SPDX-License-Identifier: GPL-2.0
"""The tutorial's pages become drivers, and what they show is compared with what was said."""

from __future__ import annotations

import unittest

import tutorial
import tutorial_run
from report import FAIL, PASS
from tutorial import Wrong, drivers, imports, paths_of, steps_of

TEMPLATE = """// SPDX-License-Identifier: GPL-2.0

//! Driver.

use kernel::{
    io::Io,
    prelude::*, //
};

/// Three.
const A: u32 = 3;

struct Device {
    old: u32,

    new: u32,
}

impl Device {
    fn first() {}

    fn second() {
        A;

        first();
    }

    fn third() {}
}

my_driver! {}
"""

PAGE = """
Step 1: Begin
=============

.. code-block:: rust

    // SPDX-License-Identifier: GPL-2.0

    //! Something shorter.

    use kernel::{pci, io::Io, prelude::*};

    struct Device;

    impl Device {
        fn third() {}

        fn old() {
            pci::gone();
        }

        fn second() {}
    }

    my_driver! {}

Text.

.. code-block:: text

    my_driver 0000:00:01.0: begun

Step 2: End
===========

.. code-block:: rust

    struct Device {
        old: u32,

        new: u32,
    }

    /// Three.
    const A: u32 = 3;

    impl Device {
        fn second() {
            A;

            first();
        }

        fn first() {}
    }

.. code-block:: rust

    // instead of: A;
    let a = A;
    a;
    // instead of: first();

.. code-block:: text

    error: no
"""


class TutorialTest(unittest.TestCase):
    def test_items_replace_those_of_their_name(self) -> None:
        first, second = drivers(steps_of([PAGE]), TEMPLATE)
        self.assertIn("struct Device;\n", first)
        self.assertNotIn("const A", first)
        self.assertEqual(second.replace("\n\n    fn old() {\n        pci::gone();\n    }", "").replace(
            "    pci,\n", ""), TEMPLATE)

    def test_what_is_not_in_the_last_step_stands_after_its_neighbour(self) -> None:
        first = drivers(steps_of([PAGE]), TEMPLATE)[0]
        self.assertLess(first.index("fn second"), first.index("fn third"))
        self.assertLess(first.index("fn third"), first.index("fn old"))

    def test_steps_go_on_from_page_to_page(self) -> None:
        pages = PAGE.partition("Step 2")
        self.assertEqual(steps_of([pages[0], pages[1] + pages[2]]), steps_of([PAGE]))
        with self.assertRaisesRegex(Wrong, "have the numbers"):
            steps_of(["Step 2: End\n"])
        with self.assertRaisesRegex(Wrong, "before the first step"):
            steps_of([".. code-block:: rust\n\n    struct A;\n"])

    def test_lines_of_the_log_belong_to_their_step(self) -> None:
        first, second = steps_of([PAGE])
        self.assertEqual(first.says, ["my_driver 0000:00:01.0: begun"])
        self.assertEqual(second.says, [])
        self.assertEqual(second.mistakes[0].says, ("error: no",))
        self.assertFalse(second.mistakes[0].compiles)

    def test_mistakes_stand_in_place_of_lines(self) -> None:
        steps = steps_of([PAGE])
        mistake, source = steps[1].mistakes[0], drivers(steps, TEMPLATE)[1]
        self.assertIn("    fn second() {\n        let a = A;\n        a;\n\n    }\n",
                      mistake.made_in(source))
        with self.assertRaisesRegex(Wrong, "there 0 times: A;"):
            mistake.made_in(source.replace("A;", "B;"))
        with self.assertRaisesRegex(Wrong, "has no text after it"):
            steps_of([PAGE.replace(".. code-block:: text\n\n    error: no\n", PAGE[:100])])

    def test_imports_are_those_that_are_used(self) -> None:
        self.assertEqual(paths_of("a::{b::{self, c}, D, //\n};"), ["a::b::self", "a::b::c", "a::D"])
        paths = ["a::b", "a::b::c", "a::D", "a::e::F", "g::h::I", "a::Gone"]
        self.assertEqual(imports(paths, "b c D // Gone\n F I"),
                         "use a::{\n    b::{\n        self,\n        c, //\n    },\n    e::F,\n"
                         "    D, //\n};\nuse g::h::I;")

    def test_the_compilers_text_ends_at_its_notes(self) -> None:
        text = ("error: no\n --> /x/y.rs:LL:CC\n  |\nLL | A;\n  | ^\n  |\n  = note: ...\n\n"
                "error: neither\n")
        self.assertEqual(tutorial_run.shown(text),
                         ["error: no", " --> my_driver.rs", "  |", "LL | A;", "  | ^"])

    def test_a_step_logs_the_page_s_lines_and_no_other(self) -> None:
        log = ["[    1.0] step1 0000:00:01.0: begun", "[    1.1] step12 0000:00:01.0: other"]
        page = ["my_driver 0000:00:01.0: begun"]
        self.assertEqual(tutorial_run.said("step1", page, log).status, PASS)
        self.assertEqual(tutorial_run.said("step1", page, log[1:]).status, FAIL)
        self.assertEqual(tutorial_run.said("step1", page, log + log).status, FAIL)

    def test_a_mistake_ends_in_the_page_s_lines(self) -> None:
        log = ["step1_wrong 0000:00:01.0: begun", "step1_wrong 0000:00:01.0: probe of step1_wrong"]
        page = ["my_driver 0000:00:01.0: probe of my_driver"]
        self.assertEqual(tutorial_run.said("step1_wrong", page, log).status, PASS)
        self.assertEqual(tutorial_run.said("step1_wrong", page, log[:1]).status, FAIL)

    def test_the_pages_can_be_read(self) -> None:
        steps, sources = tutorial.read()
        self.assertEqual(len(steps), len(sources))
        self.assertTrue(all(step.says and step.mistakes for step in steps))


if __name__ == "__main__":
    unittest.main()
