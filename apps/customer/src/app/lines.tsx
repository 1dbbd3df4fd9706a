import { fromMinor, type Language, type paths, showMoney, toMinor } from "@huitong/kit";

/** A line of a statement, as the API answers it. */
export type Line =
  paths["/v1/accounts/{account}/statement"]["get"]["responses"][200]["content"]["application/json"]["data"][number];

/** Returns what a line of a statement did to the account: negative for money that left. */
export function effectOf(line: Line): bigint {
  const minor = toMinor(line.amount);
  return line.side === "credit" ? minor : -minor;
}

export function describe(line: Line, language: Language): string {
  return language === "zh" ? line.description_zh : line.description;
}

/** A sum that came in or went out, with its sign. */
export function Effect({ line }: { line: Line }) {
  const minor = effectOf(line);
  return (
    <span className={minor > 0n ? "is-in" : ""}>
      {showMoney(fromMinor(minor, line.amount.currency), { sign: true })}
    </span>
  );
}
