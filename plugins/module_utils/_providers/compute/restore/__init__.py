# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore in place: which steps it takes, what each sends, what proves it, and how it is undone."""
