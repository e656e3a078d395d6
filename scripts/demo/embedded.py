"""A broker inside Python (amqtt), for hosts without Mosquitto: HOST PORT. MQTT 3.1.1, for the demo only."""

import asyncio
import signal
import sys

from amqtt.broker import Broker


async def main(host: str, port: str) -> None:
    """Until SIGTERM."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    anonymous = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    broker = Broker({"listeners": {"default": {"type": "tcp", "bind": f"{host}:{port}"}}, "plugins": anonymous})
    await broker.start()
    await ended.wait()
    await broker.shutdown()


asyncio.run(main(*sys.argv[1:]))
