# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore in place: which steps it takes, what each sends, what proves it, and how it is undone."""
