# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Property tests try the same examples in every run and keep no files."""

from __future__ import annotations

import hypothesis

hypothesis.settings.register_profile("repeatable", derandomize=True, database=None, deadline=None, max_examples=100)
hypothesis.settings.load_profile("repeatable")
