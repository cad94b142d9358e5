# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP as the dialects see it, and what is done to it."""
