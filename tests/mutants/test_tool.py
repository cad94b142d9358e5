# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make mutants` sees what it is there to see: which mistakes there are, which of them a test sees, and a hang."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.mutants import sample
from tools.mutation.equivalents import as_entry, equivalents, stale
from tools.mutation.mutant import Mutant, mutants
from tools.mutation.reach import Reach
from tools.mutation.users import Users

ROOT = Path(__file__).resolve().parents[2]


def changes(source: str, operator: str) -> list[str]:
    """The mistakes of one kind in a function with that body, as whole lines."""
    text = f"def f(a, b, c) -> bool:\n    {source}\n"
    found = [mutant for mutant in mutants("x.py", text) if mutant.operator == operator]
    return ["; ".join(line.strip() for line in mutant.text().splitlines()[1:]) for mutant in found]


@pytest.mark.parametrize(
    ("source", "operator", "expected"),
    [
        ("return a < b", "comparison", ["return a <= b", "return a >= b"]),
        ("return a is None", "comparison", ["return a is not None"]),
        ("return a not in b", "comparison", ["return a in b"]),
        ("x = a == 'b'", "text", ["x = a == 'bx'"]),
        ("x = a.lower() == b.lower()", "prefix", ["x = a.lower().startswith(b.lower())"]),
        ("x = a.lower()", "method", ["x = a"]),
        ("return a and b", "and/or", ["return a or b"]),
        ("return a and b", "operand", ["return b", "return a"]),
        ("return a and b", "return", ["return True", "return False"]),
        ("return not a", "not", ["return a"]),
        ("x = a[:12]", "constant", ["x = a[:13]", "x = a[:11]"]),
        ("x = a[:12]", "bound", ["x = a[:]"]),
        ("x = a(timeout=600)", "constant", ["x = a(timeout=1200)", "x = a(timeout=300)"]),
        ("x = a(b, wait=True)", "constant", ["x = a(b, wait=False)"]),
        ("x = a(b, wait=True)", "argument", ["x = a(b)"]),
        ("x = a in ('b', 'c')", "element", ["x = a in ('c',)", "x = a in ('b',)"]),
        ("x = {'a': b}", "entry", ["x = {}"]),
        ("x = a.get('b')", "text", ["x = a.get('bx')"]),
        ("x = a + b", "arithmetic", ["x = a - b"]),
        ("x = a + 'b'", "arithmetic", []),
        ("x = any(a)", "twin", ["x = all(a)"]),
        ("x = a if b else c", "condition", ["x = a if True else c", "x = a if False else c"]),
        ("x = [a for b in c if b]", "condition", ["x = [a for b in c if True]", "x = [a for b in c if False]"]),
        ("while a: b()", "condition", ["while False:; b()"]),
        ("a.b(c)", "statement", ["pass"]),
        ("raise a", "statement", ["pass"]),
        ("a.b = c", "statement", ["pass"]),
        ("x = a", "statement", []),
        ("'a docstring'", "statement", []),
        ("x: a | b = c", "arithmetic", []),
        ("x = isinstance(a, (b, c))", "element", []),
        ("x = zip(a, b, strict=True)", "argument", []),
        ("x = zip(a, b, strict=True)", "constant", []),
    ],
)
def test_the_mistakes_at_a_place(source: str, operator: str, expected: list[str]) -> None:
    assert changes(source, operator) == expected


def test_a_handler_that_does_not_handle() -> None:
    source = "try: a()\n    except OSError: return False"
    assert changes(source, "handler") == ["try:; a(); except OSError:; raise"]


@pytest.mark.parametrize(
    "source",
    [
        "import a\nT = t.TypeVar('T', bound='b')",
        "class A(t.Protocol):\n    def f(self, a=True): ...",
        "@dataclass(frozen=True)\nclass A:\n    x: int",
        "if t.TYPE_CHECKING:\n    X = 5 < 6",
        "A: t.TypeAlias = 't.Union[b, c]'",
        "MAX_BODY = 32 * 1024 * 1024",
    ],
)
def test_what_does_not_run_is_left_out(source: str) -> None:
    assert [str(mutant) for mutant in mutants("x.py", source)] == []


def test_a_default_and_a_constant_are_known_by_who_uses_them() -> None:
    source = "LIMITS = (5, 6)\n\n\ndef f(a, wait=True):\n    return a in LIMITS\n\n\ndef g(a):\n    return not a\n"
    users = Users()
    users.add("x.py", source)
    default = next(m for m in mutants("x.py", source) if m.before == "True")
    constant = next(m for m in mutants("x.py", source) if m.line == 1)
    reach = Reach({"slow": 2.0, "quick": 1.0}, {("x.py", 5): {"slow", "quick"}, ("x.py", 9): {"other"}})
    for mutant in (default, constant):
        assert reach.of(mutant, users) == ["quick", "slow"]


def test_a_seed_is_one_sample() -> None:
    found = mutants("x.py", "\n".join(f"def f{n}(a): return a > {n} and a < 9" for n in range(20)))
    keys = [[mutant.key for mutant in sample(found, seed, 10)] for seed in (1, 1, 2)]
    assert keys[0] == keys[1] != keys[2]
    assert len({(mutant.file, mutant.site) for mutant in sample(found, 1, 10)}) == 10


def test_a_name_outlives_what_stands_above() -> None:
    source = "def f(a):\n    return a > 1 or a > 1\n"
    for mine, moved in zip(mutants("x.py", source), mutants("x.py", f"import b\n\n\n{source}"), strict=True):
        assert mine.key == moved.key
        assert mine.line + 3 == moved.line
    assert len({mutant.key for mutant in mutants("x.py", source)}) == len(mutants("x.py", source))


TINY = {
    "pyproject.toml": """
[tool.house]
pure = []

[tool.mutants]
rooms = ["_core"]
tests = ["tests"]
least_caught = 97.0
most_equivalent = 50.0

[tool.pytest.ini_options]
pythonpath = ["."]
addopts = ["--import-mode=importlib"]
""",
    "plugins/module_utils/_core/__init__.py": "",
    "plugins/module_utils/_core/size.py": """
LEAST = 3


def is_large(size: int) -> bool:
    return size > 10


def is_small(size: int) -> bool:
    return size < LEAST
""",
    "tests/test_size.py": """
from plugins.module_utils._core.size import is_large, is_small


def test_large():
    assert is_large(11)
    assert not is_large(10)


def test_small():
    assert is_small(1)
    assert not is_small(9)
""",
}


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    for name, text in TINY.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def unmeasured() -> dict[str, str]:
    """Our environment, in which the tools are found and nobody counts what another tree's files cover."""
    found = {name: value for name, value in os.environ.items() if not name.startswith(("COV_", "COVERAGE_"))}
    return {**found, "PYTHONPATH": str(ROOT)}


def played(tiny: Path, *arguments: str) -> tuple[int, list[str], str]:
    """Exit code, lines of stdout, and stderr of the command."""
    command = [sys.executable, "-P", str(ROOT / "tools/mutants.py"), "--workers", "1", *arguments]
    environ = {**unmeasured(), "PYTEST_ADDOPTS": "-p no:cacheprovider"}
    ended = subprocess.run(command, cwd=tiny, env=environ, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout.splitlines(), ended.stderr


def test_what_no_test_sees_is_listed_and_fails_unless_it_is_judged(tiny: Path) -> None:
    file = "plugins/module_utils/_core/size.py"
    code, lines, complaint = played(tiny, "--only", "size < LEAST")
    survivor = f"survived: {file}:10 is_small [comparison] size < LEAST -> size <= LEAST (1 tests pass)"
    assert lines, complaint
    assert (code, lines[0], lines[-1]) == (1, survivor, "4 mutants, 3 caught, 1 survived, 0 equivalent")
    assert "fewer than 97.0 %" in complaint

    (tiny / "tools").mkdir()
    source = (tiny / file).read_text()
    own = {str(m): m for m in mutants("_core/size.py", source)}
    judged = as_entry(next(m for text, m in own.items() if "<= LEAST" in text))
    listed = tiny / "tools/mutants-equivalent.toml"
    listed.write_text(judged.replace('reason = ""', 'reason = "nobody has three"'))
    code, lines, complaint = played(tiny, "--only", "size < LEAST")
    assert (code, lines[-1], complaint) == (0, "4 mutants, 3 caught, 0 survived, 1 equivalent", "")

    wrong = as_entry(next(m for text, m in own.items() if ">= LEAST" in text))
    gone = wrong.replace("is_small", "is_tiny")
    listed.write_text("\n".join([wrong, gone]).replace('reason = ""', 'reason = "a guess"'))
    code, lines, complaint = played(tiny, "--only", "size < LEAST")
    assert (code, lines[-1]) == (1, "4 mutants, 2 caught, 1 survived, 1 equivalent")
    assert "judged equivalent, but caught" in complaint
    assert "no such mutant any more: _core/size.py is_tiny" in complaint
    assert (tiny / file).read_text() == source


def test_a_judgement_needs_a_reason(tiny: Path) -> None:
    (mutant, *_others) = mutants("_core/size.py", "X = (1, 2)\n")
    listed = tiny / "tools/mutants-equivalent.toml"
    listed.parent.mkdir()
    listed.write_text(as_entry(mutant))
    with pytest.raises(SystemExit, match="say why"):
        equivalents(tiny)
    listed.write_text(as_entry(mutant).replace('reason = ""', 'reason = "because"'))
    assert equivalents(tiny) == {mutant.key: "because"}
    assert stale(equivalents(tiny), [mutant]) == []
    assert stale(equivalents(tiny), []) == [mutant.key]


@pytest.mark.parametrize("text", ["it's", "'''", 'a "b"', "back\\slash", "'''\\ \""])
def test_an_entry_can_be_read_again(tiny: Path, text: str) -> None:
    mutant = Mutant("a.py", "f", "text", text, f"{text}x", 2, 1, (1, 1), frozenset(), 0, str)
    listed = tiny / "tools/mutants-equivalent.toml"
    listed.parent.mkdir()
    listed.write_text(as_entry(mutant).replace('reason = ""', 'reason = "because"'))
    assert list(equivalents(tiny)) == [mutant.key]


def test_a_test_that_spins_hangs_and_one_that_fails_does_not(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text("def test_spin():\n    while True: pass\n\ndef test_fail(): assert 0\n")
    script = (
        "from tools.mutation import worker; worker.HANG_SECONDS = 3.0; worker.HANG_FACTOR = 0.0\n"
        "print([worker.judge([{f'test_x.py::{name}': 0.0}], []).word for name in ('test_spin', 'test_fail')])\n"
    )
    command = [sys.executable, "-P", "-c", script]
    ended = subprocess.run(command, cwd=tmp_path, env=unmeasured(), capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "['hangs', 'caught']"
