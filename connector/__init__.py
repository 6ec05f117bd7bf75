"""Benzinga's real-time WebSocket streams in Apache Kafka."""

__version__ = "0.1.0"
