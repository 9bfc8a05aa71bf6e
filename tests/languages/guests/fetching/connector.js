// A connector that reads with plain `fetch`, for tests: the object of a request is the address, its cursor the options. What came
// of it is the one item of the page.
export const schema = {
  describe() {
    return { provider: "xero", objects: [], extra: undefined };
  },
};

export const feed = {
  async readChanges({ object, cursor }) {
    const doc = await read(object, JSON.parse(cursor ?? "{}"));
    const item = { object, id: "1", version: "1", presence: { tag: "present" }, doc: JSON.stringify(doc) };
    return { items: [item], next: undefined, complete: true };
  },
};

async function read(address, options) {
  try {
    const answer = await fetch(address, options);
    const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`);
    return { status: String(answer.status), headers, body: await answer.text() };
  } catch (error) {
    return { failed: String(error) };
  }
}
