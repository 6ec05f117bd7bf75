"""Kafka and the schema registry: thin shells around librdkafka, and the pure decisions beside them."""
