"""Each reason for which a won deal has no invoice, and its nearest neighbour that has one."""

import unittest
from decimal import Decimal as D

from books_audit.crm import Account, Line
from books_audit.customers import loose
from books_audit.expected import work_out
from books_audit.ledger import Contact, Item
from tests import firm


def reason(crm=None, ledger=None, **policy):
    """The reason of the usual deal, or None where it is billed."""
    expectation = work_out(crm or firm.crm(), ledger or firm.ledger(), firm.rules(**policy))
    assert expectation.won == len(expectation.held) + len(expectation.invoices)
    return expectation.held.get(firm.DEAL)


def of_deal(**changes):
    return firm.crm([firm.deal(**changes)])


def of_account(**changes):
    return firm.crm(accounts=[Account(**{"id": firm.ACCOUNT, "name": "Acme Ltd", "country": "GB", **changes})])


class Deals(unittest.TestCase):
    def test_billed(self):
        assert reason() is None

    def test_before_go_live(self):
        old = [("2026-10-20T09:00:00.000+0000", "Closed Won")]
        edited = old + [("2026-11-10T09:00:00.000+0000", "Closed Won")]
        again = old + [("2026-11-09T09:00:00.000+0000", "Prospecting"), (firm.WON, "Closed Won")]
        assert reason(of_deal(history=old)) == "before-go-live"
        assert reason(of_deal(history=edited)) == "before-go-live"
        assert reason(of_deal(history=again)) is None
        assert reason(of_deal(history=[], stage_changed_at="2026-10-20T09:00:00Z")) == "before-go-live"
        assert reason(of_deal(history=[], stage_changed_at=firm.WON)) is None

    def test_amounts(self):
        assert reason(of_deal(amount=D(0), lines=[])) == "zero-amount"
        assert reason(of_deal(amount=None, lines=[])) == "zero-amount"
        assert reason(of_deal(amount=D("-1"), lines=[])) == "negative-amount"
        assert reason(of_deal(amount=D("100.01"))) == "amount-differs"
        halves = [Line(D("0.25"), D("64.50")), Line(D(3), D("0.125"))]
        assert reason(of_deal(amount=D("16.51"), lines=halves)) is None

    def test_no_lines(self):
        assert reason(of_deal(lines=[])) is None
        assert reason(of_deal(lines=[]), no_lines="hold") == "no-lines"

    def test_currency(self):
        assert reason(of_deal(currency="EUR")) is None
        assert reason(of_deal(currency="KWD")) == "currency-not-subscribed"

    def test_locked_period(self):
        assert reason(ledger=firm.ledger(lock_dates=["2026-11-21"])) is None
        assert reason(ledger=firm.ledger(lock_dates=["2026-11-22"])) == "locked-period"
        assert reason(tax_filed_to="2026-12-31") == "locked-period"

    def test_accounts_and_items(self):
        assert reason(default_account="999", crm=of_deal(lines=[])) == "no-account"
        assert reason(of_deal(lines=[Line(D(1), D(100), "GONE")])) == "item-not-found"
        assert reason(ledger=firm.ledger(items={"SRV": Item("SRV", None, None)})) is None

    def test_tax(self):
        assert reason(ledger=firm.ledger(items={"SRV": Item("SRV", "200", "INPUT2")})) == "tax-type-unfit"
        assert reason(ledger=firm.ledger(items={"SRV": Item("SRV", "200", "TAX9")})) == "tax-type-unfit"
        assert reason(of_account(country="NO", tax_number="NO1")) == "foreign-tax-number"
        assert reason(of_account(country="NO")) is None
        assert reason(of_account(country="DE", tax_number="DE1")) is None
        assert reason(of_account(country="GB", tax_number="GB1")) is None

    def test_billing_plan(self):
        assert reason(of_deal(billing_plan="30,60")) == "billing-plan-unclear"
        assert reason(of_deal(billing_plan="half")) == "billing-plan-unclear"


class Customers(unittest.TestCase):
    def contact(self, **changes):
        return Contact(**{"id": "c9", "name": "Acme Ltd", **changes})

    def with_contact(self, **changes):
        return reason(ledger=firm.ledger([self.contact(**changes)]))

    def test_linked(self):
        assert self.with_contact(number=firm.ACCOUNT, name="Other name") is None
        assert self.with_contact(number=firm.ACCOUNT, status="ARCHIVED") == "customer-gone"
        assert self.with_contact(number=firm.ACCOUNT, status="ARCHIVED", merged_to="c2") == "customer-merged"

    def test_names(self):
        assert self.with_contact() is None
        assert self.with_contact(name="ACME LTD") is None
        assert self.with_contact(number="taken") == "customer-name-clash"
        assert self.with_contact(status="ARCHIVED") == "customer-name-clash"
        assert self.with_contact(name="Acme Limited") == "customer-looks-existing"
        assert self.with_contact(name="Acme, plc.") == "customer-looks-existing"
        assert self.with_contact(name="Acme (Leeds) Ltd") is None

    def test_two_accounts_of_one_name(self):
        second = "001Fb0000000002IAA"
        accounts = [Account(firm.ACCOUNT, "Acme Ltd", "GB"), Account(second, "acme ltd", "GB")]
        both = [firm.deal(), firm.deal(id="006Fb0000000002IAA", account_id=second)]
        expectation = work_out(firm.crm(both, accounts), firm.ledger(), firm.rules())
        assert set(expectation.held.values()) == {"customer-name-clash"} and len(expectation.held) == 2
        one = work_out(firm.crm(both[:1], accounts), firm.ledger(), firm.rules())
        assert not one.held

    def test_gone_in_salesforce(self):
        assert reason(of_account(deleted=True)) == "customer-gone"
        assert reason(of_account(deleted=True, master_id="001")) == "customer-merged"

    def test_folding(self):
        assert loose("Smith & Co. Ltd") == loose("SMITH  & CO LIMITED")
        assert loose("Limited") != loose("")

    def test_bill_to(self):
        parent, other = Account("001P", "Parent", "GB"), Account("001O", "Other", "GB")
        child = Account(firm.ACCOUNT, "Child", "GB", parent_id="001P", bill_parent=True)
        accounts = [parent, other, child]
        billed = lambda d: work_out(firm.crm([d], accounts), firm.ledger(), firm.rules()).invoices[firm.DEAL][0].customer
        assert billed(firm.deal()).account_id == "001P"
        assert billed(firm.deal(bill_to_id="001O")).account_id == "001O"
        child.bill_parent = False
        assert billed(firm.deal()).account_id == firm.ACCOUNT


class AlreadyInvoiced(unittest.TestCase):
    def with_invoice(self, contact=None, **changes):
        hand = firm.invoice(**{"url": None, **changes})
        return reason(ledger=firm.ledger([contact or firm.linked()], [hand]))

    def test_same_contact_and_total(self):
        assert self.with_invoice() == "looks-already-invoiced"
        assert self.with_invoice(contact=firm.linked(number=None)) == "looks-already-invoiced"
        assert self.with_invoice(date="2026-09-23") == "looks-already-invoiced"
        assert self.with_invoice(date="2026-09-22") is None
        assert self.with_invoice(total=D("120.01")) is None
        assert self.with_invoice(currency="EUR") is None
        assert self.with_invoice(contact_id="c7") is None
        assert self.with_invoice(status="VOIDED") is None
        assert self.with_invoice(kind="ACCPAY") is None

    def test_our_own_is_not_one(self):
        ours = firm.invoice()
        assert reason(ledger=firm.ledger([firm.linked()], [ours])) is None


class Winners(unittest.TestCase):
    def type_of(self, crm=None, ledger=None):
        lines = work_out(crm or firm.crm(), ledger or firm.ledger(), firm.rules()).invoices[firm.DEAL][0].lines
        return [line.tax_type for line in lines]

    def test_rule_then_contact_then_item_then_account(self):
        exempt = [Line(D(1), D(100), "SRV", "Exempt")]
        contact = firm.ledger([firm.linked(sales_tax_type="ZERORATEDOUTPUT")])
        assert self.type_of(of_deal(lines=exempt), contact) == ["EXEMPTOUTPUT"]
        assert self.type_of(ledger=contact) == ["ZERORATEDOUTPUT"]
        assert self.type_of() == ["OUTPUT2"]
        assert self.type_of(of_deal(lines=[Line(D(1), D(100), "BARE")])) == ["ZERORATEDOUTPUT"]
        assert self.type_of(of_deal(lines=[])) == ["OUTPUT2"]

    def test_parts(self):
        staged = of_deal(billing_plan="30,70", amount=D("33.35"), lines=[Line(D(1), D("33.35"), "SRV")])
        first = work_out(staged, firm.ledger(), firm.rules()).invoices[firm.DEAL]
        assert [(i.part, i.sub_total, i.total_tax, i.total) for i in first] == [(0, D("10.01"), D("2.00"), D("12.01"))]
        later = work_out(staged, firm.ledger(), firm.rules(as_of="2027-01-09T12:00:00Z")).invoices[firm.DEAL]
        assert [i.sub_total for i in later] == [D("10.01"), D("23.34")]
