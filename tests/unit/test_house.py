# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks that watch over the source see what they are there to see."""

from __future__ import annotations

import pytest

from tools import coverage_gate, house

HEAD = f"{house.LICENSE_LINE}\n"
CORE = "plugins/module_utils/_core/plan.py"


def found(source: str, path: str = CORE, pure: frozenset[str] = frozenset()) -> list[str]:
    return [message for _line, message in house.python_findings(path, HEAD + source, pure)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("if module.check_mode: pass", "check_mode: only"),
        ("run(check_mode=True)", "check_mode: only"),
        ("def run(check_mode): pass", "check_mode: only"),
        ("module.exit_json()", "exit_json: only"),
        ("fail_json()", "fail_json: only"),
        ("try: f()\nexcept Exception: pass", "no particular error"),
        ("try: f()\nexcept (OSError, BaseException): pass", "no particular error"),
        ("try: f()\nexcept: pass", "no particular error"),
        ("f()  # type: ignore", "type: ignore without a reason"),
        ("f()  # type: ignore[attr-defined]", "type: ignore without a reason"),
        ("f()  # noqa: E501", "noqa without a reason"),
        ("f()  # noqa: E501, F401 -", "noqa without a reason"),
        ("f()  # pragma: no cover", "pragma: no cover without a reason"),
        ("@pytest.mark.skip\ndef test(): pass", "pytest.mark.skip without a reason"),
        ("@pytest.mark.skipif(True)\ndef test(): pass", "pytest.mark.skipif without a reason"),
        ("@pytest.mark.xfail\ndef test(): pass", "pytest.mark.xfail without a reason"),
        ("pytest.skip()", "pytest.skip without a reason"),
        ("now = datetime.now(UTC)", "a clock of its own"),
        ("time.sleep(1)", "a clock of its own"),
        ("if vm.provider == 'spf': pass", "asks which provider"),
        ("if provider in ('spf', 'scvmm'): pass", "asks which provider"),
        ("_, last = pair", "the name _ is not allowed"),
        ("for _ in pair: pass", "the name _ is not allowed"),
        ("lambda _: 1", "the name _ is not allowed"),
        ("text.split(';')[0]", "split for one part"),
        ("str(f()).rsplit('/')[-1]", "split for one part"),
        ("def f(self):\n    'Promise.'\n    ...", "the docstring is body enough"),
        ("Spec = Present | Absent", "a union of classes at run time"),
        ("Moment = t.Annotated[datetime | None, read]", "a union of classes at run time"),
        ("isinstance(x, Present | _Absent)", "a union of classes at run time"),
        ("\n" * 400, "has more than 400 lines"),
    ],
)
def test_each_breach_is_found(source: str, expected: str) -> None:
    (message,) = found(source)
    assert expected in message


@pytest.mark.parametrize(
    "source",
    [
        "DOCUMENTATION = 'check_mode, exit_json'",
        "spec(supports_check_mode=True)",
        "try: f()\nexcept (OSError, errors.Exception1): pass",
        "f()  # type: ignore[attr-defined]  # core is half typed",
        "f()  # noqa: E501 - an example as the vendor prints it",
        "f()  # pragma: no cover - needs another platform",
        "@pytest.mark.skip(reason='needs a real cloud')\ndef test(): pass",
        "@pytest.mark.skipif(True, reason='needs a real cloud')\ndef test(): pass",
        "@pytest.mark.skipif('os.name == nt', 'needs Linux')\ndef test(): pass",
        "pytest.skip('needs a real cloud')",
        "if a.provider == b.provider: pass",
        "_first, last = pair",
        "text.split(';', maxsplit=1)[0], text.split(';', 1)[0], text.split(';')[1]",
        "def f(self): ...",
        "def f(x: Present | None) -> Present | Absent: y: Present | Absent = flags | MORE",
        "Spec: t.TypeAlias = 'Present | Absent'",
        "text = 'f()  # noqa'",
    ],
)
def test_what_keeps_the_rules_passes(source: str) -> None:
    assert found(source) == []


def test_the_one_file_that_may_asks_once() -> None:
    assert found("if module.check_mode: module.exit_json()", house.ANSIBLE_FILES[0]) == []
    assert found("f(module.check_mode)\ng(module.check_mode)", house.ANSIBLE_FILES[0]) == [
        "check_mode is read a second time"
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from ._deps import httpx, pydantic", ["imports httpx in a pure file"]),
        ("import time", ["imports time in a pure file"]),
        ("from random import random", ["imports random in a pure file"]),
        ("from ._deps import pydantic", []),
        ("import datetime", []),
    ],
)
def test_a_pure_file_stays_pure(source: str, expected: list[str]) -> None:
    assert found(source, "plugins/module_utils/_plan.py", frozenset({"_plan"})) == expected
    assert found(source, "plugins/module_utils/_http.py", frozenset({"_plan"})) == []


def test_a_file_that_promises_to_be_pure_is_held_to_it() -> None:
    promise = '"""What is left. Pure."""\n'
    told = [text for _line, text in house.python_findings(CORE, HEAD + promise, frozenset())]
    assert told == ["promises to be pure: pyproject.toml, [tool.house] pure, is to name it"]
    assert list(house.python_findings(CORE, HEAD + promise, frozenset({house.module_of(CORE)}))) == []


def test_a_pure_file_in_a_package_stays_pure() -> None:
    path = "plugins/module_utils/_restore_points/point_planner.py"
    assert found("import time", path, frozenset({"_restore_points/point_planner"})) == ["imports time in a pure file"]
    assert found("import time", path, frozenset({"plan", "_plan"})) == []


@pytest.mark.parametrize(
    "sources",
    [
        {"simulator/a.py": "from simulator.vmm.b import B", "simulator/vmm/b.py": "import simulator.a"},
        {
            "simulator/a.py": "from simulator import b",
            "simulator/b.py": "if t.TYPE_CHECKING:\n  from simulator.a import A",
        },
        {"simulator/a.py": "from simulator.b import B", "simulator/b.py": "def f():\n    from simulator.a import A"},
        {"plugins/module_utils/a.py": "from .r import b", "plugins/module_utils/r/b.py": "from ..a import A"},
        {
            "tests/a.py": "from ansible_collections.hybridvm.checkpoints.tests.b import B",
            "tests/b.py": "import tests.a",
        },
        {"tools/r/__init__.py": "from .a import A", "tools/r/a.py": "from . import A"},
    ],
)
def test_a_circle_of_imports_is_found(sources: dict[str, str]) -> None:
    ((path, (_line, message)),) = house.circles(sources)
    first, second = (path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for path in sources)
    assert (path, message) == (next(iter(sources)), f"a circle of imports: {first} -> {second} -> {first}")


def test_a_long_circle_is_reported_once_and_from_its_first_file() -> None:
    way = {"z": "b", "a": "b", "b": "c", "c": "a", "d": "a"}
    sources = {f"tools/{name}.py": f"import os\nfrom tools.{other} import x" for name, other in way.items()}
    assert list(house.circles(sources)) == [
        ("tools/a.py", (2, "a circle of imports: tools.a -> tools.b -> tools.c -> tools.a"))
    ]
    assert not list(house.circles(sources | {"tools/c.py": "from tools.e import x", "tools/e.py": "import tools"}))


def test_documentation_is_yaml() -> None:
    source = 'DOCUMENTATION = r"""\noptions:\n  - a: It is said\n  and: not meant\n"""\n'
    assert found(source, "plugins/modules/a.py") == ["DOCUMENTATION is not YAML: expected <block end>, but found '?'"]
    assert found(source.replace("and:", "    and"), "plugins/modules/a.py") == []


def test_a_python_file_names_its_license() -> None:
    assert list(house.python_findings("simulator/world.py", "x = 1\n", ()))
    assert not list(house.python_findings("simulator/__init__.py", "", ()))


def test_nobodys_own_directory_is_named() -> None:
    directory = "/".join(["", "home", "anna", "checkpoints"])
    assert list(house.text_findings(f"see {directory}")) == [(1, f"names somebody's own directory: {directory[:12]}")]
    assert not list(house.text_findings(f"see https://example.com{directory}, ~/checkpoints and /usr/bin"))


def counts(lines: int, of_lines: int, branches: int, of_branches: int) -> coverage_gate.Counts:
    return {
        "covered_lines": lines,
        "num_statements": of_lines,
        "covered_branches": branches,
        "num_branches": of_branches,
    }


def test_the_coverage_gate_wants_pure_files_entirely() -> None:
    path = "plugins/module_utils/_plan.py"
    report: coverage_gate.FileReport = {
        "summary": counts(9, 10, 9, 10),
        "missing_lines": [7],
        "missing_branches": [[5, -1]],
    }
    lines, broken = coverage_gate.judge({path: report}, counts(99, 100, 99, 100), {"_plan"})
    assert lines == [f"  90.0 %  {path}: 7, 5->exit"]
    assert broken == [f"{path} is pure and must be covered entirely"]
    assert coverage_gate.judge({path: report}, counts(99, 100, 99, 100), {"_diff"})[1] == []
    below = "plugins/module_utils/_restore_points/point_planner.py"
    assert coverage_gate.judge({below: report}, counts(99, 100, 99, 100), {"_restore_points/point_planner"})[1]
    assert coverage_gate.judge({below: report}, counts(99, 100, 99, 100), {"_plan", "plan"})[1] == []


def test_the_coverage_gate_has_a_floor() -> None:
    assert coverage_gate.judge({}, counts(95, 100, 95, 100), ())[1] == []
    assert coverage_gate.judge({}, counts(95, 100, 94, 100), ())[1] == [
        "94.5 % of the whole is covered, and 95 % is the least"
    ]
    assert coverage_gate.judge({}, counts(0, 0, 0, 0), ())[1] == []
