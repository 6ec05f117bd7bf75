"""How fast the source is, how soon its records are seen, how much memory it takes and how soon it is ready.

`python -m benchmarks` runs it all against a real Kafka and registry on this machine; README.md has the method.
"""
