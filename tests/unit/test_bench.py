# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runner of the figures: medians, bounds, what is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench import __main__ as bench
from tests.bench.one_task import by_owner
from tests.bench.registry import FIGURES, Figure, Result, figure

FIGURE = Figure("some_ratio", "this / that", 0.4, lambda: [0.5])


@pytest.mark.parametrize(
    ("runs", "value", "reached"), [((0.5, 0.1, 0.4, 0.3, 0.9), 0.4, True), ((0.5,) * 5, 0.5, False)]
)
def test_the_value_is_the_median(runs: tuple[float, ...], value: float, reached: bool) -> None:
    result = Result(FIGURE, runs)
    assert (result.value, result.is_reached) == (value, reached)
    line = bench.table([result])[1]
    assert ("reached" in line, "MISSED" in line) == (reached, not reached)
    assert line.startswith("some_ratio")


def test_figures_that_were_not_measured_now_are_kept(tmp_path: Path) -> None:
    kept = tmp_path / "build/bench.json"
    bench.keep([Result(FIGURE, (0.1, 0.2, 0.3))], kept)
    bench.keep([Result(Figure("other", "", 1, list), (1.0,))], kept)
    expected = {"some_ratio": {"value": 0.2, "runs": [0.1, 0.2, 0.3]}, "other": {"value": 1.0, "runs": [1.0]}}
    assert json.loads(kept.read_text()) == {"figures": expected}


def test_two_figures_have_two_keys() -> None:
    key = next(iter(FIGURES))
    with pytest.raises(ValueError, match=f"two figures are called {key}"):
        figure(key, "the same", 1.0)(list)


def test_what_is_opt_in_is_measured_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COSTLY", raising=False)
    costly = Figure("costly", "", 1.0, list, opt_in="COSTLY")
    assert FIGURE.is_wanted
    assert not costly.is_wanted
    monkeypatch.setenv("COSTLY", "1")
    assert costly.is_wanted


def test_an_unknown_key_measures_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["no_such_figure"]) == 2
    assert "no_such_figure: the figures are task_in_process_vs_ping" in capsys.readouterr().err


def test_files_are_counted_by_their_owner() -> None:
    printed = """import time: self [us] | cumulative | imported package
import time:      1000 |       3000 | ansible_collections.hybridvm
import time:      2000 |       2000 |   ansible_collections.hybridvm.checkpoints
import time:       500 |        500 | json
import time:       250 |        250 | httpx._client
"""
    assert by_owner(printed) == {
        "hybridvm.checkpoints": (3.0, 2),
        "Python's own": (0.5, 1),
        "httpx, httpcore, h11, anyio": (0.25, 1),
    }
