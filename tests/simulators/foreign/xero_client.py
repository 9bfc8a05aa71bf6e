"""Uses the Xero simulator through xero-python only, the way its documentation shows.

usage: xero_client.py http://127.0.0.1:PORT
"""

import sys
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

from xero_python.accounting import (
    AccountingApi, Account, Allocation, Allocations, BankTransaction, BankTransactions, BatchPayment, BatchPayments, Contact, ContactPerson, Contacts,
    CreditNote, CreditNotes, CurrencyCode, Invoice, Invoices, Item, Items, LineAmountTypes, LineItem, Overpayment, Payment, PaymentDelete, Payments,
    Prepayment, Purchase,
)
from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration
from xero_python.api_client.oauth2 import OAuth2Token, TokenApi
from xero_python.exceptions import AccountingBadRequestException
from xero_python.exceptions.http_status_exceptions import HTTPStatusException
from xero_python.identity import IdentityApi

BASE = sys.argv[1]
CLIENT, SECRET = "footbridge-xero-demo", "xero-demo-secret"


def connect():
    """A custom connection: token by client credentials, kept in memory."""
    TokenApi.client_credentials_token_url = BASE + "/connect/token"
    kept = {}
    client = ApiClient(
        Configuration(oauth2_token=OAuth2Token(client_id=CLIENT, client_secret=SECRET)),
        pool_threads=1,
        oauth2_token_getter=lambda: kept.get("token"),
        oauth2_token_saver=lambda token: kept.__setitem__("token", token),
    )
    token = client.get_client_credentials_token()
    assert token["expires_in"] == 1800 and "refresh_token" not in token, token
    client.set_oauth2_token(token)
    return client


def refused(call, message=None, status=400):
    """The call must fail with that status, and with Xero's own message as its reason."""
    try:
        call()
    except HTTPStatusException as error:
        assert error.http_resp.status == status, error
        if message is not None:
            assert isinstance(error, AccountingBadRequestException), type(error)
            assert error.reason == message, error
        return
    raise AssertionError(f"not refused: {message}")


def settings(api, tenant):
    organisation = api.get_organisations(tenant).organisations[0]
    assert organisation.base_currency == CurrencyCode.GBP and organisation.timezone.name == "GMTSTANDARDTIME"
    assert organisation.is_demo_company is False
    actions = {action.name: action.status for action in api.get_organisation_actions(tenant).actions}
    assert actions["UseMulticurrency"] == "ALLOWED", actions
    codes = {account.code for account in api.get_accounts(tenant, where='Class=="REVENUE" AND Status=="ACTIVE"').accounts}
    assert codes == {"200", "210", "260"}, codes
    rates = {rate.tax_type: rate.effective_rate for rate in api.get_tax_rates(tenant).tax_rates}
    assert rates["OUTPUT2"] == 20 and rates["RROUTPUT"] == 5, rates
    assert {currency.code.name for currency in api.get_currencies(tenant).currencies} >= {"GBP", "EUR", "JPY"}


def contacts(api, tenant):
    people = [ContactPerson(first_name="Debbie", last_name="G", email_address="d@x.example", include_in_emails=True)]
    made = api.create_contacts(tenant, Contacts(contacts=[Contact(name="Smith & Co", contact_number="001A", email_address="ap@smith.example", contact_persons=people)]))
    smith = made.contacts[0]
    assert smith.contact_persons[0].first_name == "Debbie"
    assert api.get_contact(tenant, "001A").contacts[0].contact_id == smith.contact_id
    taken = "The contact name smith & co is already assigned to another contact. The contact name must be unique across all active contacts."
    refused(lambda: api.create_contacts(tenant, Contacts(contacts=[Contact(name="smith & co")])), taken)
    mixed = api.update_or_create_contacts(tenant, Contacts(contacts=[Contact(name="Jones"), Contact(name="smith & co")]), summarize_errors=False)
    assert [contact.status_attribute_string for contact in mixed.contacts] == ["OK", "ERROR"]
    assert mixed.contacts[1].validation_errors[0].message == taken
    api.update_contact(tenant, smith.contact_id, Contacts(contacts=[Contact(last_name="Leigh")]))
    assert api.get_contact(tenant, smith.contact_id).contacts[0].last_name == "Leigh"
    found = api.get_contacts(tenant, where='Name.Contains("SMITH")', page=1, page_size=1000)
    assert [contact.name for contact in found.contacts] == ["Smith & Co"] and found.pagination.item_count == 1
    refused(lambda: api.get_contact(tenant, "no-such"), status=404)
    return smith


def sale(contact, **members):
    lines = members.pop("line_items", [LineItem(description="Work", quantity=1, unit_amount=100, account_code="200")])
    given = dict(type="ACCREC", contact=Contact(contact_id=contact.contact_id), date=date.today(), due_date=date.today() + timedelta(days=14), status="AUTHORISED")
    return Invoice(line_items=lines, **{**given, **members})


def invoices(api, tenant, contact):
    api.create_items(tenant, Items(items=[Item(code="W-1", name="Widget", description="A widget", sales_details=Purchase(unit_price=12.3456, account_code="200"))]), unitdp=4)
    lines = [LineItem(item_code="W-1", quantity=3), LineItem(description="Vat 5", quantity=2, unit_amount=10.5, account_code="200", tax_type="RROUTPUT")]
    link = "https://example.com/deal/1"
    made = api.create_invoices(tenant, Invoices(invoices=[sale(contact, line_items=lines, url=link, line_amount_types=LineAmountTypes.EXCLUSIVE)]), unitdp=4).invoices[0]
    # 37.04 and 21.00 net; 7.41 and 1.05 tax.
    assert (made.sub_total, made.total_tax, made.total) == (Decimal("58.04"), Decimal("8.46"), Decimal("66.50")), made
    assert made.invoice_number == "INV-0001" and made.status == "AUTHORISED" and made.date == date.today()
    again = api.get_invoice(tenant, made.invoice_id, unitdp=4).invoices[0]
    assert again.line_items[0].unit_amount == Decimal("12.3456") and again.url == link
    refused(lambda: api.create_invoices(tenant, Invoices(invoices=[sale(contact, invoice_number="INV-0001")])), "Invoice # must be unique.")
    swiss = [LineItem(description="x", quantity=1, unit_amount=1, account_code="999")]
    refused(lambda: api.create_invoices(tenant, Invoices(invoices=[sale(contact, line_items=swiss)])), "Account code '999' is not a valid code for this document.")

    # One key, one invoice, however often it is sent; another request under it is refused.
    one = Invoices(invoices=[sale(contact, reference="PO 1")])
    first = api.create_invoices(tenant, one, idempotency_key="k-1").invoices[0]
    assert api.create_invoices(tenant, one, idempotency_key="k-1").invoices[0].invoice_id == first.invoice_id
    refused(lambda: api.create_invoices(tenant, Invoices(invoices=[sale(contact, reference="PO 2")]), idempotency_key="k-1"))

    both = api.create_invoices(tenant, Invoices(invoices=[sale(contact, status="DRAFT"), sale(contact, status="PAID")]), summarize_errors=False).invoices
    assert [invoice.has_errors for invoice in both] == [False, True]
    assert both[1].validation_errors[0].message == "Invoice not of valid status for creation"
    draft = both[0]
    changed = api.update_invoice(tenant, draft.invoice_id, Invoices(invoices=[Invoice(line_items=[LineItem(description="Other", quantity=1, unit_amount=5, account_code="200")])]))
    assert [line.description for line in changed.invoices[0].line_items] == ["Other"]
    api.update_invoice(tenant, draft.invoice_id, Invoices(invoices=[Invoice(status="DELETED")]))
    mine = api.get_invoices(tenant, created_by_my_app=True, contact_i_ds=[contact.contact_id], statuses=["DRAFT", "AUTHORISED"], page=1)
    assert [invoice.invoice_number for invoice in mine.invoices] == ["INV-0001", first.invoice_number]
    assert len(mine.invoices[0].line_items) == 2 and api.get_invoices(tenant).invoices[0].line_items == []
    since = datetime.now(timezone.utc) + timedelta(hours=1)
    assert api.get_invoices(tenant, if_modified_since=since.strftime("%Y-%m-%dT%H:%M:%S")).invoices == []
    return first


def payments(api, tenant, invoice):
    bank = Account(code="090")
    over = Payment(invoice=Invoice(invoice_id=invoice.invoice_id), account=bank, date=date.today(), amount=120.01)
    refused(lambda: api.create_payment(tenant, over), "Payment amount exceeds the amount outstanding on this document")
    over.amount = 120
    paid = api.create_payment(tenant, over).payments[0]
    whole = api.get_invoice(tenant, invoice.invoice_id).invoices[0]
    assert whole.status == "PAID" and whole.amount_due == 0 and whole.payments[0].payment_id == paid.payment_id
    edit = Invoices(invoices=[Invoice(reference="late")])
    refused(lambda: api.update_invoice(tenant, invoice.invoice_id, edit), "This document cannot be edited as it has a payment or credit note allocated to it.")


def credit(api, tenant, contact):
    """Credit notes, overpayments and prepayments: made, allocated, refunded, taken back."""
    bank = Account(code="090")
    invoice = api.create_invoices(tenant, Invoices(invoices=[sale(contact)])).invoices[0]
    line = [LineItem(description="Back", quantity=1, unit_amount=50, account_code="200", tax_type="ZERORATEDOUTPUT")]
    note = CreditNote(type="ACCRECCREDIT", status="AUTHORISED", contact=contact, line_items=line, date=date.today())
    made = {"credit_note": api.create_credit_notes(tenant, CreditNotes(credit_notes=[note])).credit_notes[0].credit_note_id}
    for kind in ("overpayment", "prepayment"):
        receipt = BankTransaction(type=f"RECEIVE-{kind.upper()}", contact=contact, bank_account=bank, line_items=line, date=date.today())
        made[kind] = getattr(api.create_bank_transactions(tenant, BankTransactions(bank_transactions=[receipt])).bank_transactions[0], f"{kind}_id")
    part = Allocations(allocations=[Allocation(invoice=Invoice(invoice_id=invoice.invoice_id), amount=10, date=date.today())])
    api.create_credit_note_allocation(tenant, made["credit_note"], part)
    api.create_overpayment_allocations(tenant, made["overpayment"], part)
    api.create_prepayment_allocations(tenant, made["prepayment"], part)
    part.allocations[0].amount = 500
    refused(lambda: api.create_credit_note_allocation(tenant, made["credit_note"], part))
    whole = api.get_invoice(tenant, invoice.invoice_id).invoices[0]
    assert (whole.amount_credited, whole.amount_due) == (30, 90), whole
    assert len(whole.credit_notes) == len(whole.overpayments) == len(whole.prepayments) == 1, whole
    for refund, kind in (
        (Payment(credit_note=CreditNote(credit_note_id=made["credit_note"])), "ARCREDITPAYMENT"),
        (Payment(overpayment=Overpayment(overpayment_id=made["overpayment"])), "AROVERPAYMENTPAYMENT"),
        (Payment(prepayment=Prepayment(prepayment_id=made["prepayment"])), "ARPREPAYMENTPAYMENT"),
    ):
        refund.account, refund.amount, refund.date = bank, 40, date.today()
        paid = api.create_payments(tenant, Payments(payments=[refund])).payments[0]
        assert paid.payment_type == kind, paid
    found = api.get_credit_note(tenant, made["credit_note"]).credit_notes[0]
    assert (found.status, found.remaining_credit, found.payments[0].amount) == ("PAID", 0, 40), found
    assert api.get_overpayments(tenant, page=1).overpayments[0].status == "PAID"
    assert api.get_prepayments(tenant, page=1).prepayments[0].remaining_credit == 0
    gone = api.delete_credit_note_allocations(tenant, made["credit_note"], found.allocations[0].allocation_id)
    assert gone.is_deleted is True
    assert api.get_invoice(tenant, invoice.invoice_id).invoices[0].amount_due == 100

    one = BatchPayment(account=bank, date=date.today(), payments=[Payment(invoice=Invoice(invoice_id=invoice.invoice_id), amount=60)])
    batch = api.create_batch_payment(tenant, BatchPayments(batch_payments=[one])).batch_payments[0]
    refused(lambda: api.delete_payment(tenant, batch.payments[0].payment_id, PaymentDelete(status="DELETED")), "Payments within a batch cannot be deleted.")
    single = api.create_payment(tenant, Payment(invoice=Invoice(invoice_id=invoice.invoice_id), account=bank, amount=40, date=date.today())).payments[0]
    assert api.get_invoice(tenant, invoice.invoice_id).invoices[0].status == "PAID"
    api.delete_payment(tenant, single.payment_id, PaymentDelete(status="DELETED"))
    assert api.get_payment(tenant, single.payment_id).payments[0].status == "DELETED"
    reopened = api.get_invoice(tenant, invoice.invoice_id).invoices[0]
    assert (reopened.status, reopened.amount_due, reopened.fully_paid_on_date) == ("AUTHORISED", 40, None), reopened


def main():
    client = connect()
    api = AccountingApi(client, base_url=BASE + "/api.xro/2.0")
    connections = IdentityApi(client, base_url=BASE).get_connections()
    assert len(connections) == 1, connections
    tenant = connections[0].tenant_id
    settings(api, tenant)
    smith = contacts(api, tenant)
    invoice = invoices(api, tenant, smith)
    payments(api, tenant, invoice)
    credit(api, tenant, smith)
    api.create_invoices(tenant, Invoices(invoices=[sale(smith, type="ACCPAY", invoice_number="INV-0001", line_items=[LineItem(description="Paper", quantity=1, unit_amount=5, account_code="400")])]))
    # No tenant is needed on a custom connection; a wrong one is forbidden.
    assert api.get_organisations("").organisations[0].name
    refused(lambda: api.get_organisations("01234567-89ab-4def-8123-456789abcdef"), status=403)
    print("xero-python: settings, contacts, invoices, keys, payments and credit work as documented")


main()
