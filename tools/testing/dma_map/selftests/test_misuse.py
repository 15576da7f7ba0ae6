# SPDX-License-Identifier: GPL-2.0
"""When a class of misuse is closed, and when it only looks so."""

from __future__ import annotations

import dataclasses
import unittest

import fixtures
import misuse
import misuse_control
import misuse_sources as sources
from report import Case, failed, passed

DEBUG_C = r"""
#define err_printk(dev, entry, format, arg...) do {	\
		WARN(1, pr_fmt("%s %s: ") format,	\
	} while (0);

	err_printk(dev, NULL, "maps memory from stack [addr=%p]\n", addr);
	err_printk(ref->dev, entry, "device driver frees "
		   "DMA memory with different size "
		   "[map size=%llu bytes]\n",
		   ref->dev_addr, entry->size, ref->size);
"""

SUITES = """
#[kunit_tests(fixture)]
mod tests {
    /// misuse: one, two/Handle
    /// misuse: three
    #[test]
    fn length_0_is_einval() -> Result {
        Ok(())
    }

    /// A text.
    ///
    /// misuse: four
    #[test]
    fn checks() -> Result {
        let text = "misuse: five";
        check_err!(map(0), EBUSY);
        wrong().ok_or(EIO)
    }

    // misuse: six
    #[test]
    fn not_marked() {}
}

/// misuse: seven
fn not_a_case() {}
"""

LIBRARY = (
    """
    pub struct Owner<'bound, T> {
        dev: DmaDevice<'bound>,
        cpu: NonNull<T>,
    }

    impl<T> Drop for Owner<'_, T> {
        fn drop(&mut self) {
            quarantine(self.dev)
        }
    }

    pub struct Borrower<'a> {
        // No Owner of its own.
        owner: &'a Owner<'a, u8>,
    }

    struct Inner {
        owner: Owner<'static, u8>,
    }

    pub struct Outer(Inner);

    pub(crate) struct Private {
        owner: Owner<'static, u8>,
    }
    """,
    """
    pub struct Inner2 {
        inner: Inner,
    }

    struct Inner {
        nothing: (),
    }

    pub struct Plain;

    impl Drop for Plain {
        fn drop(&mut self) {}
    }

    pub struct Buffer<'bound, M, S = Cpu> {
        memory: M,
        state: S,
    }

    impl<M, S> Drop for Buffer<'_, M, S> {
        fn drop(&mut self) {
            crate::quarantine(1)
        }
    }

    pub struct GivenBack(Owner<'static, u8>);

    impl From<GivenBack> for Error {
        fn from(_: GivenBack) -> Self {
            EINVAL
        }
    }

    pub struct Group<H> {
        handles: ManuallyDrop<H>,
    }

    impl<H> Drop for Group<H> {
        fn drop(&mut self) {
            unsafe { take(&mut self.handles) }.release()
        }
    }

    pub type Pages<'bound, S = Cpu> = Buffer<'bound, Contiguous, S>;
    """,
)


def without_indent(text: str) -> str:
    return "\n".join(line[4:] for line in text.splitlines())


ONE = sources.Class("one", "P1", "why", message="frees twice [size=%d]")
TWO = sources.Class("two", "P2", "why", title="two of them", every_handle=True)
STATIC = sources.Reference("one", "", sources.COMPILE_FAIL, "sg/freed_twice", "E0382")
DYNAMIC = sources.Reference("two", "Handle", sources.KUNIT, "fixture.leaked", "EBUSY")

RESULTS = [passed("compile-fail", "sg/freed_twice")]
for variant in misuse.NEEDED:
    RESULTS += [passed(f"kunit/{variant}", "kunit: fixture.leaked"),
                passed(f"kunit/{variant}", misuse.CLEAN)]


def catalogue(**changes) -> misuse.Catalogue:
    return dataclasses.replace(misuse.Catalogue(
        (ONE, TWO), (STATIC, DYNAMIC), ("Handle",), (ONE.message,), ("one",)), **changes)


def instead(bad: Case) -> list[Case]:
    """The results, with one that is worse."""
    return [bad if (case.group, case.name) == (bad.group, bad.name) else case for case in RESULTS]


class Sources(unittest.TestCase):
    def test_messages_are_those_of_all_calls(self) -> None:
        self.assertEqual(sources.messages_in(DEBUG_C), [
            "maps memory from stack [addr=%p]",
            "device driver frees DMA memory with different size [map size=%llu bytes]"])

    def test_marks_belong_to_the_case_that_follows(self) -> None:
        found = {(r.id, r.handle, r.case, r.how) for r in sources.in_suites(SUITES)}
        self.assertEqual(found, {
            ("one", "", "fixture.length_0_is_einval", "EINVAL"),
            ("two", "Handle", "fixture.length_0_is_einval", "EINVAL"),
            ("three", "", "fixture.length_0_is_einval", "EINVAL"),
            ("four", "", "fixture.checks", "EBUSY"),
            ("seven", "", "", "")})

    def test_handles_are_what_owns_memory(self) -> None:
        found = sources.handles_in(map(without_indent, LIBRARY))
        self.assertEqual(found, ["Group", "Outer", "Owner", "Pages"])

    def test_classes_are_well_formed(self) -> None:
        for entry in sources.classes():
            self.assertTrue(bool(entry.message) != bool(entry.title), entry.id)
            self.assertTrue(entry.in_c or entry.message, entry.id)


class Consistency(unittest.TestCase):
    def complaints(self, **changes) -> set[str]:
        return fixtures.failures(misuse.consistency(catalogue(**changes)))

    def test_all_speak_of_the_same(self) -> None:
        self.assertEqual(self.complaints(), set())

    def test_what_only_one_side_has(self) -> None:
        for changes, complaint in (
            ({"messages": (ONE.message, "new")}, "no message of the kernel is missing in the list"),
            ({"messages": ("other",)}, "no message of the list is missing in the kernel"),
            ({"messages": ()}, "the kernel has messages"),
            ({"classes": (ONE, TWO, ONE)}, "no class twice"),
            ({"classes": (ONE,)}, "no case of an unknown class"),
            ({"handles": ("Other",)}, "no case of an unknown handle"),
            ({"references": (dataclasses.replace(STATIC, handle="Handle"),)},
             "no handle where the class needs none"),
            ({"references": (dataclasses.replace(DYNAMIC, case=""),)}, "no mark without a case"),
            ({"committed": ("one", "two")}, "no misuse in C of an unknown class"),
        ):
            with self.subTest(complaint=complaint):
                self.assertIn(complaint, self.complaints(**changes))


class Closed(unittest.TestCase):
    def open(self, results: list[Case], **changes) -> dict[str, str]:
        verdicts = misuse.judge(catalogue(**changes), results, misuse.NEEDED)
        return {each.entry.id: each.why_not for each in verdicts if not each.closed}

    def test_all_cases_pass(self) -> None:
        verdicts = misuse.judge(catalogue(), RESULTS, misuse.NEEDED)
        self.assertEqual([(each.passed, each.total, each.how) for each in verdicts],
                         [(1, 1, "E0382"), (1, 1, "EBUSY")])
        self.assertEqual(misuse.last_line(verdicts), "misuse classes: 2 of 2 closed")

    def test_no_case(self) -> None:
        self.assertEqual(self.open(RESULTS, references=(DYNAMIC,)), {"one": "no case"})

    def test_a_case_fails(self) -> None:
        bad = failed("compile-fail", "sg/freed_twice", "compiles")
        self.assertEqual(self.open(instead(bad)), {"one": "sg/freed_twice: failed"})
        bad = failed("kunit/iommu-strict", "kunit: fixture.leaked", "")
        self.assertEqual(self.open(instead(bad)),
                         {"two": "fixture.leaked: failed in kunit/iommu-strict"})

    def test_a_case_does_not_run(self) -> None:
        few = [case for case in RESULTS if case.group not in ("compile-fail", "kunit/direct")]
        self.assertEqual(self.open(few), {"one": "sg/freed_twice: did not run",
                                          "two": "fixture.leaked: did not run in direct"})

    def test_a_case_is_skipped(self) -> None:
        skip = Case("kunit/direct", "kunit: fixture.leaked", "skip", "no device")
        self.assertEqual(self.open(instead(skip)), {})
        every = [Case(case.group, case.name, "skip", "no device")
                 if case.name == "kunit: fixture.leaked" else case for case in RESULTS]
        self.assertEqual(self.open(every), {"two": "fixture.leaked: was skipped everywhere"})

    def test_the_kernel_complains(self) -> None:
        bad = failed("kunit/direct", misuse.CLEAN, "DMA-API: ...")
        self.assertEqual(self.open(instead(bad)),
                         {"two": "fixture.leaked: the kernel complained in kunit/direct"})

    def test_a_handle_without_a_case(self) -> None:
        self.assertEqual(self.open(RESULTS, handles=("Handle", "New")),
                         {"two": "no case for New"})


class Control(unittest.TestCase):
    def setUp(self) -> None:
        self.classes = sources.classes()
        self.lines = fixtures.lines("misuse_control")

    def test_each_message_is_seen_between_its_marks(self) -> None:
        cases, seen = misuse_control.judge(self.lines, self.classes)
        self.assertEqual(fixtures.failures(cases), set())
        expected = {entry.id for entry in self.classes if entry.message and not entry.not_provoked}
        self.assertEqual(set(seen), expected)

    def test_a_silent_oracle_fails(self) -> None:
        marks = [line for line in self.lines if "DMA-API" not in line]
        cases, seen = misuse_control.judge(marks, self.classes)
        self.assertEqual(seen, {})
        self.assertEqual(len(fixtures.failures(cases)), 21)

    def test_a_message_elsewhere_does_not_count(self) -> None:
        lines = [line for line in self.lines if "control: begin map-vmalloc" not in line]
        cases, _ = misuse_control.judge(lines, self.classes)
        self.assertEqual(fixtures.failures(cases),
                         {"C is told of: device driver maps memory from vmalloc area"})

    def test_a_log_that_ends_early(self) -> None:
        cases, seen = misuse_control.judge(self.lines[:20], self.classes)
        self.assertNotIn("pending-at-release", seen)
        self.assertTrue(fixtures.failures(cases))
