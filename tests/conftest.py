# SPDX-License-Identifier: Apache-2.0
"""What holds for every end-to-end test, set before a module of theirs is imported."""

import os

# The tests start servers while gRPC's threads run. Its handlers around fork() can wait for ever for a thread that is
# just ending; they are for programs that use gRPC in the child, which these do not.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
