# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What things cost, measured: run by hand, since a busy machine would make them fail."""
