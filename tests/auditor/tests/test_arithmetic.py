"""Rounding, against vectors that Xero published and hand-made ties."""

import unittest
from decimal import Decimal as D

from books_audit import arithmetic
from tests import firm


class Arithmetic(unittest.TestCase):
    def test_tax_is_rounded_per_line_and_then_summed(self):
        taxes = [arithmetic.line_tax(D(amount), D(15), "exclusive") for amount in ("25.06", "25.61", "25.63")]
        assert taxes == [D("3.76"), D("3.84"), D("3.84")]
        assert sum(taxes) == D("11.44")
        assert sum(taxes) + D("76.30") == D("87.74")

    def test_a_half_goes_up(self):
        assert arithmetic.half_up(D("2.165")) == D("2.17")
        assert arithmetic.half_up(D("0.125")) == D("0.13")
        assert arithmetic.half_up(D("-0.125")) == D("-0.13")
        assert arithmetic.line_tax(D("0.10"), D(5), "exclusive") == D("0.01")

    def test_a_line_keeps_four_places_of_its_price(self):
        assert arithmetic.line_amount(D(3), D("0.125")) == D("0.38")
        assert arithmetic.line_amount(D("0.25"), D("64.50")) == D("16.13")
        assert arithmetic.line_amount(D(1000), D("0.12345")) == D("123.50")
        assert arithmetic.line_amount(D(2), D("10.50"), D(10)) == D("18.90")

    def test_tax_included(self):
        assert arithmetic.line_tax(D("120.00"), D(20), "inclusive") == D("20.00")
        assert arithmetic.line_tax(D("9.99"), D(20), "inclusive") == D("1.67")
        assert arithmetic.line_tax(D("9.99"), D(20), "no-tax") == 0

    def test_what_rounding_leaves_is_in_the_last_part(self):
        assert arithmetic.shares(D("33.35"), [D(30), D(70)]) == [D("10.01"), D("23.34")]
        assert arithmetic.shares(D("100.00"), [D("33.33"), D("33.33"), D("33.34")]) == [D("33.33"), D("33.33"), D("33.34")]
        assert sum(arithmetic.shares(D("0.05"), [D(30), D(70)])) == D("0.05")
        with self.assertRaises(ValueError):
            arithmetic.shares(D(1), [D(30), D(60)])


class Policies(unittest.TestCase):
    def test_unknown_and_missing_keys_are_named(self):
        with self.assertRaisesRegex(ValueError, "golive"):
            firm.rules(golive="x")
        from books_audit import policy

        with self.assertRaisesRegex(ValueError, "as_of"):
            policy.of({"go_live": "2026-01-01T00:00:00Z", "default_account": "200", "tax_rules": []})

    def test_instants_of_both_vendors(self):
        from books_audit.policy import instant

        texts = ("2026-09-14T10:29:59.000+0100", "2026-09-14T09:29:59Z", "2026-09-14T09:29:59.000000000+00:00")
        assert len({instant(text) for text in texts}) == 1
