"""Ratings and earnings: the calendar streams (fact sheet §3.2, §3.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from connector.simulator.companies import ANALYSTS, COMPANIES
from connector.simulator.records import Record, RecordSource
from connector.simulator.values import EASTERN, epoch_seconds

if TYPE_CHECKING:
    from datetime import datetime

    from connector.simulator.companies import Company

_RATINGS = ("Strong Buy", "Buy", "Outperform", "Overweight", "Hold", "Neutral", "Equal-Weight", "Underweight", "Sell")
_PERIODS = ("1m", "3m", "9m", "1y", "2y", "3y")


class Ratings(RecordSource):
    """Analysts' ratings of companies."""

    kind: ClassVar[str] = "data/v2.1/calendar/ratings"
    required: ClassVar[frozenset[str]] = frozenset({"id", "date", "ticker", "exchange", "name"})
    decimals: ClassVar[frozenset[str]] = frozenset({"pt_current", "pt_prior", "adjusted_pt_current"})
    integers: ClassVar[frozenset[str]] = frozenset({"importance"})

    def create(self, now: datetime) -> Record:
        """A broker changes its mind about a company, or says that it does not."""
        dice, company = self.dice, self.dice.pick(COMPANIES)
        analyst = dice.pick(ANALYSTS)
        scales = (2, 4)
        prior, current = dice.decimal(20, 400, scales), dice.decimal(20, 400, scales)
        record_id = dice.object_id(now)
        content: dict[str, Any] = {
            **_listing(company, record_id, now),
            "action_company": dice.pick(
                ("Upgrades", "Downgrades", "Maintains", "Reiterates", "Initiates Coverage On", "Initiates", "Assumes")
            ),
            "action_pt": _target_action(prior, current),
            "rating_current": dice.pick(_RATINGS),
            "rating_prior": dice.pick((*_RATINGS, "")),
            "pt_current": current,
            "pt_prior": prior,
            "adjusted_pt_current": f"{float(current):.2f}",
            "adjusted_pt_prior": f"{float(prior):.2f}",
            "analyst": analyst.firm,
            "analyst_id": analyst.analyst_id,
            "analyst_name": analyst.name,
            "firm_id": analyst.firm_id,
            "importance": dice.integer(0, 5),
            "notes": "",
            "url": f"https://www.benzinga.com/quote/{company.symbol}/analyst-ratings",
            "url_calendar": f"https://www.benzinga.com/quote/{company.symbol}/analyst-ratings",
            "url_news": f"https://www.benzinga.com/stock-articles/{company.symbol}/analyst-ratings",
            "updated": epoch_seconds(now),
        }
        if self.odd.undocumented_fields and dice.chance(0.3):
            content["pt_pct_change"] = f"{(float(current) / float(prior) - 1) * 100:.2f}"
        if self.odd.ratings_accuracy and dice.chance(0.2):
            content["ratings_accuracy"] = self._accuracy(now)
        if self.odd.html_entities and dice.chance(0.1):
            content["notes"] = f"<p>{company.name} &amp; peers: see the analyst&#39;s note</p>"
        if self.odd.objects_for_strings and dice.chance(0.1):
            content["analyst"] = {"name": analyst.firm, "id": analyst.firm_id}
            content["firm"] = {"name": analyst.firm, "id": analyst.firm_id}
        return Record(record_id, content)

    def update(self, record: Record, now: datetime) -> None:
        """A correction of the target."""
        record.content["pt_prior"] = record.content["pt_current"]
        record.content["pt_current"] = self.dice.decimal(20, 400, (2, 4))
        record.content["updated"] = epoch_seconds(now)

    def _accuracy(self, now: datetime) -> dict[str, Any]:
        dice = self.dice
        accuracy: dict[str, Any] = {
            "smart_score": dice.decimal(0, 100),
            "overall_success_rate": dice.decimal(30, 80),
            "overall_avg_return_percentile": dice.decimal(0, 100),
            "total_ratings_percentile": dice.decimal(0, 100),
            "total_ratings": dice.integer(1, 500),
            "overall_gain_count": dice.integer(0, 300),
            "overall_loss_count": dice.integer(0, 300),
            "overall_average_return": dice.decimal(-10, 30),
            "overall_stdev": dice.decimal(1, 60),
            "updated": epoch_seconds(now),
        }
        as_text = dice.chance(0.5)
        for period in _PERIODS:
            gains, losses = dice.integer(0, 99), dice.integer(0, 99)
            accuracy[f"{period}_gain_count"] = str(gains) if as_text else gains
            accuracy[f"{period}_loss_count"] = str(losses) if as_text else losses
            accuracy[f"{period}_average_return"] = dice.decimal(-10, 30)
            accuracy[f"{period}_stdev"] = dice.decimal(1, 60)
            if self.odd.undocumented_fields:
                accuracy[f"{period}_success_rate"] = dice.decimal(30, 80)
                accuracy[f"{period}_smart_score"] = dice.decimal(0, 100)
        return accuracy


class Earnings(RecordSource):
    """Announced and reported earnings."""

    kind: ClassVar[str] = "data/v2.1/calendar/earnings"
    required: ClassVar[frozenset[str]] = frozenset({"id", "date", "ticker", "exchange", "name"})
    decimals: ClassVar[frozenset[str]] = frozenset({"eps", "eps_est", "eps_prior", "revenue_prior"})
    integers: ClassVar[frozenset[str]] = frozenset({"date_confirmed", "importance", "period_year"})

    def create(self, now: datetime) -> Record:
        """An announcement: the numbers are empty until the company reports."""
        dice, company = self.dice, self.dice.pick(COMPANIES)
        record_id = dice.object_id(now)
        content: dict[str, Any] = {
            **_listing(company, record_id, now),
            "date_confirmed": dice.integer(0, 1),
            "period": dice.pick(("Q1", "Q2", "Q3", "Q4", "FY", "H1")),
            "period_year": now.year - dice.integer(0, 1),
            "eps_type": dice.pick(("", "Adj", "GAAP", "FFO")),
            "eps": "",
            "eps_est": dice.decimal(-1, 4, (2, 3)),
            "eps_prior": dice.decimal(-1, 4, (2, 3)),
            "eps_surprise": "",
            "eps_surprise_percent": "",
            "revenue_type": dice.pick(("", "GAAP")),
            "revenue": "",
            "revenue_est": str(dice.integer(40, 90_000) * 1_000_000),
            "revenue_prior": dice.decimal(4e7, 9e10, (0, 3)),
            "revenue_surprise": "",
            "revenue_surprise_percent": "",
            "importance": dice.integer(0, 5),
            "notes": "",
            "updated": epoch_seconds(now),
        }
        if dice.chance(0.2):
            content["time"] = dice.pick(("amc", "bmo", ""))
        if dice.chance(0.3):
            self._report(content)
        return Record(record_id, content)

    def update(self, record: Record, now: datetime) -> None:
        """The company reports, or the date is confirmed."""
        record.content["date_confirmed"] = 1
        record.content["updated"] = epoch_seconds(now)
        self._report(record.content)

    def _report(self, content: dict[str, Any]) -> None:
        dice = self.dice
        estimate, revenue_estimate = float(content["eps_est"]), int(content["revenue_est"])
        eps = round(estimate + dice.number(-0.4, 0.5), 2)
        revenue = round(revenue_estimate * dice.number(0.92, 1.09))
        content |= {
            "eps": f"{eps:.2f}",
            "eps_surprise": f"{eps - estimate:.3f}",
            "eps_surprise_percent": f"{(eps / estimate - 1) * 100:.2f}" if estimate else "",
            "revenue": str(revenue),
            "revenue_surprise": str(revenue - revenue_estimate),
            "revenue_surprise_percent": f"{(revenue / revenue_estimate - 1) * 100:.2f}",
        }


def _listing(company: Company, record_id: str, now: datetime) -> dict[str, Any]:
    """The columns every calendar row begins with; date and time are US Eastern wall clock."""
    eastern = now.astimezone(EASTERN)
    return {
        "id": record_id,
        "date": eastern.strftime("%Y-%m-%d"),
        "time": eastern.strftime("%H:%M:%S"),
        "ticker": company.symbol,
        "exchange": company.exchange,
        "name": company.name,
        "isin": company.isin,
        "cusip": company.cusip,
        "currency": "CAD" if company.exchange == "TSXV" else "USD",
    }


def _target_action(prior: str, current: str) -> str:
    change = float(current) - float(prior)
    return "Raises" if change > 1 else "Lowers" if change < -1 else "Maintains"
