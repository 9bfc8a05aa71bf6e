"""What the auditor says of right and wrong syncs; every wrong one must be found."""

import copy
import unittest
from decimal import Decimal as D

import audit
from books_audit import bystanders
from books_audit.ledger import Contact, InvoiceLine
from tests import firm


def synced(before=None, invoices=None, contacts=None, said=None, crm=None):
    """The verdict on what a sync left."""
    crm = crm or firm.crm()
    before = before or firm.ledger()
    snapshot = bystanders.plain(bystanders.take(crm, before, None))
    after = copy.deepcopy(crm)
    if said is not None:
        after.deals[firm.DEAL].raw.update(said)
    there = list(before.invoices.values()) + ([firm.invoice()] if invoices is None else invoices)
    people = list(before.contacts.values()) + ([firm.linked()] if contacts is None else contacts)
    ledger = firm.ledger(people, there)
    return audit.verdict(after, ledger, None, snapshot, firm.rules(), firm.NOW)


RIGHT = {"Xero_Invoice_Id__c": "i1", "Xero_Invoice_Number__c": "INV-1", "Xero_Invoice_Link__c": "https://go.xero.com/i1"}


class Verdict(unittest.TestCase):
    def test_right(self):
        report = synced(said=RIGHT)
        assert report["findings"] == [] and report["verdict"] == "agree", report
        assert (report["expected"], report["found"], report["write_backs"], report["contacts_created"]) == (1, 1, 1, 1)
        assert report["control_account"]["GBP"]["found"] == D("120.00")

    def test_nothing_done(self):
        report = synced(invoices=[], contacts=[])
        assert (report["lost"], report["duplicates"], report["unexpected"]) == (1, 0, 0)
        assert report["verdict"] == "disagree"

    def test_duplicate(self):
        report = synced(said=RIGHT, invoices=[firm.invoice(), firm.invoice(id="i2", number="INV-2")])
        assert (report["duplicates"], report["lost"]) == (1, 0)

    def test_wrong_money(self):
        line = InvoiceLine(D("100.00"), D("20.01"), "OUTPUT2", "200", "SRV", description="Service")
        for changes in (
            {"total": D("120.01"), "total_tax": D("20.01"), "lines": [line]},
            {"currency": "EUR"},
            {"lines": []},
            {"lines": [InvoiceLine(D("100.00"), D("20.00"), "EXEMPTOUTPUT", "200", "SRV", description="Service")]},
        ):
            assert synced(said=RIGHT, invoices=[firm.invoice(**changes)])["total_mismatches"] == 1, changes

    def test_wrong_elsewhere(self):
        for changes in ({"date": "2026-11-21"}, {"date": "2026-11-23"}, {"contact_id": "c7"}):
            assert synced(said=RIGHT, invoices=[firm.invoice(**changes)])["other_mismatches"] == 1, changes
        crm = firm.crm([firm.deal(purchase_order="PO 7")])
        assert synced(said=RIGHT, crm=crm)["other_mismatches"] == 1
        assert synced(said=RIGHT, crm=crm, invoices=[firm.invoice(reference="PO 7")])["verdict"] == "agree"

    def test_write_back(self):
        assert synced()["write_back_errors"] == 1
        assert synced(said={**RIGHT, "Xero_Invoice_Number__c": "INV-2"})["write_back_errors"] == 1
        assert synced(said=RIGHT, invoices=[], contacts=[])["write_back_errors"] == 1

    def test_unexpected(self):
        held = firm.crm([firm.deal(amount=D(0), lines=[])])
        assert synced(crm=held, said=RIGHT)["unexpected"] >= 1
        stray = firm.invoice(id="i3", url=None)
        assert synced(said=RIGHT, invoices=[firm.invoice(), stray])["unexpected"] == 1
        twice = [firm.linked(), Contact("c2", "Acme Ltd (2)", firm.ACCOUNT)]
        assert synced(said=RIGHT, contacts=twice)["unexpected"] == 1

    def test_bystanders(self):
        before = firm.ledger([Contact("c5", "Bystander")], [firm.invoice(id="i5", url=None, contact_id="c5")])
        assert synced(before, said=RIGHT)["bystanders_touched"] == 0
        touched = copy.deepcopy(before)
        snapshot = bystanders.plain(bystanders.take(firm.crm(), before, None))
        touched.invoices["i5"].status = "VOIDED"
        touched.contacts["c5"].name = "Renamed"
        report = audit.verdict(firm.crm(), touched, None, snapshot, firm.rules(), firm.NOW)
        assert report["bystanders_touched"] == 2

    def test_an_adopted_contact_may_get_its_number_and_nothing_else(self):
        before = firm.ledger([firm.linked(number=None)])
        snapshot = bystanders.plain(bystanders.take(firm.crm(), before, None))

        def verdict(contact):
            crm = firm.crm()
            crm.deals[firm.DEAL].raw.update(RIGHT)
            return audit.verdict(crm, firm.ledger([contact], [firm.invoice()]), None, snapshot, firm.rules(), firm.NOW)

        assert verdict(firm.linked())["verdict"] == "agree"
        assert verdict(firm.linked(email="new@example.com"))["bystanders_touched"] == 1

    def test_a_snapshot_keeps_its_decimals(self):
        before = firm.ledger([firm.linked()], [firm.invoice()])
        snapshot = bystanders.plain(bystanders.take(firm.crm(), before, None))
        assert bystanders.earlier(before, snapshot) == before
