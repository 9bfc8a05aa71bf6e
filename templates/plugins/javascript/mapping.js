// Lead to cash in JavaScript: a won deal becomes an invoice, its account a customer.
//
// `customer` and `invoice` say what goes where; change those two. Below them is what they are written with.
//
// * Amounts, quantities and rates are texts such as "12.3456" from end to end. Never make a Number of one.
// * Missing, null and "" are three things: `undefined` was not read and is left out of the draft (JSON.stringify does so),
//   `null` is known to be empty and clears the target's field, "" is a text.
// * Not decided here but by the flow's rules: which deals count, numbers, dates and status of invoices, tax.

const READS = {
  Account: [
    "BillingCity", "BillingCountry", "BillingCountryCode", "BillingPostalCode", "BillingState", "BillingStreet",
    "Contacts[].Department", "Contacts[].Email", "Id", "Name", "Tax_Number__c",
  ],
  Opportunity: [
    "Account.Bill_Parent__c", "Account.ParentId", "Account.Payment_Terms_Days__c", "AccountId", "Amount", "Bill_To_Account__c",
    "CurrencyIsoCode", "Name", "OpportunityLineItems[].Description", "OpportunityLineItems[].Discount",
    "OpportunityLineItems[].Product2.Name", "OpportunityLineItems[].Product2.ProductCode", "OpportunityLineItems[].ProductCode",
    "OpportunityLineItems[].Quantity", "OpportunityLineItems[].SortOrder", "OpportunityLineItems[].Tax_Treatment__c",
    "OpportunityLineItems[].UnitPrice", "PO_Number__c",
  ],
};

const WRITES = {
  customer: [
    "addresses[].city", "addresses[].country", "addresses[].kind", "addresses[].line1", "addresses[].postal_code",
    "addresses[].region", "email", "name", "number", "tax_number",
  ],
  invoice: [
    "amounts", "currency", "customer", "due_date", "lines[].account", "lines[].description", "lines[].discount_rate",
    "lines[].item", "lines[].quantity", "lines[].treatment", "lines[].unit_amount", "reference",
  ],
};

// The sales account of lines without an item. Change it to yours.
const SALES_ACCOUNT = "200";

function customer(account) {
  return {
    name: needed("name", text("name", account.Name)),
    number: text("number", account.Id),
    tax_number: text("tax_number", account.Tax_Number__c),
    email: text("email", payablesContact(account)?.Email),
    addresses: billingAddresses(account),
  };
}

// The first of the accounts-payable department with an e-mail. Nobody else's: a purchaser's address is worse than none.
function payablesContact(account) {
  const contacts = list("invalid-value", "email", "Contacts", account.Contacts);
  return contacts.find((contact) => contact.Department === "Accounts Payable" && filled(contact.Email));
}

function billingAddresses(account) {
  if (!filled(account.BillingStreet) && !filled(account.BillingCity)) return undefined;
  return [element("addresses", {
    kind: "billing",
    line1: account.BillingStreet,
    city: account.BillingCity,
    region: account.BillingState,
    postal_code: account.BillingPostalCode,
    country: first(account.BillingCountryCode, account.BillingCountry),
  })];
}

function invoice(deal, localDate) {
  return {
    customer: reference("customer", "Account", billedAccount(deal)),
    // The customer's purchase order is what their bookkeeper looks for.
    reference: text("reference", first(deal.PO_Number__c, deal.Name)),
    currency: text("currency", deal.CurrencyIsoCode),
    amounts: "exclusive",
    due_date: addDays("due_date", localDate, deal.Account?.Payment_Terms_Days__c ?? "30"),
    lines: lines(deal),
  };
}

// The deal's own choice, else the account's parent if the account says so, else the account.
function billedAccount(deal) {
  if (filled(deal.Bill_To_Account__c)) return deal.Bill_To_Account__c;
  if (deal.Account?.Bill_Parent__c === true && filled(deal.Account.ParentId)) return deal.Account.ParentId;
  return deal.AccountId;
}

// One line for each of the deal's, in its order; without any, one over its amount. Lines that were not read are a problem, or
// the deal would be billed without them.
function lines(deal) {
  const items = list("missing-field", "lines", "OpportunityLineItems", deal.OpportunityLineItems);
  if (items.length === 0) return [line(deal.Name, "1", deal.Amount)];
  return inOrder(items).map((item) => {
    const code = first(item.ProductCode, item.Product2?.ProductCode);
    return line(first(item.Description, item.Product2?.Name), item.Quantity, item.UnitPrice, code, item.Discount, item.Tax_Treatment__c);
  });
}

function line(description, quantity, unitAmount, item, discount, treatment) {
  const rate = decimal("lines[].discount_rate", discount);
  return element("lines", {
    description: needed("lines[].description", description),
    quantity: needed("lines[].quantity", decimal("lines[].quantity", quantity)),
    unit_amount: needed("lines[].unit_amount", decimal("lines[].unit_amount", unitAmount)),
    // Per cent. None and nought are left out.
    discount_rate: isZero(rate ?? "0") ? undefined : rate,
    item,
    // With an item, its account in the ledger is used.
    account: filled(item) ? undefined : SALES_ACCOUNT,
    treatment,
  });
}

// By SortOrder; lines without one come last, in the order they had (sorting is stable).
function inOrder(items) {
  const keyed = items.map((item) => ({ item, key: scaled(decimal("lines", item.SortOrder)) }));
  keyed.sort((a, b) => (a.key === null) - (b.key === null) || (a.key < b.key ? -1 : Number(a.key > b.key)));
  return keyed.map(({ item }) => item);
}

// --- What they are written with --------------------------------------------------------------------------------------------

class Problem extends Error {
  constructor(code, field, message) {
    super(message);
    Object.assign(this, { code, field });
  }
}

// Neither missing, null, blank text nor an empty list.
function filled(value) {
  if (typeof value === "string") return /\P{White_Space}/u.test(value);
  return Array.isArray(value) ? value.length > 0 : value != null;
}

function first(...values) {
  return values.find(filled);
}

function text(field, value) {
  if (value == null || typeof value === "string") return value;
  throw new Problem("invalid-value", field, `${field}: found what is no text. Correct it in the source.`);
}

function needed(field, value) {
  if (value != null && value !== "") return value;
  throw new Problem("missing-field", field, `${field} is needed and empty. Fill it in the source.`);
}

// A decimal stays the text that it is. 28 digits are what the ledger's rules keep exactly.
function decimal(field, value) {
  if (value == null) return value;
  if (typeof value === "string" && /^-?[0-9]+(\.[0-9]+)?$/.test(value) && value.replace(/[-.]/g, "").length <= 28) return value;
  throw new Problem("invalid-value", field, `${field}: found ${words(value)}, which is no decimal such as 12.50. Correct it in the source.`);
}

function isZero(value) {
  return !/[1-9]/.test(value);
}

// A decimal as a whole number of 10^-28: exact, where a Number would round.
function scaled(value) {
  if (value == null) return null;
  const [whole, fraction = ""] = value.split(".");
  return BigInt(whole + fraction.padEnd(28, "0"));
}

function reference(field, object, id) {
  return { $ref: { object, id: needed(field, text(field, id)) } };
}

function addDays(field, date, days) {
  const whole = decimal(field, days).match(/^(-?[0-9]+)(\.0+)?$/);
  const moved = new Date(whole ? Date.parse(date) + Number(whole[1]) * 86_400_000 : NaN);
  const year = moved.getUTCFullYear();
  if (year >= 1 && year <= 9999) return moved.toISOString().slice(0, 10);
  throw new Problem("invalid-value", field, `${field}: ${date} and ${words(days)} days give no date. Correct the days in the source.`);
}

// A list that is null has no elements; one that was not read is a problem.
function list(code, field, name, value) {
  if (value === null) return [];
  if (Array.isArray(value)) return value;
  throw new Problem(code, field, `The list ${name} was not read in this record.`);
}

// Lists are written as a whole, so a null in them clears nothing and is left out.
function element(name, fields) {
  const texts = Object.entries(fields).map(([key, value]) => [key, text(`${name}[].${key}`, value)]);
  return Object.fromEntries(texts.filter(([, value]) => value != null));
}

function words(value) {
  return typeof value === "string" ? `"${[...value].slice(0, 80).join("")}"` : "what is no text";
}

// --- The contract, wit/transform.wit ---------------------------------------------------------------------------------------

function draft({ object, doc }, localDate) {
  switch (object) {
    case "Account":
      return { object: "customer", doc: JSON.stringify(customer(JSON.parse(doc))) };
    case "Opportunity":
      return { object: "invoice", doc: JSON.stringify(invoice(JSON.parse(doc), localDate)) };
    default:
      throw new Problem("unknown-object", undefined, `This mapping makes nothing of ${object}. Leave it out of the flow.`);
  }
}

// What fails in one record is that record's problem; the others go on.
function result(input, localDate) {
  try {
    return { tag: "ok", val: [draft(input, localDate)] };
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    const { code, message, field } = problem;
    return { tag: "err", val: { code, message, field, extra: undefined } };
  }
}

export const transform = {
  // It takes no settings: what they say is not looked at.
  describe(settings) {
    const listed = (table) => Object.entries(table).map(([object, paths]) => ({ object, paths }));
    return { reads: listed(READS), writes: listed(WRITES) };
  },

  apply({ localDate, inputs }) {
    return inputs.map((input) => result(input, localDate));
  },
};
