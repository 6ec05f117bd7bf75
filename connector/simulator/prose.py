"""Words for headlines, articles, insights and cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from connector.simulator.companies import Analyst, Company
    from connector.simulator.values import Dice

_HEADLINES: Final = (
    "{name} Q{q} EPS ${eps} Beats ${est} Estimate, Sales ${sales}M Miss ${sales_est}M Estimate",
    "{name} Raises FY Guidance, Sees Sales ${sales}M Vs ${sales_est}M Est.",
    "{name} Lowers FY Outlook, Cites Softer Demand In {product_title}",
    "{firm} Maintains Buy On {name}, Raises Price Target To ${pt}",
    "{firm} Downgrades {name} To Neutral, Lowers Price Target To ${pt}",
    "{name} Announces ${amount}M Share Repurchase Program",
    "{name} Shares Are Trading Higher After The Company's Q{q} Results",
    "{name} To Acquire Rival's {product_title} Unit For ${amount}M In Cash & Stock",
    "{name} CEO {ceo} On Call Says 'Order Intake Accelerated In The Second Half Of The Quarter'",
    "{name} Declares ${eps} Quarterly Dividend",
    "What's Going On With {name} Stock Today?",
    "{name} Option Alert: Fri ${pt} Calls Sweep Near The Ask",
    "{name} Receives ${amount}M Order For {product_title}",
    "{name} Names New Chief Financial Officer, {cfo} To Retire",
)
_MARKET_HEADLINES: Final = (
    "Weekly Stocks {small}M Draw Vs {small2}M Build Est.",
    "Fed's Beige Book: Activity Rose 'Slightly' In Most Districts",
    "US Initial Jobless Claims {claims}K Vs {claims2}K Est.",
    "Oil, Gold & Copper Mixed As Dollar Firms",
    "Test: Do not Post",
)
_FIRMS: Final = ("Harrow & Pike", "Brightwater Securities", "Stonegate Capital", "Palisade Markets", "Northmoor")
_SENTENCES: Final = (
    "Shares of {name} moved {pct}% in early trading on {times} times average volume.",
    "The company makes {product} and trades on {exchange} under the symbol {symbol}.",
    "Management pointed to steady demand for {product} and said inventories are back to normal.",
    "Gross margin came in at {pct2}%, {bps} basis points better than a year ago.",
    "Chief Executive {ceo} said the backlog stands at ${amount} million.",
    "Chief Financial Officer {cfo} expects operating expenses to grow slower than sales.",
    "Analysts had looked for ${sales} million in sales on average.",
    "The board also raised the quarterly dividend and extended the buyback.",
    "The stock has gained {pct3}% since the beginning of the year.",
    "Competitors have reported mixed results from the same market in recent weeks.",
)
_BULL: Final = (
    "{name} is gaining share in {product}, and order intake has grown {pct}% on average over four quarters.",
    "Recurring revenue now makes up {pct2}% of sales, which makes earnings more predictable.",
    "Operating leverage should add {bps} basis points to margins as volumes recover.",
    "The balance sheet carries ${amount} million of net cash, leaving room for buybacks and acquisitions.",
    "Management under {ceo} has met or beaten its guidance in most of the past eight quarters.",
)
_BEAR: Final = (
    "Demand for {product} is cyclical, and customers of {name} have been working down inventories.",
    "Gross margin has slipped {bps} basis points on freight and wage inflation.",
    "The ten largest customers account for {pct2}% of sales, so a single loss would hurt.",
    "Competition from lower-cost rivals may force price cuts of up to {pct}%.",
    "Free cash flow conversion has been weak, and leverage could rise if the outlook is cut again.",
)
_INSIGHT: Final = (
    "**{firm}** analyst {analyst} rates {name} **{rating}** with a price target of ${target}.",
    "The analyst sees {product} as the main driver: channel checks point to growth of about {pct}% this year.",
    "Estimates for next year move up by {bps} basis points of margin, ahead of the consensus.",
    "Risks are execution, customer concentration and a slower recovery of end markets.",
    "The valuation of {times} times forward earnings looks {view} against peers.",
    "Recent conversations with management support the view that pricing actions are holding.",
)


_NUMBERS: Final[dict[str, Callable[[Dice], str]]] = {
    "q": lambda dice: str(dice.integer(1, 4)),
    "eps": lambda dice: dice.decimal(0.05, 4),
    "est": lambda dice: dice.decimal(0.05, 4),
    "sales": lambda dice: dice.decimal(40, 9000, (1, 3)),
    "sales_est": lambda dice: dice.decimal(40, 9000, (1, 3)),
    "pt": lambda dice: str(dice.integer(8, 420)),
    "amount": lambda dice: str(dice.integer(20, 2500)),
    "small": lambda dice: dice.decimal(0.2, 6, (1,)),
    "small2": lambda dice: dice.decimal(0.2, 6, (1,)),
    "claims": lambda dice: str(dice.integer(205, 260)),
    "claims2": lambda dice: str(dice.integer(205, 260)),
    "pct": lambda dice: dice.decimal(0.5, 14, (1,)),
    "pct2": lambda dice: dice.decimal(22, 71, (1,)),
    "pct3": lambda dice: dice.decimal(-30, 60, (1,)),
    "bps": lambda dice: str(dice.integer(1, 24) * 10),
    "times": lambda dice: dice.decimal(1.1, 24, (1,)),
    "firm": lambda dice: dice.pick(_FIRMS),
    "view": lambda dice: dice.pick(("undemanding", "full", "fair")),
}


class _Facts(dict[str, str]):
    """What a template may mention; a number is drawn when it is first asked for."""

    def __init__(self, dice: Dice, known: dict[str, str]) -> None:
        super().__init__(known)
        self._dice = dice

    def __missing__(self, name: str) -> str:
        value = self[name] = _NUMBERS[name](self._dice)
        return value


def fill(template: str, dice: Dice, company: Company | None, **known: str) -> str:
    """A template with the company's facts and invented numbers."""
    if company is not None:
        known |= {
            "name": company.name,
            "symbol": company.symbol,
            "exchange": company.exchange,
            "product": company.product,
            "product_title": company.product.title(),
            "ceo": company.ceo,
            "cfo": company.cfo,
        }
    return template.format_map(_Facts(dice, known))


def headline(dice: Dice, company: Company | None) -> str:
    """About a company, or about the market where there is none."""
    return fill(dice.pick(_HEADLINES if company else _MARKET_HEADLINES), dice, company)


def article(dice: Dice, company: Company, title: str) -> str:
    """HTML of some paragraphs, about 5 kB: what the capture has as its median."""
    paragraphs = [f"<p><strong>{title}</strong></p>"]
    link = f'<a href="https://www.benzinga.com/quote/{company.symbol}">{company.symbol}</a>'
    for _ in range(dice.integer(6, 24)):
        sentences = " ".join(fill(text, dice, company) for text in dice.sample(_SENTENCES, dice.integer(2, 5)))
        paragraphs.append(f"<p>{sentences}</p>")
    paragraphs.append(f"<p>Read also: more on {link} &ndash; <em>Photo: Shutterstock</em></p>\n")
    return "".join(paragraphs)


def insight(dice: Dice, company: Company, analyst: Analyst, rating: str, target: str) -> str:
    """Markdown of some lines."""
    chosen = [_INSIGHT[0], *dice.sample(_INSIGHT[1:], dice.integer(3, 5))]
    facts = {"firm": analyst.firm, "analyst": analyst.name, "rating": rating, "target": target}
    return "\n\n".join(fill(text, dice, company, **facts) for text in chosen)


def bull_case(dice: Dice, company: Company) -> str:
    """A paragraph in favour."""
    return " ".join(fill(text, dice, company) for text in dice.sample(_BULL, dice.integer(3, 5)))


def bear_case(dice: Dice, company: Company) -> str:
    """A paragraph against."""
    return " ".join(fill(text, dice, company) for text in dice.sample(_BEAR, dice.integer(3, 5)))
