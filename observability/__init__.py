"""Grafana dashboards as code: `python -m observability` writes `helm/benzinga-kafka/dashboards/*.json`.

A module a dashboard (`overview`, `source`, `processor`, `kafka_client`); `queries` writes PromQL, `panels` what shows it,
`board` what all dashboards have in common.
"""
