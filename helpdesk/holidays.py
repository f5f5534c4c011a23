"""Legal holidays of a Land, from the `holidays` package: computed on this machine, never read from a feed.

North Rhine-Westphalia has eleven (§ 2 Feiertagsgesetz NW), All Saints and Corpus Christi among them. 24 and 31 December
and Rosenmontag are none: offices that close then say so in their calendar.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

from holidays.countries.germany import Germany

LANDS: Final = frozenset(code for code in Germany.subdivisions if len(code) == 2)
NRW: Final = "NW"
#: a calendar knows the holidays of so many years before and after the one in which it was applied
YEARS_BEFORE: Final = 1
YEARS_AFTER: Final = 5


def legal_holidays(land: str, years: Iterable[int]) -> dict[date, str]:
    """The holidays of these years with their German names, ascending. `land` is an ISO 3166-2 code without `DE-`.

    Raises ValueError for an unknown Land.
    """
    if land not in LANDS:
        raise ValueError(f"unknown Land: {land}")
    found = Germany(subdiv=land, years=list(years), language="de", expand=False)
    return dict(sorted(found.items()))


def years_filled_in(today: date) -> range:
    """The years whose holidays a configuration applied today gets: later ones come with the next yearly run."""
    return range(today.year - YEARS_BEFORE, today.year + YEARS_AFTER + 1)


def iso_dates(land: str, years: Iterable[int]) -> list[str]:
    """The same as dates in text, as calendars and rotas write them."""
    return [day.isoformat() for day in legal_holidays(land, years)]
