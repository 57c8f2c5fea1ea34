"""An AWS of one machine for tests: moto's server, with ElastiCache done as AWS does it.

One process on loopback. What moto lacks or accepts against AWS's rules stands here, each rule with
AWS's own error code; the servers behind ElastiCache are those of :mod:`..dataplane`. For a shell:

    python -m tests.standin.aws.emulator up
    eval "$(python -m tests.standin.aws.emulator env)"

and for a test ``with running(folder) as emulator: emulator.client("elasticache")``. Results that
came from it are an emulation, and are named so.
"""

from tests.standin.aws.emulator.fixture import running
from tests.standin.aws.emulator.lifetime import Emulator, EmulatorError

__all__ = ["Emulator", "EmulatorError", "running"]
