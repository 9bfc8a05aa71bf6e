"""Money as Xero counts it: per line, half up, then summed. Decimals only."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import List, Sequence

CENT = Decimal("0.01")
HUNDRED = Decimal(100)


def places(currency: str) -> Decimal:
    """The smallest amount of a currency."""
    return {"JPY": Decimal(1), "KRW": Decimal(1), "KWD": Decimal("0.001"), "BHD": Decimal("0.001")}.get(currency, CENT)


def half_up(amount: Decimal, places: Decimal = CENT) -> Decimal:
    """Rounds to `places`; a half goes away from zero."""
    return amount.quantize(places, rounding=ROUND_HALF_UP)


def line_amount(quantity: Decimal, unit: Decimal, discount_percent: Decimal = Decimal(0)) -> Decimal:
    """What a line comes to: the unit price keeps four places, the amount two."""
    unit = half_up(unit, Decimal("0.0001"))
    return half_up(quantity * unit * (HUNDRED - discount_percent) / HUNDRED)


def line_tax(amount: Decimal, rate_percent: Decimal, amounts: str) -> Decimal:
    """Tax of one line. `amounts` says whether the line's amount is `exclusive` or `inclusive` of it."""
    if amounts == "exclusive":
        return half_up(amount * rate_percent / HUNDRED)
    if amounts == "inclusive":
        return half_up(amount * rate_percent / (HUNDRED + rate_percent))
    if amounts == "no-tax":
        return Decimal("0.00")
    raise ValueError("amounts is %r; it is exclusive, inclusive or no-tax" % amounts)


def shares(amount: Decimal, percents: Sequence[Decimal]) -> List[Decimal]:
    """Divides an amount to the cent; what rounding leaves is in the last share."""
    if sum(percents) != HUNDRED:
        raise ValueError("the parts %s are not 100 percent" % ",".join(map(str, percents)))
    first = [half_up(amount * percent / HUNDRED) for percent in percents[:-1]]
    return first + [amount - sum(first, Decimal(0))]
