# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The counts at the end."""

from __future__ import annotations

import pytest

from tests.hostile.options.trials import TITLE
from tests.support.tally import Tally

TALLY = Tally(TITLE)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    TALLY.take(report)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    TALLY.show(terminalreporter)
