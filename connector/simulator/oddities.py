"""What of the feed's oddness is switched on.

Each flag is one contradiction or habit of the fact sheet; a test switches on what it is about, the
simulator's default is all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True)
class Oddities:
    """One flag an oddity; `Oddities()` has none, `Oddities.all()` every one but `garbage`."""

    action_case: bool = False
    """`created`, `Created`, `deleted`, `Deleted`, `Removed`, `removed` (§2)."""

    missing_ids: bool = False
    """The envelope's `id` absent, `""`, null or a number (§2: absent in every captured news frame)."""

    id_conflicts: bool = False
    """Now and then a known `id` with another content: the feed breaks its own rule."""

    news_variant_b: bool = False
    """News also as documented in 2026, beside the captured variant A (§3.6)."""

    deletions_without_content: bool = False
    """Deletions without `content`, or with null, beside those with it (§2)."""

    created_at_moves: bool = False
    """News: `created_at` of an update lies seconds before that of its creation (captured, §3.6)."""

    bare_securities: bool = False
    """News: securities as bare strings, symbols with a prefix (`TSX:ABC`, §3.6)."""

    html_entities: bool = False
    """`&#39;`, `&amp;` and tags in titles and notes (captured, §3.6)."""

    large_bodies: bool = False
    """Now and then a news body of some hundred kilobytes: above the default limit of many clients (§1)."""

    consensus_in_content: bool = False
    """Consensus fields in `data.content` with `action`, `id` and `timestamp`, as older pages have it (§3.3)."""

    consensus_tickers: bool = False
    """Consensus with an undocumented `ticker`, `symbol` or `security` (§3.3)."""

    zero_times: bool = False
    """The Go zero time `0001-01-01T00:00:00Z` where a time is unset (§2.1)."""

    fraction_digits: bool = False
    """Timestamps with 0, 3 or 9 fractional digits; otherwise always 3 (§2)."""

    epoch_milliseconds: bool = False
    """`updated` of insights in milliseconds as well as in seconds (§3.1)."""

    string_numbers: bool = False
    """Numbers sent as strings, and decimals sent as numbers (§6, 12 and 13)."""

    objects_for_strings: bool = False
    """Ratings: `analyst` and `firm` as objects `{name, id}` (§6, 14)."""

    ratings_accuracy: bool = False
    """Ratings: the object of 2024 with keys that begin with a digit (§3.2)."""

    undocumented_fields: bool = False
    """Fields of the REST models that no WebSocket page shows (§3)."""

    unknown_fields: bool = False
    """Fields nobody documented, at every level."""

    missing_values: bool = False
    """Optional fields as `""`, null or absent (§2.1)."""

    key_order: bool = False
    """Keys in any order."""

    spelling: bool = False
    """Spaces between tokens, and `<`, `>`, `&` escaped as Go writes them."""

    duplicates: bool = False
    """A message a second time: the same text, spelled otherwise, or under a new `id`."""

    control_frames: bool = False
    """Bare digits, JSON strings, status and error objects, `pong` unasked (§1)."""

    noisy_speech: bool = False
    """Transcripts: low confidence and garbled names, as live recognition has them (§3.7)."""

    speakers: bool = False
    """Transcripts: some calls name their speakers; otherwise `""`, as in the samples of 2025."""

    sequence_holes: bool = False
    """Transcripts: sentences that never come."""

    out_of_order: bool = False
    """Transcripts: sentences that overtake each other."""

    corrections: bool = False
    """Transcripts: a sentence again with another text, and repeats of old ones."""

    restarts: bool = False
    """Transcripts: recognition starts over from 0 under a new transcript id."""

    end_markers: bool = False
    """Transcripts: the end in every documented or thinkable form; otherwise an empty `COMPLETE` (§3.7)."""

    garbage: bool = False
    """Frames without usable structure; not among `all`, since they end as dead letters."""

    @classmethod
    def all(cls) -> Oddities:
        """Every oddity of a feed that works; what no decoder could use is left out."""
        return replace(cls.everything(), garbage=False)

    @classmethod
    def everything(cls) -> Oddities:
        """Every oddity, garbage too."""
        return cls(**{field.name: True for field in fields(cls)})

    @classmethod
    def clean(cls) -> Oddities:
        """None of them."""
        return cls()
