# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP to one origin: requests, responses, sign-in."""
