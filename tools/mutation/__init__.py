# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutation testing: operators, where they apply, which tests reach a line, and the workers that run them."""
