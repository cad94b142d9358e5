# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures that `make bench` measures: one function for each, known by its key."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Measure = Callable[[], Sequence[float]]


@dataclass(frozen=True)
class Figure:
    """`measure` returns the runs, at least five; the value is their median, and less is better.

    A figure that is `opt_in` is measured where that variable is 1.
    """

    key: str
    title: str
    bound: float
    measure: Measure
    opt_in: str | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether it is measured unless it is named."""
        return self.opt_in is None or os.environ.get(self.opt_in) == "1"


@dataclass(frozen=True)
class Result:
    """A figure that was measured."""

    figure: Figure
    runs: tuple[float, ...]

    @property
    def value(self) -> float:
        """The median of the runs."""
        return statistics.median(self.runs)

    @property
    def is_reached(self) -> bool:
        """Whether it keeps its bound."""
        return self.value <= self.figure.bound


FIGURES: dict[str, Figure] = {}


def figure(key: str, title: str, bound: float, opt_in: str | None = None) -> Callable[[Measure], Measure]:
    """Register a function that measures a figure."""

    def register(measure: Measure) -> Measure:
        if key in FIGURES:
            raise ValueError(f"two figures are called {key}")
        FIGURES[key] = Figure(key, title, bound, measure, opt_in)
        return measure

    return register
