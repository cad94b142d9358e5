# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One engine for every kind of thing: observe, plan, approve, write, wait, verify, observe again."""
