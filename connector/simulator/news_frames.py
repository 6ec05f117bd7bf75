"""News in both variants: A as captured in 2025, B as documented in 2026 (fact sheet §3.6)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from connector.simulator.companies import COMPANIES
from connector.simulator.prose import article, headline
from connector.simulator.records import Record, RecordSource
from connector.simulator.values import nanoseconds, rfc2822, rfc3339

if TYPE_CHECKING:
    from datetime import datetime

    from connector.simulator.companies import Company
    from connector.simulator.oddities import Oddities

_CHANNELS = ("News", "Price Target", "Earnings", "Options", "Markets", "M&A", "Analyst Ratings", "WIIM", "Guidance")
_AUTHORS = ("Benzinga Newsdesk", "Benzinga Insights", "Lena Hartmann", "Oscar Pell", "newsdesk@example.com")
_LARGE = 600_000
_ACTIONS_B = {"created": "created", "updated": "updated", "deleted": "deleted"}


class News(RecordSource):
    """Articles: created, revised, removed. In variant A every event has its own id, the article keeps its own."""

    kind: ClassVar[str] = "News/v1"
    required: ClassVar[frozenset[str]] = frozenset({"id", "title", "revision_id", "created", "created_at"})

    integers: ClassVar[frozenset[str]] = frozenset({"revision_id"})

    def __init__(self, seed: int | str, oddities: Oddities) -> None:
        super().__init__(seed, oddities)
        self._event_id = 96_900_000
        self._article_id = 43_100_000
        self._revision_id = 51_400_000
        self._variant_b: set[int] = set()

    def create(self, now: datetime) -> Record:
        """A new article, headline only or with a body."""
        dice = self.dice
        self._article_id += dice.integer(1, 9)
        companies = dice.sample(COMPANIES, dice.pick((0, 1, 1, 1, 2, 3)))
        title = headline(dice, companies[0] if companies else None)
        body = article(dice, companies[0], title) if companies and dice.chance(0.8) else ""
        teaser = body[3:200] if body else ""
        if self.odd.html_entities:
            title = title.replace("&", "&amp;").replace("'", "&#39;")
        else:
            title = title.replace("&", "and")
        if self.odd.large_bodies and dice.chance(0.004):
            body += "<p>" + "The full transcript follows. " * (_LARGE // 29) + "</p>"
        url = f"https://www.benzinga.com/{now:%y/%m}/{self._article_id}/{_slug(title)}"
        channels, tags = dice.sample(_CHANNELS, dice.integer(0, 3)), dice.sample(("BZI-AUOA", "Rates", "Tariffs"), 1)
        common = {"id": self._article_id, "title": title, "teaser": teaser, "body": body, "url": url}
        if self.odd.news_variant_b and dice.chance(0.35):
            self._variant_b.add(self._article_id)
            content = common | self._variant_b_fields(companies, channels, tags, now)
        else:
            content = common | self._variant_a_fields(companies, channels, tags, now)
        content["image"] = None if dice.chance(0.25) else self._images()
        if self.odd.undocumented_fields and dice.chance(0.1):
            content |= {"original_id": self._article_id - 1, "importance_rank": dice.integer(1, 5)}
        return Record(self._next_event(), content)

    def update(self, record: Record, now: datetime) -> None:
        """A revision; in variant A `created_at` may move back by some seconds."""
        content = record.content
        content["title"] = f"UPDATE: {content['title']}" if record.version == 1 else content["title"]
        content["body"] = f"{content['body']}<p>Revision {record.version}.</p>"
        if content["id"] in self._variant_b:
            content["updated"] = rfc2822(now)
            return
        record.event_id = self._next_event()
        content["revision_id"] = self._next_revision()
        content["updated_at"] = _whole_second(now)
        if self.odd.created_at_moves and record.version == 1:
            created = now - timedelta(seconds=self.dice.integer(6, 9))
            content["created_at"] = min(content["created_at"], _whole_second(created))

    def envelope(self, record: Record, action: str, now: datetime) -> dict[str, Any]:
        """Variant A has no top-level id, and says `Removed`."""
        if record.content["id"] in self._variant_b:
            record.event_id = record.content["id"]
        elif action == "deleted":
            record.event_id = self._next_event()
        frame = super().envelope(record, action, now)
        data = frame["data"]
        if record.content["id"] in self._variant_b:
            data["action"] = self.action(action) if self.odd.action_case else _ACTIONS_B[action]
            frame["kind"] = "news"
        else:
            data["action"] = "Removed" if action == "deleted" else action.capitalize()
            frame.pop("id", None)
            if "content" in data and data["content"] is None:
                del data["content"]
        return frame

    def _variant_a_fields(
        self, companies: list[Company], channels: list[str], tags: list[str], now: datetime
    ) -> dict[str, Any]:
        created = _whole_second(now - timedelta(seconds=1))
        listed: list[Any] = [
            {"symbol": company.symbol, "exchange": company.exchange, "primary": index == 0}
            for index, company in enumerate(companies)
        ]
        if self.odd.bare_securities and listed and self.dice.chance(0.05):
            listed = [f"{company.exchange}:{company.symbol}" for company in companies]
        return {
            "revision_id": self._next_revision(),
            "type": "story",
            "authors": [self.dice.pick(_AUTHORS)],
            "tags": tags,
            "securities": listed,
            "channels": channels,
            "created_at": created,
            "updated_at": created,
        }

    def _variant_b_fields(
        self, companies: list[Company], channels: list[str], tags: list[str], now: datetime
    ) -> dict[str, Any]:
        return {
            "author": self.dice.pick(_AUTHORS),
            "created": rfc2822(now),
            "updated": rfc2822(now),
            "channels": [{"name": name} for name in channels],
            "tags": [{"name": name} for name in tags],
            "stocks": [
                {"name": company.symbol, "cusip": company.cusip, "isin": company.isin, "exchange": company.exchange}
                for company in companies
            ],
        }

    def _images(self) -> list[dict[str, Any]]:
        base = f"https://cdn.benzinga.com/files/images/story/{self._article_id}"
        sizes = self.dice.sample(("thumb", "small", "large"), 3)
        images = [{"size": size, "url": f"{base}/{size}.jpeg"} for size in sizes]
        if self.odd.undocumented_fields and self.dice.chance(0.1):
            images[0]["alt"] = "A chart"
        return images

    def _next_event(self) -> int:
        self._event_id += self.dice.integer(1, 30)
        return self._event_id

    def _next_revision(self) -> int:
        self._revision_id += self.dice.integer(1, 5)
        return self._revision_id


def _whole_second(moment: datetime) -> str:
    return rfc3339(nanoseconds(moment.replace(microsecond=0)), 3)


def _slug(title: str) -> str:
    words = "".join(character if character.isalnum() else " " for character in title.lower()).split()
    return "-".join(words[:10])
