# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One simulator for all playbooks of a session, back at its beginning for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .support import Ansible, Simulator, running_simulator


@pytest.fixture(scope="session")
def one_simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with running_simulator(tmp_path_factory.mktemp("simulator")) as running:
        yield running


@pytest.fixture(scope="session")
def one_ansible(one_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ansible]:
    made = Ansible(tmp_path_factory.mktemp("ansible"), one_simulator)
    yield made
    made.close()


@pytest.fixture
def simulator(one_simulator: Simulator) -> Simulator:
    one_simulator.control("POST", "/reset")
    return one_simulator


@pytest.fixture
def ansible(one_ansible: Ansible, simulator: Simulator) -> Ansible:
    return one_ansible
