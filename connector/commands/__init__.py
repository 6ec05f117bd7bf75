"""The commands, one module each; `connector.cli` gives them their names."""
