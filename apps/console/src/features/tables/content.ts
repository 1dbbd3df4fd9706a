/** A decision table as the API writes it, and as the editor has it. */
export interface Content {
  hit_policy: "first" | "unique" | "collect";
  rows: { key: string; when: Record<string, string>; then: Record<string, unknown> }[];
  tests: { name: string; inputs: Record<string, unknown>; expect: Record<string, unknown> | Record<string, unknown>[] }[];
}

export interface ColumnSchema {
  name: string;
  type: string;
  meaning: string;
}

export interface TableSchema {
  name: string;
  meaning: string;
  inputs: ColumnSchema[];
  outputs: ColumnSchema[];
}

export interface EditorColumn {
  id: string;
  name: string;
  field: string;
}

export interface EditorTable {
  hitPolicy: string;
  inputs: EditorColumn[];
  outputs: EditorColumn[];
  rules: Record<string, string>[];
}

const KEY = "_description";

function column(prefix: string): (each: ColumnSchema) => EditorColumn {
  return ({ name }) => ({ id: `${prefix}.${name}`, name, field: name });
}

/** Returns a table for the editor: a cell for every column, answers as JSON writes them. */
export function toEditor(content: Content, schema: TableSchema): EditorTable {
  return {
    hitPolicy: content.hit_policy === "collect" ? "collect" : "first",
    inputs: schema.inputs.map(column("in")),
    outputs: schema.outputs.map(column("out")),
    rules: content.rows.map((row) => ({
      _id: row.key,
      [KEY]: row.key,
      ...Object.fromEntries(schema.inputs.map(({ name }) => [`in.${name}`, row.when[name] ?? ""])),
      ...Object.fromEntries(schema.outputs.map(({ name }) => [`out.${name}`, JSON.stringify(row.then[name] ?? null)])),
    })),
  };
}

/** Returns what the editor has as the API takes it; throws SyntaxError for an answer that is no JSON. */
export function fromEditor(table: EditorTable, before: Content, schema: TableSchema): Content {
  return {
    hit_policy: before.hit_policy,
    tests: before.tests,
    rows: table.rules.map((rule, index) => {
      const key = rule[KEY]?.trim() ?? "";
      return {
        key: /^[a-z][a-z0-9_]{0,63}$/u.test(key) ? key : `row_${index + 1}`,
        when: Object.fromEntries(
          schema.inputs
            .map(({ name }) => [name, (rule[`in.${name}`] ?? "").trim()] as const)
            .filter(([, cell]) => cell !== ""),
        ),
        then: Object.fromEntries(
          schema.outputs.map(({ name }) => {
            const cell = (rule[`out.${name}`] ?? "").trim();
            return [name, cell === "" ? null : (JSON.parse(cell) as unknown)];
          }),
        ),
      };
    }),
  };
}
