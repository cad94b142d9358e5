# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sign-in service, and the endpoints that issue tokens on a machine or in a pipeline."""
