import { unwrap } from "@huitong/kit";
import { api } from "@/app/api";
import { effectOf, type Line } from "@/app/lines";

export interface Month {
  /** `2026-11` */
  month: string;
  /** Minor units that came in, and that went out. */
  moneyIn: bigint;
  moneyOut: bigint;
}

const PAGES_MAX = 10;
const PAGE = 100;

/** Returns the last `count` months up to a day, oldest first. */
export function monthsUpTo(day: string, count: number): string[] {
  const [year = 0, month = 1] = day.split("-").map(Number);
  return Array.from({ length: count }, (_, index) => {
    const before = year * 12 + (month - 1) - (count - 1 - index);
    return `${Math.floor(before / 12)}-${String((before % 12) + 1).padStart(2, "0")}`;
  });
}

/** Returns what came in and went out in each of `months`, also in those in which nothing did. */
export function sumMonths(lines: readonly Line[], months: readonly string[]): Month[] {
  return months.map((month) => {
    const effects = lines.filter((line) => line.effective_on.startsWith(month)).map(effectOf);
    const add = (sum: bigint, each: bigint) => sum + each;
    return {
      month,
      moneyIn: effects.filter((each) => each > 0n).reduce(add, 0n),
      moneyOut: -effects.filter((each) => each < 0n).reduce(add, 0n),
    };
  });
}

/** Returns the lines of an account from a day on, and whether that is all of them. */
export async function loadLines(
  account: string,
  from: string,
): Promise<{ lines: Line[]; isAll: boolean }> {
  const lines: Line[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const query: { from: string; cursor: string | null; limit: number } = {
      from,
      cursor,
      limit: PAGE,
    };
    const params = { path: { account }, query };
    const answer = await unwrap(api.GET("/v1/accounts/{account}/statement", { params }));
    lines.push(...answer.data);
    cursor = answer.next_cursor;
    if (cursor === null) return { lines, isAll: true };
  }
  return { lines, isAll: false };
}
