"""The proxy of the drills before a test's server, named by its port."""

from __future__ import annotations

from holdfast.connection import Address
from holdfast.verify import proxy
from tests.servers import HOST


class Proxy(proxy.Proxy):
    """A proxy to ``target_port``."""

    def __init__(self, target_port: int) -> None:
        super().__init__(Address(HOST, target_port))

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.address.port
