"""A faithful Benzinga WebSocket server on loopback, for development and tests.

    async with Simulator(SimulatorSettings(token="bz.example0000key")) as feed:
        source.connect(feed.url)
        await feed.connected("news")
        feed.publish("news", '{"data":{...}}')
        await feed.traffic.start("ratings", rate=0, count=500)
        feed.faults.drop("news")
        assert feed.sent("news")[0].delivered

It is as odd as the real feed: `Oddities` are its habits, `feed.faults` what may go wrong.
"""

from connector.simulator.channel import Channel, FrameKind, Handshake, SentFrame
from connector.simulator.faults import Faults
from connector.simulator.oddities import Oddities
from connector.simulator.recorder import Recorder, read_record
from connector.simulator.records import Generated
from connector.simulator.scenarios import SCENARIOS, Scenario
from connector.simulator.server import Simulator
from connector.simulator.settings import DEFAULT_TOKEN, ReplayBehaviour, SimulatorSettings
from connector.simulator.traffic import FrameSource, Traffic, generate, source

__all__ = [
    "DEFAULT_TOKEN", "SCENARIOS", "Channel", "Faults", "FrameKind", "FrameSource", "Generated", "Handshake", "Oddities",
    "Recorder", "ReplayBehaviour", "Scenario", "SentFrame", "Simulator", "SimulatorSettings", "Traffic", "generate",
    "read_record", "source",
]  # fmt: skip
