"""The processor: sentences of the `transcripts` topic become full calls and keyword alerts, exactly once."""
