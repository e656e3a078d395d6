"""One QUIC stream with aioquic: `serve ADDRESS PORT CHAIN KEY` or `connect ADDRESS PORT NAME ROOT`.

Behind it a client may be told the version, the suite, and the file to which its secrets go.
"""

import asyncio
import sys
from pathlib import Path

from aioquic.asyncio.client import connect
from aioquic.asyncio.server import serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.tls import CipherSuite

ALPN = ["hq-interop"]


async def run_server(address: str, port: str, chain: str, key: str) -> None:
    configuration = QuicConfiguration(is_client=False, alpn_protocols=ALPN)
    configuration.load_cert_chain(chain, key)

    async def reverse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.read())[::-1])
        writer.write_eof()

    def on_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.ensure_future(reverse(reader, writer)))

    tasks: list[asyncio.Future[None]] = []
    await serve(address, int(port), configuration=configuration, stream_handler=on_stream)
    await asyncio.Event().wait()


async def run_client(address: str, port: str, name: str, root: str, *told: str) -> None:
    configuration = QuicConfiguration(alpn_protocols=ALPN, server_name=name, cafile=root)
    if told:
        version, suite, log = told
        configuration.original_version = int(version, 16)
        configuration.supported_versions = [int(version, 16)]
        configuration.cipher_suites = [CipherSuite[suite]]
        configuration.secrets_log_file = Path(log).open("a")  # noqa: ASYNC230, SIM115 - open for as long as it runs
    # The client's default local address is a dual-stack socket; the lab routes IPv4.
    async with connect(address, int(port), configuration=configuration) as client:
        reader, writer = await client.create_stream()
        writer.write(b"drawer")
        writer.write_eof()
        print((await reader.read()).decode())
        schedule = client._quic.tls.key_schedule
        assert schedule is not None
        print(f"QUIC 0x{client._quic._version:08x} {schedule.cipher_suite.name}")


asyncio.run({"serve": run_server, "connect": run_client}[sys.argv[1]](*sys.argv[2:]))
