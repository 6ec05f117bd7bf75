"""`benzinga-kafka demo`: the real source and processor on a real Kafka, watched live and checked at the end.

The way through: `services` starts everything, `storyline` says what the feed does, `reader` and `telemetry` look at
the result from outside, `board` keeps what they saw, `view` shows it; at the end `ledger` says from the simulator's own
record what must be in Kafka, `oracle` and `calls_oracle` compare it with what is there, `summary` tells.
"""
