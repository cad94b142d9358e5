# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The counts at the end, and a simulator for the playbook."""

from __future__ import annotations

import pytest

from tests.contract.playbooks.conftest import ansible, one_ansible, one_simulator, simulator
from tests.hostile.secrets.secret_forms import TITLE
from tests.support.tally import Tally

__all__ = ["ansible", "one_ansible", "one_simulator", "simulator"]
TALLY = Tally(TITLE)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    TALLY.take(report)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    TALLY.show(terminalreporter)
