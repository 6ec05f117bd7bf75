"""The source: one stream's way from the feed's frames to committed records."""
