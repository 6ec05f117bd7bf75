"""Spans of what becomes of a frame and of a sentence (`docs/tracing.md`); off unless `tracing.endpoint` is set.

Composed at the start: where tracing is off, the source and the processor are built of the same parts as if this package
were not there, so that no message pays for it.
"""

from __future__ import annotations

from connector.tracing.spans import Spans, open_spans

__all__ = ["Spans", "open_spans"]
