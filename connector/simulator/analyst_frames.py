"""Insights, consensus and bulls/bears: what analysts think (fact sheet §3.1, §3.3, §3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from connector.simulator.companies import ANALYSTS, COMPANIES
from connector.simulator.prose import bear_case, bull_case, insight
from connector.simulator.records import Record, RecordSource
from connector.simulator.values import GO_ZERO_TIME, epoch_seconds

if TYPE_CHECKING:
    from datetime import datetime


class Insights(RecordSource):
    """Why an analyst rates a company as they do."""

    kind: ClassVar[str] = "stream_type"
    decimals: ClassVar[frozenset[str]] = frozenset({"pt"})

    def create(self, now: datetime) -> Record:
        """A new insight."""
        dice, company, analyst = self.dice, self.dice.pick(COMPANIES), self.dice.pick(ANALYSTS)
        record_id = dice.object_id(now)
        action = dice.pick(("Upgrades", "Downgrades", "Maintains", "Reiterates", "Initiates", "Reinstates", "Assumes"))
        target = dice.decimal(10, 400, (2, 4))
        rating = dice.pick(("Buy", "Top Pick", "Hold", "Sell", "Sector Perform"))
        content: dict[str, Any] = {
            "action": action,
            "analyst_insights": insight(dice, company, analyst, rating, target),
            "date": now.strftime("%Y-%m-%d"),
            "firm": analyst.firm,
            "firm_id": analyst.firm_id,
            "id": record_id,
            "pt": target if dice.chance(0.9) else "",
            "rating": rating,
            "rating_id": dice.object_id(now),
            "security": {
                "cik": company.cik,
                "exchange": company.exchange,
                "isin": company.isin if dice.chance(0.9) else "",
                "name": company.name,
                "symbol": company.symbol,
            },
            "updated": self._updated(now),
        }
        if self.odd.undocumented_fields and dice.chance(0.3):
            content["analyst_id"] = analyst.analyst_id
        return Record(record_id, content)

    def update(self, record: Record, now: datetime) -> None:
        """A few more words."""
        record.content["analyst_insights"] += f"\n\n**Update {record.version}:** the thesis is unchanged."
        record.content["updated"] = self._updated(now)

    def _updated(self, now: datetime) -> int:
        seconds = epoch_seconds(now)
        return seconds * 1000 if self.odd.epoch_milliseconds and self.dice.chance(0.4) else seconds


class Consensus(RecordSource):
    """What all analysts of a company say together: no action, id, timestamp or content as documented."""

    kind: ClassVar[str] = "data/v2.1/calendar/ratings"
    required: ClassVar[frozenset[str]] = frozenset({"aggregate_ratings", "aggregate_type", "consensus_rating"})
    integers: ClassVar[frozenset[str]] = frozenset(
        {"consensus_price_target", "high_price_target", "total_analyst_count", "unique_analyst_count"}
    )

    def create(self, now: datetime) -> Record:
        """The consensus on some company."""
        dice, company = self.dice, self.dice.pick(COMPANIES)
        counts = {name: dice.integer(0, 14) for name in ("strong_buy", "buy", "hold", "sell", "strong_sell")}
        total = max(sum(counts.values()), 1)
        value = sum(weight * count for weight, count in zip((5, 4, 3, 2, 1), counts.values(), strict=True)) / total
        target = dice.number(20, 400)
        content: dict[str, Any] = {
            # The feed leaves empty buckets out in some rows.
            "aggregate_ratings": {name: count for name, count in counts.items() if count or dice.chance(0.5)},
            "aggregate_type": dice.pick(("number", "number", "percentage")),
            "consensus_rating": ("STRONG_SELL", "SELL", "HOLD", "BUY", "STRONG_BUY")[max(round(value), 1) - 1],
            "consensus_rating_val": value,
            "consensus_price_target": target,
            "high_price_target": round(target * dice.number(1.1, 1.6)),
            "low_price_target": round(target * dice.number(0.5, 0.9), 2),
            "total_analyst_count": total,
            "unique_analyst_count": max(total - dice.integer(0, 5), 1),
        }
        if self.odd.undocumented_fields and "strong_sell" in content["aggregate_ratings"] and dice.chance(0.1):
            # As one old REST specification spells it.
            content["aggregate_ratings"]["strong-sell"] = content["aggregate_ratings"].pop("strong_sell")
        if self.odd.consensus_tickers and dice.chance(0.5):
            form = dice.pick(("ticker", "symbol", "security"))
            content[form] = {"symbol": company.symbol, "isin": company.isin} if form == "security" else company.symbol
        return Record(dice.object_id(now), content)

    def update(self, record: Record, now: datetime) -> None:  # noqa: ARG002 - the signature is the base's
        """A target moves."""
        record.content["consensus_price_target"] = self.dice.number(20, 400)

    def has_time(self, frame: dict[str, Any]) -> bool:
        """The consensus has its own time, where the fields sit directly in `data`."""
        return "updated_at" in frame["data"]

    def event(self, now: datetime) -> dict[str, Any]:
        """Every frame is a consensus as it is now; nothing is deleted."""
        record = self.create(now)
        inside = self.odd.consensus_in_content and self.dice.chance(0.25)
        content = self.dress(dict(record.content))
        # The time is never among the missing values: it is what tells two equal consensuses apart.
        time = self.timestamp(now)
        if not inside:
            return self.wrap(content | {"updated_at": time})
        content["updated_at"] = time if not (self.odd.zero_times and self.dice.chance(0.2)) else GO_ZERO_TIME
        return self.wrap(
            {
                "action": self.action(self.dice.pick(("created", "updated"))),
                "id": record.event_id,
                "timestamp": self.timestamp(now),
                "content": content,
            }
        )


class BullsBears(RecordSource):
    """The case for and against a company."""

    kind: ClassVar[str] = "bull_bear_case"
    required: ClassVar[frozenset[str]] = frozenset({"id", "ticker", "bull_case", "bear_case", "updated"})

    def create(self, now: datetime) -> Record:
        """Both cases for a company."""
        dice, company = self.dice, self.dice.pick(COMPANIES)
        record_id = dice.object_id(now)
        content: dict[str, Any] = {
            "id": record_id,
            "ticker": company.symbol,
            "bull_case": bull_case(dice, company),
            "bear_case": bear_case(dice, company),
            "updated": epoch_seconds(now),
        }
        if self.odd.undocumented_fields and dice.chance(0.3):
            content |= {
                "securities": [
                    {
                        "symbol": company.symbol,
                        "name": company.name,
                        "exchange": f"{company.exchange} Global Select Consolidated",
                        "isin": company.isin,
                        "cik": company.cik,
                    }
                ],
                "exchange": company.exchange,
                "created": epoch_seconds(now) - 86_400,
                "latest": True,
                "analyst_firms_referenced": dice.integer(1, 14),
            }
        return Record(record_id, content)

    def update(self, record: Record, now: datetime) -> None:
        """The bears have a new argument."""
        company = next(company for company in COMPANIES if company.symbol == record.content["ticker"])
        record.content["bear_case"] = bear_case(self.dice, company)
        record.content["updated"] = epoch_seconds(now)
