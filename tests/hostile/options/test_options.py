# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of every module with values that nobody should write: accepted and right, or refused in one line."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings

from tests.hostile.options.destinations import reaches
from tests.hostile.options.specs import Module, modules
from tests.hostile.options.trials import TITLE, Trial, pairs
from tests.hostile.options.values import ANYTHING, FIXED, special
from tests.support.sampling import one_in

Record = Callable[[str, Any], None]
EXAMPLES = 8
OWN, CONNECTION = pairs(False), pairs(True)


def _id(value: object) -> str:
    return value.name if isinstance(value, Module) else str(value)


@pytest.mark.parametrize(("module", "option"), one_in(4, [*OWN, *CONNECTION]), ids=_id)
def test_a_value_is_right_on_the_wire_or_refused_in_one_line(
    module: Module, option: str, record_property: Record
) -> None:
    trial = Trial(module, option)
    every = 1 if reaches(option) else 4
    for value in [*FIXED[::every], *special(option, module.spec[option])]:
        trial(value)

    @seed(zlib.crc32(f"{module.name}.{option}".encode()))
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(ANYTHING)
    def any_value(value: Any) -> None:
        trial(value)

    any_value()
    assert trial.counts["accepted"], f"nothing that was tried is right: {dict(trial.counts)}"
    record_property(TITLE, dict(trial.counts))


@pytest.mark.parametrize(
    ("module", "option", "inner"),
    [(module, option, inner) for module, option in OWN for inner in module.spec[option].get("options", {})],
    ids=_id,
)
def test_so_it_is_inside_an_option(module: Module, option: str, inner: str, record_property: Record) -> None:
    listed = module.spec[option]["type"] == "list"
    first = special(option, module.spec[option])[0]
    (right,) = first if listed else [{} if option == "adopt" else first]  # its two exclude each other
    trial = Trial(module, option)
    for value in [*FIXED, *special(inner, module.spec[option]["options"][inner])]:
        given = {**right, inner: value}
        trial([given] if listed else given)
    assert trial.counts["accepted"]
    record_property(TITLE, {**trial.counts, "options": 0, "members of options": 1})


@pytest.mark.parametrize("name", one_in(4, [name for name in modules() if name != "vm_checkpoint"]))
def test_the_connection_is_read_alike_by_every_module(name: str, record_property: Record) -> None:
    module = modules()[name]
    for number, (_module, option) in enumerate(CONNECTION):
        trial = Trial(module, option)
        for value in [*FIXED, *special(option, module.spec[option])][number % 20 :: 20]:
            trial(value)
        record_property(TITLE, dict(trial.counts))
