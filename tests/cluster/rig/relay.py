"""Carries connections from the ordinary network namespace to the API server inside the rig's.

The listening socket was made outside and inherited, so it belongs to the machine's loopback; what
this process dials belongs to the control plane's. It ends with the namespaces it runs in.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from typing import Final

from tests.cluster.rig.layout import API_PORT

_CHUNK_BYTES: Final = 1 << 16


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
        # One side may be done while the other still speaks.
        writer.write_eof()


async def _carry(near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
    try:
        far, forth = await asyncio.open_connection("127.0.0.1", API_PORT)
    except OSError:
        back.close()
        return
    try:
        await asyncio.gather(_pump(near, forth), _pump(far, back))
    finally:
        forth.close()
        back.close()


async def _serve(descriptor: int) -> None:
    server = await asyncio.start_server(_carry, sock=socket.socket(fileno=descriptor))
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
