// A transform for tests that looks at everything that could differ from one run to the next.
export const transform = {
  describe() {
    return { reads: [], writes: [] };
  },

  apply({ inputs }) {
    const seen = { now: String(Date.now()), date: new Date().toISOString(), random: String(Math.random()) };
    return inputs.map(() => ({ tag: "ok", val: [{ object: "customer", doc: JSON.stringify(seen) }] }));
  },
};
