# SPDX-License-Identifier: GPL-2.0
"""The compile-fail runner, on small cases and with the real rustc."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

import fixtures
import kbuild_rustc
from compile_fail import Runner, Sides, expectation, run_folder, sides_of

CMD = ("savedcmd_drivers/x.o := OBJTREE=/o RUST_MODFILE=x rustc --edition=2021 "
       "-Zcrate-attr='feature(asm_goto)' --crate-type rlib {extern} --out-dir drivers/ "
       "--emit=dep-info=drivers/.x.o.d --emit=obj=drivers/x.o /s/drivers/x.rs  "
       "; ./tools/objtool/objtool --orc drivers/x.o\n\nsource_drivers/x.o := /s/drivers/x.rs\n")

MOVED = """// error: E0382
pub fn f(v: String) -> usize {
    let w = v;
    w.len()
}
"""
CONSTANT = """// error: E0080
// emit: obj
fn small<const N: usize>() -> usize {
    const { assert!(N < 10) };
    N
}
pub fn f() -> usize {
    small::<9>()
}
"""
LIFETIME = """// error: text lifetime may not live long enough
pub fn f<'a, 'b>(x: &'a u8, _y: &'b u8) -> &'a u8 {
    x
}
"""
SYMBOL = """// error: link nowhere
extern "C" {
    fn nowhere();
}
pub fn f() {
    let g: fn() = || ();
    g()
}
"""


class Tree:
    """A build folder with a .cmd file, and a folder of cases."""

    def __init__(self, folder: str) -> None:
        self.build = Path(folder) / "build"
        self.cases = Path(folder) / "cases"
        (self.build / "drivers").mkdir(parents=True)
        (self.cases / "type").mkdir(parents=True)
        # The dependency only has to be named: no case uses it, so rustc never opens it.
        self.cmd("--extern dma_map=/nowhere")

    def cmd(self, extern: str) -> None:
        (self.build / "drivers/.x.o.cmd").write_text(CMD.format(extern=extern))

    def case(self, name: str, good: str, old: str, new: str) -> None:
        """A case that without its mistake is `good`."""
        lines = good.splitlines()
        at = next(at for at, line in enumerate(lines) if old in line)
        lines[at:at + 1] = ["// pass: " + lines[at], lines[at].replace(old, new)]
        self.write(name, "\n".join(lines) + "\n")

    def write(self, name: str, source: str) -> None:
        (self.cases / f"type/{name}.rs").write_text(source)

    def run(self, bless: bool = False) -> dict[str, str]:
        rustc = kbuild_rustc.Rustc(
            ("rustc", "--edition=2021", "--crate-type", "rlib"),
            {"RUSTC_BOOTSTRAP": "1"}, self.build, "1.85.1")
        results = run_folder(Runner(rustc, {"$ROOT": self.build}, bless), self.cases, 2)
        return {case.name.removeprefix("type/"): case.detail for case in results
                if case.name in fixtures.failures(results)}


class CompileFail(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tree = Tree(folder.name)

    def test_kinds_of_errors(self) -> None:
        self.tree.case("moved", MOVED, "w.len", "v.len")
        self.tree.case("constant", CONSTANT, "<9>", "<10>")
        self.tree.case("lifetime", LIFETIME, "    x", "    _y")
        self.tree.case("symbol", SYMBOL, "|| ()", "|| unsafe { nowhere() }")
        self.assertEqual(self.tree.run(), {})

    def test_case_that_compiles(self) -> None:
        self.tree.case("fine", MOVED, "w.len()", "w.len() + 1")
        self.assertEqual(self.tree.run(), {"fine": "compiles"})

    def test_other_error_than_expected(self) -> None:
        self.tree.case("typo", MOVED, "w.len()", "w.length()")
        self.assertIn("expected E0382 only, got E0599", self.tree.run()["typo"])

    def test_constant_needs_code_generation(self) -> None:
        self.tree.case("early", CONSTANT.replace("// emit: obj\n", ""), "<9>", "<10>")
        self.assertEqual(self.tree.run(), {"early": "compiles"})

    def test_pass_line_that_fails_too(self) -> None:
        self.tree.case("fine", MOVED, "w.len", "v.len")
        self.tree.case("both", MOVED.replace("w.len()", "v.len()"), "let w =", "let w: String =")
        self.tree.case("also_fine", MOVED, "w.len", "v.len")
        failures = self.tree.run()
        self.assertEqual(set(failures), {"both"})
        self.assertIn("does not compile with its pass line", failures["both"])

    def test_cases_that_pass_only_alone(self) -> None:
        exported = MOVED.replace("pub fn", "#[no_mangle]\npub fn") + "// emit: obj\n"
        self.tree.case("first", exported, "w.len", "v.len")
        self.tree.case("second", exported, "w.len", "v.len")
        failures = self.tree.run()
        self.assertEqual(set(failures), {"first", "second"})
        self.assertIn("symbol `f` is already defined", failures["first"])

    def test_symbol_that_stays(self) -> None:
        self.tree.case("used", SYMBOL.replace("|| ()", "|| unsafe { nowhere() }"),
                       "    g()", "    g();")
        self.assertIn("needs nowhere with its pass line too", self.tree.run()["used"])

    def test_symbol_that_never_comes(self) -> None:
        self.tree.case("unused", SYMBOL, "    g()", "    g();")
        self.assertEqual(self.tree.run(), {"unused": "leaves no undefined symbol nowhere"})

    def test_no_pass_line(self) -> None:
        self.tree.write("alone", MOVED.replace("w.len", "v.len"))
        self.assertIn("needs one line `// pass: ...`", self.tree.run()["alone"])

    def test_two_pass_lines(self) -> None:
        self.tree.case("far", MOVED, "w.len", "v.len")
        far = self.tree.cases / "type/far.rs"
        far.write_text(far.read_text().replace("    let", "    // pass: let w = v;\n    let"))
        self.assertIn("needs one line `// pass: ...`", self.tree.run()["far"])

    def test_no_header(self) -> None:
        self.tree.case("mute", MOVED.replace("// error: E0382", "// wrong"), "w.len", "v.len")
        self.assertIn("needs one line `// error: ...`", self.tree.run()["mute"])

    def test_strays(self) -> None:
        (self.tree.cases / "type/gone.stderr").write_text("error")
        (self.tree.cases / "type/notes").write_text("read me")
        self.assertEqual(set(self.tree.run()), {"gone.stderr", "notes"})

    def test_nothing_at_all(self) -> None:
        self.assertIn("cases exist", self.tree.run())

    def test_bless_and_compare(self) -> None:
        self.tree.case("moved", MOVED, "w.len", "v.len")
        recorded = self.tree.cases / "type/moved.stderr"
        self.assertEqual(self.tree.run(bless=True), {})
        text = recorded.read_text()
        self.assertIn("--> $DIR/moved.rs:5:5", text)
        self.assertNotIn(str(self.tree.cases), text)
        self.assertEqual(self.tree.run(), {})
        recorded.write_text(text.replace("borrow", "loan"))
        self.assertIn("-error[E0382]: loan of moved value", self.tree.run()["moved"])


class Pieces(unittest.TestCase):
    def test_sides(self) -> None:
        def texts(body: str) -> tuple[str, str] | str:
            head = "// error: E0001\n"
            found = sides_of(Path("case.rs"), head + body)
            if isinstance(found, str):
                return found
            return found.failing.removeprefix(head), found.passing.removeprefix(head)

        self.assertEqual(texts("a\n    // pass: b\n  c\nd\n"), ("a\n  c\nd\n", "a\n  b\nd\n"))
        self.assertEqual(texts("// pass:\na\n"), ("a\n", "\n"))
        for wrong in ("a\n", "a\n// pass: b\n", "// pass: b\n// pass: c\na\n"):
            self.assertIn("needs one line `// pass: ...`", texts(wrong))

    def test_lines_are_those_of_the_file(self) -> None:
        found = sides_of(Path("/cases/a.rs"), "// error: E0001\n1\n// pass: 2\n3\n")
        assert isinstance(found, Sides)
        self.assertEqual(found.located("/t/a.rs:2:1 /t/a.rs:3:1 /o/a.rs:3:1", "/t/a.rs"),
                         "/cases/a.rs:2:1 /cases/a.rs:4:1 /o/a.rs:3:1")

    def test_expectation(self) -> None:
        self.assertIsNone(expectation("// error: E1\n"))
        self.assertIsNone(expectation("// error: E0001\n// error: E0002\n"))
        self.assertEqual(expectation("// error: link rust_build_error\n").emit, "obj")
        self.assertEqual(expectation("// error: text a b c\n").text, "a b c")

    def test_flags_of_kbuild(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            tree = Tree(folder)
            rustc = kbuild_rustc.find(tree.build)
            self.assertEqual(rustc.words, (
                "rustc", "--edition=2021", "-Zcrate-attr=feature(asm_goto)", "--crate-type",
                "rlib", "--extern", "dma_map=/nowhere"))
            self.assertEqual(rustc.environment["RUST_MODFILE"], "x")
