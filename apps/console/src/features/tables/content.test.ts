import { describe, expect, it } from "vitest";
import { type Content, fromEditor, toEditor } from "./content";

const schema = {
  name: "price",
  meaning: "",
  inputs: [
    { name: "grade", type: "text", meaning: "" },
    { name: "months", type: "integer", meaning: "" },
  ],
  outputs: [
    { name: "rate", type: "decimal", meaning: "" },
    { name: "is_open", type: "flag", meaning: "" },
  ],
};
const content: Content = {
  hit_policy: "first",
  rows: [
    { key: "best", when: { grade: '"A"' }, then: { rate: "0.0790", is_open: true } },
    { key: "rest", when: {}, then: { rate: null, is_open: false } },
  ],
  tests: [{ name: "t", inputs: { grade: "A", months: 3 }, expect: { rate: "0.0790", is_open: true } }],
};

describe("a decision table", () => {
  it("comes back from the editor as it went in, decimals as text", () => {
    expect(fromEditor(toEditor(content, schema), content, schema)).toEqual(content);
  });

  it("gives new rows a key, and refuses answers that are no JSON", () => {
    const table = toEditor(content, schema);
    const added = { ...table, rules: [...table.rules, { _id: "x", "in.grade": '"B"', "out.rate": '"0.1"', "out.is_open": "true" }] };
    expect(fromEditor(added, content, schema).rows[2]).toEqual({
      key: "row_3",
      when: { grade: '"B"' },
      then: { rate: "0.1", is_open: true },
    });
    const broken = { ...table, rules: [{ _id: "x", "out.rate": "0,1" }] };
    expect(() => fromEditor(broken, content, schema)).toThrow(SyntaxError);
  });
});
