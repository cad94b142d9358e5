# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Property tests try the same examples in every run and keep no files."""

from __future__ import annotations

import hypothesis

hypothesis.settings.register_profile("repeatable", derandomize=True, database=None, deadline=None, max_examples=100)
hypothesis.settings.load_profile("repeatable")
