# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each row's task sends and says is what its transcript has; `make transcripts` writes them anew."""

from __future__ import annotations

import pytest

from tests.scenarios.table import ROWS
from tests.scenarios.transcript import DIRECTORY, file_of, transcript
from tests.support.sampling import one_in


@pytest.mark.parametrize("row", one_in(5, ROWS, pytest.mark.slow))
def test_a_row_says_what_its_transcript_has(row: str) -> None:
    assert transcript(row).splitlines() == file_of(row).read_text("utf-8").splitlines()


def test_there_is_one_for_each_row() -> None:
    assert set(DIRECTORY.iterdir()) == {file_of(row) for row in ROWS}
