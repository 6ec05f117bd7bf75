"""The companies, brokers and analysts of the simulated market.

All are invented, but for the feed's own mock tickers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Company:
    """A listed company with everything the feed may say about it."""

    symbol: str
    name: str
    exchange: str
    cusip: str
    isin: str
    cik: str
    product: str
    """What it sells, as it would be said in a sentence."""

    ceo: str
    cfo: str


@dataclass(frozen=True, slots=True)
class Analyst:
    """Somebody who rates companies and asks questions on their calls."""

    name: str
    firm: str
    firm_id: str
    analyst_id: str


def cusip_of(base: str) -> str:
    """The nine characters of a CUSIP from its first eight: the check digit is right."""
    total = 0
    for index, character in enumerate(base):
        value = int(character, 36) * (2 if index % 2 else 1)
        total += value // 10 + value % 10
    return f"{base}{-total % 10}"


def isin_of(cusip: str, country: str = "US") -> str:
    """The ISIN of a CUSIP, with a right check digit (Luhn over the letters as numbers)."""
    digits = "".join(str(int(character, 36)) for character in country + cusip)
    total = 0
    for index, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if index % 2 == 0 else 1)
        total += value // 10 + value % 10
    return f"{country}{cusip}{-total % 10}"


_ROWS: Final = (
    ("ALVR", "Alvarion Robotics", "NASDAQ", "warehouse robots", "Dana Whitlock", "Pieter Aalbers"),
    ("BRKW", "Brookwell Foods", "NYSE", "packaged foods", "Marcus Oyelaran", "Helen Strand"),
    ("CDNC", "Cadence Harbor Bancorp", "NASDAQ", "commercial lending", "Ruth Lindqvist", "Thomas Abara"),
    ("DLTX", "Deltrix Semiconductor", "NASDAQ", "power semiconductors", "Kenji Morimoto", "Alice Ferreira"),
    ("ESTV", "Estavia Therapeutics", "NASDAQ", "oncology drugs", "Priya Raman", "Colin Baxter"),
    ("FNDR", "Foundry Lane Apparel", "NYSE", "outdoor apparel", "Julie Okafor", "Stefan Kranz"),
    ("GRDN", "Gridion Energy", "NYSE", "grid storage", "Walter Hughes", "Naomi Feld"),
    ("HLXM", "Helixmed Devices", "NYSE", "surgical devices", "Samuel Ortiz", "Grace Pemberton"),
    ("INVL", "Innovale Software", "NASDAQ", "cloud software", "Leah Goldberg", "Amir Haddad"),
    ("JRDG", "Juniper Ridge Lodging", "NYSE", "hotels", "Frank Delacroix", "Mei Tanaka"),
    ("KSTL", "Keystall Steel", "NYSE", "flat-rolled steel", "Roy Hendricks", "Ingrid Moen"),
    ("LMNT", "Lumenant Networks", "NASDAQ", "optical networking", "Victor Adeyemi", "Paula Reyes"),
    ("MRDN", "Meridian Air Freight", "NYSE", "air freight", "Carla Jimenez", "Douglas Wren"),
    ("NVST", "Novastra Aerospace", "NYSE", "satellite components", "Elena Petrova", "Robert Quayle"),
    ("OKLN", "Oakline Homes", "NYSE", "single-family homes", "James Thornbury", "Sofia Marin"),
    ("PXLR", "Pixelara Games", "NASDAQ", "video games", "Tomas Eklund", "Yuki Sato"),
    ("QNTM", "Quantum Reach Labs", "NASDAQ", "measurement instruments", "Fatima Noor", "Brian Castell"),
    ("RVRB", "Reverb Audio", "NASDAQ", "consumer audio", "Owen McAllister", "Lucia Bianchi"),
    ("SLSV", "Solsave Insurance", "NYSE", "property insurance", "Margaret Bloom", "Kwame Asante"),
    ("TRVL", "Travelora", "NASDAQ", "online travel", "Isabel Cortez", "Henry Vance"),
    ("UMBR", "Umbra Cybersecurity", "NASDAQ", "endpoint security", "Nadia Rahman", "Peter Lindholm"),
    ("VTLS", "Vitalis Water", "AMEX", "water utilities", "George Whitfield", "Anna Kowalska"),
    ("WHTR", "Whitmore Railcars", "NYSE", "freight railcars", "Patricia Dunn", "Louis Garnier"),
    ("XENO", "Xenolith Minerals", "TSXV", "copper and lithium", "Arthur Beaumont", "Chloe Nguyen"),
)


def _company(index: int, row: tuple[str, str, str, str, str, str]) -> Company:
    symbol, name, exchange, product, ceo, cfo = row
    country = "CA" if exchange == "TSXV" else "US"
    cusip = cusip_of(f"{7_000 + index * 37:05d}{'ABCDEFGH'[index % 8]}10")
    # The feed pads CIKs in some rows and not in others.
    cik = f"{1_300_000 + index * 4_391:010d}" if index % 2 else str(1_300_000 + index * 4_391)
    return Company(symbol, name, exchange, cusip, isin_of(cusip, country), cik, product, ceo, cfo)


COMPANIES: Final = tuple(_company(index, row) for index, row in enumerate(_ROWS))

MOCK_COMPANIES: Final = (
    Company("AAPL", "Apple", "NASDAQ", "037833100", "US0378331005", "0000320193", "devices", "", ""),
    Company("MSFT", "Microsoft", "NASDAQ", "594918104", "US5949181045", "0000789019", "software", "", ""),
    Company("TSLA", "Tesla", "NASDAQ", "88160R101", "US88160R1014", "0001318605", "vehicles", "", ""),
)
"""The tickers for which the feed sends mock sentences (fact sheet §3.7)."""

_ANALYSTS: Final = (
    ("Nora Castellan", "Harrow & Pike"), ("Daniel Osei", "Brightwater Securities"),
    ("Mina Albrecht", "Colfax Partners"),
    ("Jeffrey Lund", "Stonegate Capital"), ("Aisha Bello", "Northmoor"), ("Craig Venn", "Halden Brothers"),
    ("Tara Iversen", "Lakeshore Research"), ("Rahul Menon", "Palisade Markets"), ("Simone Duval", "Credit Valmont"),
    ("Evan Hartley", "Wexford & Co."), ("Lin Zhao", "Eastbridge"), ("Monica Prieto", "Tidewater Equity"),
)  # fmt: skip

ANALYSTS: Final = tuple(
    Analyst(name, firm, f"57f832d56b87f600016fa4{index:02x}", f"669ea49c3f2d7e00013037{index:02x}")
    for index, (name, firm) in enumerate(_ANALYSTS)
)
