"""What the auditor says of what came back to Salesforce; every wrong record must be found, to the cent."""

import unittest
from decimal import Decimal as D

import audit
from books_audit import arithmetic, compare_back, reflection
from books_audit.crm import Account
from books_audit.receivables import Allocation, Credit, Payment, Receivables
from books_audit.reflected import BALANCE, DOCUMENT, MOVEMENT, Record, Reflected, plain
from tests import firm


def payment(**changes):
    return Payment(**{"id": "p1", "document": "i1", "document_kind": "invoice", "date": "2026-11-23", "amount": D("50.00"), **changes})


def credit(**changes):
    values = dict(
        id="n1",
        kind="credit-note",
        contact_id="c1",
        status="AUTHORISED",
        date="2026-11-20",
        currency="GBP",
        total=D("30.00"),
        remaining=D("30.00"),
        number="CN-1",
    )
    return Credit(**{**values, **changes})


def owed(**changes):
    return firm.invoice(**{"amount_due": D("120.00"), **changes})


def world(invoices=(), payments=(), credits=(), contacts=None):
    books = firm.ledger([firm.linked()] if contacts is None else contacts, list(invoices))
    return books, Receivables({p.id: p for p in payments}, {c.id: c for c in credits})


def right(books, money, rules):
    """Records as a right sync leaves them."""
    wanted = reflection.work_out(books, money, firm.NOW.date(), rules.write_off_accounts)
    compare_back.link_deals(wanted, books, {firm.DEAL})

    def record(one, fields, **more):
        return Record("a0" + one.key, one.key, {ours: getattr(one, ours) for ours in fields}, **more)

    return Reflected(
        [record(d, DOCUMENT, account=firm.ACCOUNT, deal=d.deal) for d in wanted.documents.values()],
        [record(m, MOVEMENT, document=m.documents[0]) for m in wanted.movements.values()],
        [record(b, BALANCE, account=firm.ACCOUNT) for b in wanted.balances.values()],
    )


def verdict(books, money, bend=None, **policy):
    rules = firm.rules(write_off_accounts=["409"], **policy)
    there = right(books, money, rules)
    if bend is not None:
        bend(there)
    return audit.verdict_back(firm.crm(), books, money, there, rules, firm.NOW)


def usual():
    """One invoice half paid and a credit note that is still open."""
    half = owed(amount_due=D("70.00"), amount_paid=D("50.00"))
    return world([half], [payment()], [credit()])


class Statuses(unittest.TestCase):
    def status(self, invoice, payments=(), credits=()):
        books, money = world([invoice], payments, credits)
        return reflection._Work(books, money, firm.NOW.date(), {"409"}).invoice_status(invoice)

    def test_invoices(self):
        for theirs, ours in (("DRAFT", "draft"), ("SUBMITTED", "draft"), ("VOIDED", "voided"), ("DELETED", "deleted")):
            assert self.status(owed(status=theirs)) == ours
        assert self.status(owed()) == "awaiting-payment"
        assert self.status(owed(), [payment()]) == "part-paid"
        assert self.status(owed(), [payment(deleted=True)]) == "awaiting-payment"
        assert self.status(owed(amount_deducted=D("20"))) == "awaiting-payment"
        some = [Allocation("a1", "i1", D("30"))]
        assert self.status(owed(), credits=[credit(allocations=some)]) == "part-paid"
        paid = owed(status="PAID")
        assert self.status(paid, [payment()]) == "paid"
        assert self.status(paid) == "paid", "nothing to pay"
        assert self.status(paid, credits=[credit(allocations=some)]) == "credited"
        assert self.status(paid, [payment()], [credit(allocations=some)]) == "paid"
        assert self.status(paid, credits=[credit(kind="prepayment", allocations=some)]) == "paid"
        assert self.status(paid, [payment(account="409")]) == "written-off"
        assert self.status(paid, [payment()], [credit(allocations=some, accounts={"409"})]) == "written-off"
        assert self.status(paid, credits=[credit(allocations=some, accounts={"409", "200"})]) == "credited"
        assert self.status(owed(), [payment(account="409")]) == "part-paid"

    def test_credits(self):
        def status(one, payments=()):
            books, money = world([], payments, [one])
            return reflection._Work(books, money, firm.NOW.date(), {"409"}).credit_status(one)

        refund = payment(document="n1", document_kind="credit-note")
        used = credit(status="PAID", remaining=D(0))
        assert status(credit()) == "credit-unallocated"
        assert status(credit(remaining=D("1.00")), [refund]) == "credit-unallocated"
        assert status(used, [refund]) == "refunded"
        assert status(credit(status="PAID", remaining=D(0), allocations=[Allocation("a", "i1", D("30"))])) == "credited"
        assert status(credit(status="PAID", remaining=D(0), allocations=[Allocation("a", "i1", D("10"))]), [refund]) == "refunded"
        assert status(credit(status="VOIDED", remaining=D(0))) == "voided"
        assert status(credit(status="DRAFT")) == "draft"


class Balances(unittest.TestCase):
    def balances(self, *world_of):
        books, money = world(*world_of)
        return reflection.work_out(books, money, firm.NOW.date(), []).balances

    def test_per_customer_and_currency(self):
        euros = owed(id="i2", currency="EUR", amount_due=D("117.00"), total=D("117.00"), rate=D("1.17"))
        drafts = owed(id="i3", status="DRAFT")
        advance = credit(id="o1", kind="overpayment", remaining=D("5.00"))
        found = self.balances([owed(due_date="2026-11-21"), euros, drafts], [], [credit(), advance])
        assert sorted(found) == ["org/c1/EUR", "org/c1/GBP"]
        pounds = found["org/c1/GBP"]
        assert (pounds.invoiced_due, pounds.unallocated_credits, pounds.balance) == (D("120.00"), D("35.00"), D("85.00"))
        assert (pounds.overdue, pounds.open_documents) == (D("120.00"), 3)
        assert (found["org/c1/EUR"].balance, found["org/c1/EUR"].base_balance, found["org/c1/EUR"].overdue) == (D("117.00"), D("100.00"), 0)

    def test_due_today_is_not_overdue(self):
        assert self.balances([owed(due_date="2026-11-22")])["org/c1/GBP"].overdue == 0

    def test_small_units(self):
        assert arithmetic.half_up(D("10.5"), arithmetic.places("JPY")) == D(11)
        assert arithmetic.places("KWD") == D("0.001")


class Verdict(unittest.TestCase):
    def test_right(self):
        report = verdict(*usual())
        assert report["findings"] == [] and report["verdict"] == "agree", report["findings"]
        assert (report["documents_reflected"], report["payments_reflected"], report["balances_expected"]) == (2, 1, 1)
        account = report["receivables_control_account"]["GBP"]
        assert (account["due"], account["unallocated"], account["balances_in_salesforce"]) == (D("70.00"), D("30.00"), D("40.00"))

    def test_nothing_came_back(self):
        def empty(there):
            there.documents, there.movements, there.balances = [], [], []

        report = verdict(*usual(), empty)
        assert (report["missing"], report["documents_reflected"], report["payments_reflected"]) == (3, 0, 0)
        assert report["balance_mismatches"] >= 1 and report["verdict"] == "disagree"

    def test_not_provisioned(self):
        report = verdict(*usual(), lambda there: there.absent.append("Footbridge_Balance__c"))
        assert report["verdict"] == "disagree"
        assert "Footbridge_Balance__c" in report["findings"][0]["message"]

    def test_a_cent(self):
        wrong = {"text": lambda value: "x", "date": lambda value: "2020-01-01", "count": lambda value: 77}
        for fields, records, name in (
            (DOCUMENT, "documents", "mismatches"),
            (MOVEMENT, "movements", "mismatches"),
            (BALANCE, "balances", "balance_mismatches"),
        ):
            for ours, (_, shape) in fields.items():
                def bend(there):
                    values = getattr(there, records)[0].values
                    values[ours] = wrong.get(shape, lambda value: value + D("0.01"))(values[ours])

                report = verdict(*usual(), bend)
                assert report[name] >= 1 and report["verdict"] == "disagree", (records, ours)
                assert any(ours.replace("_", " ") in finding["message"] for finding in report["findings"]), (records, ours)

    def test_links(self):
        for change in ("account", "deal"):
            assert verdict(*usual(), lambda there: setattr(there.documents[0], change, None))["mismatches"] == 1, change
        assert verdict(*usual(), lambda there: setattr(there.movements[0], "document", "org/invoice/i2"))["mismatches"] == 1

    def test_a_deleted_account_is_nobody_s(self):
        books, money = usual()
        rules = firm.rules()
        there = right(books, money, rules)
        for document in there.documents:
            document.account = None
        crm = firm.crm(accounts=[Account(firm.ACCOUNT, "Acme Ltd", "GB", deleted=True)])
        assert audit.verdict_back(crm, books, money, there, rules, firm.NOW)["verdict"] == "agree"

    def test_twice_and_strange(self):
        assert verdict(*usual(), lambda there: there.documents.append(there.documents[0]))["duplicates"] == 1
        stray = Record("a0x", "org/invoice/i9", {})
        assert verdict(*usual(), lambda there: there.documents.append(stray))["strangers"] == 1
        other = Record("a0y", "another/invoice/i9", {})
        assert verdict(*usual(), lambda there: there.documents.append(other))["verdict"] == "agree"

    def test_a_payment_that_was_taken_back(self):
        world_of = world([owed()], [payment(deleted=True)])
        report = verdict(*world_of)
        assert report["verdict"] == "agree" and report["payments_expected"] == 0

        def still_counted(there):
            there.movements[0].values["status"] = "recorded"

        assert verdict(*world_of, still_counted)["mismatches"] == 1
        # Deleted before anybody could copy it.
        assert verdict(*world_of, lambda there: there.movements.clear())["verdict"] == "agree"

    def test_an_allocation_that_is_gone_from_xero_is_kept_as_reversed(self):
        def kept(status):
            return lambda there: there.movements.append(Record("a0z", "org/allocation/a9", {"status": status}))

        assert verdict(*usual(), kept("reversed"))["verdict"] == "agree"
        assert verdict(*usual(), kept("recorded"))["strangers"] == 1

    def test_an_allocation_belongs_to_either_document(self):
        half = owed(amount_due=D("90.00"), amount_credited=D("30.00"))
        used = credit(status="PAID", remaining=D(0), allocations=[Allocation("a1", "i1", D("30.00"), "2026-11-23")])
        world_of = world([half], [], [used])
        assert verdict(*world_of)["allocations_reflected"] == 1

        def at(document):
            return lambda there: setattr(there.movements[0], "document", document)

        assert verdict(*world_of, at("org/credit-note/n1"))["verdict"] == "agree"
        assert verdict(*world_of, at("org/credit-note/n2"))["mismatches"] == 1

    def test_zero_balances_may_stay(self):
        paid = owed(status="PAID", amount_due=D(0), amount_paid=D("120.00"), fully_paid_on="2026-11-23")
        world_of = world([paid], [payment(amount=D("120.00"))])

        def stays(due):
            values = {"customer": "c1", "currency": "GBP", "invoiced_due": D(due), "balance": D(due)}
            return lambda there: there.balances.append(Record("a0b", "org/c1/GBP", values))

        assert verdict(*world_of, stays("0.00"))["verdict"] == "agree"
        assert verdict(*world_of, stays("0.01"))["balance_mismatches"] == 2

    def test_what_xero_itself_counts_otherwise_is_named(self):
        books, money = usual()
        money.payments["p1"].amount = D("49.99")
        report = verdict(books, money)
        assert any("due by Xero's own figures is 70.00, the movements leave 70.01" in f["message"] for f in report["findings"])

    def test_cis_and_voided(self):
        cis = owed(amount_due=D("80.00"), amount_deducted=D("20.00"), amount_paid=D("20.00"))
        assert verdict(*world([cis], [payment(amount=D("20.00"))]))["verdict"] == "agree"
        void = owed(status="VOIDED", amount_due=D(0))
        assert verdict(*world([void]))["verdict"] == "agree"

        def short(there):
            there.documents[0].values["amount_deducted"] = D(0)

        assert verdict(*world([cis], [payment(amount=D("20.00"))]), short)["arithmetic_errors"] == 1

    def test_days_to_pay(self):
        def days(account, **changes):
            books, money = world([owed(fully_paid_on="2026-11-25", **changes)], [payment(account=account)])
            (document,) = reflection.work_out(books, money, firm.NOW.date(), ["409"]).documents.values()
            return document.days_to_pay

        assert days("090", status="PAID") == 3
        assert days("409", status="PAID") is None, "given up"
        assert days("090") is None, "still open"

    def test_values_of_salesforce(self):
        assert plain(None, "money") == 0 and plain(D("1.5"), "money") == D("1.50")
        assert plain(D("3.0"), "count") == 3 and plain("", "text") is None
