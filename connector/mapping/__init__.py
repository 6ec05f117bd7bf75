"""From a frame to Avro: what a frame is, which record it carries, and that record's bytes.

The way through: `parsing` (bytes → JSON) → `envelope` or `transcripts` (JSON → message, message → Avro body),
with `control`, `fingerprint`, `redaction` beside them. What a stream's fields are is read from `schemas/` by
`shape`; `convert` derives the mapping from it, `plain` the types and writers of the fast lane, which takes frames
without a surprise straight from bytes to Avro (`plain_envelope`, `transcripts`).
"""
