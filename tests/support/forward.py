# SPDX-License-Identifier: GPL-3.0-or-later
"""Forwards TCP connections: forward.py ADDRESS PORT TO-ADDRESS TO-PORT, until killed."""
import asyncio
import sys


async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    writer.close()


async def main(address, port, to, to_port):
    async def serve(reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection(to, int(to_port))
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

    server = await asyncio.start_server(serve, address, int(port))
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
