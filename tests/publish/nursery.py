"""Forks agents that report as fast as they can, and kills each with SIGKILL at a moment of chance.

    nursery.py CONFIG KILLS SEED     one JSON object on standard output: what was acknowledged, by agent

Forked, because an interpreter takes longer to start than most of them live.
"""

import contextlib
import json
import os
import random
import signal
import sys
import time

from probe.publish import mqtt, settings  # noqa: F401 - loaded before the forks
from probe.publish.sink import Published

EACH = 1_000_000  # numbers of one agent: agent 3 counts from 3 000 000
LEAST = 10_000  # reports in all
LONGEST = 0.35  # seconds of life
PAYLOAD = "x" * 200


def live(config: str, agent: int, tell: int) -> None:
    """Until it is killed. What it tells is acknowledged: put, and flushed without anything pending."""
    sink = Published(settings.load(config), lambda _: None)
    sink.start()
    number = agent * EACH
    chance = random.Random(agent)
    while True:
        for _ in range(chance.randint(1, 40)):
            sink.put("rollup", f'{{"type":"rollup","n":{number},"payload":"{PAYLOAD}"}}'.encode())
            number += 1
        sink.flush()
        if not sink.outlets[0].spool.counters()["pending"]:
            os.write(tell, b"%d\n" % number)
        time.sleep(0.001)


def raised_and_killed(config: str, agent: int, life: float) -> int:
    """How many reports the agent was told are safe."""
    hear, tell = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(hear)
        with contextlib.suppress(BrokenPipeError):
            live(config, agent, tell)
        os._exit(1)
    os.close(tell)
    time.sleep(life)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(hear, "rb") as pipe:
        told = [line for line in pipe.read().splitlines(keepends=True) if line.endswith(b"\n")]
    return int(told[-1]) - agent * EACH if told else 0


def main() -> None:
    config, kills, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    chance = random.Random(seed)
    acknowledged: dict[int, int] = {}
    while len(acknowledged) < kills or sum(acknowledged.values()) < LEAST:
        agent = len(acknowledged)
        acknowledged[agent] = raised_and_killed(config, agent, chance.uniform(0, LONGEST))
    said: list[str] = []
    sink = Published(settings.load(config), said.append)
    sink.start()
    drained = sink.drain(600)  # thousands of small envelopes, on a machine that does other things as well
    drops = sink.outlets[0].spool.drops()
    sink.close()
    failure = repr(sink.outlets[0].sender.failure)
    json.dump(
        {"acknowledged": acknowledged, "drained": drained, "drops": drops, "said": said, "failure": failure}, sys.stdout
    )


if __name__ == "__main__":
    main()
