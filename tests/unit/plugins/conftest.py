# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Property tests try the same examples in every run and keep no files; ONE_CASE_IN=3 tries a third as many."""

from __future__ import annotations

import os

import hypothesis

EXAMPLES = 100 // int(os.environ.get("ONE_CASE_IN", "1"))

hypothesis.settings.register_profile(
    "repeatable", derandomize=True, database=None, deadline=None, max_examples=EXAMPLES
)
hypothesis.settings.load_profile("repeatable")
