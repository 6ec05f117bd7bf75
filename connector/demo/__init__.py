"""`benzinga-kafka demo`: the real source on a real Kafka, fed by the simulator, watched live and checked at the end.

The way through: `services` starts everything, `storyline` says what the feed does, `reader` and `telemetry` look at
the result from outside, `board` keeps what they saw, `view` shows it; at the end `ledger` says from the simulator's own
record what must be in Kafka, `oracle` compares it with what is there, `summary` tells.
"""
