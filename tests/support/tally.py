# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What many tests have counted, added up and printed at the end, whichever process each ran in.

A test hands its counts to `record_property` under the tally's title; a conftest makes a `Tally` and calls it from
pytest's hooks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pytest


class Tally:
    """Counts by name."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.counts: Counter[str] = Counter()

    def take(self, report: pytest.TestReport) -> None:
        """Add what a test that has ended recorded."""
        for title, counts in report.user_properties:
            if title == self.title and report.when == "call" and isinstance(counts, Mapping):
                self.counts.update({str(name): int(count) for name, count in counts.items()})

    def show(self, reporter: pytest.TerminalReporter) -> None:
        """A line per count."""
        if self.counts:
            reporter.section(self.title)
            width = max(len(name) for name in self.counts)
            for name, count in self.counts.items():
                reporter.line(f"{name:<{width}} {count:>7,}")
