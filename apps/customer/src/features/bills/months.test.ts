import { describe, expect, it } from "vitest";
import type { Line } from "@/app/lines";
import { monthsUpTo, sumMonths } from "./months";

function line(on: string, side: "debit" | "credit", amount: string): Line {
  return { effective_on: on, side, amount: { amount, currency: "CNY" } } as Line;
}

describe("months", () => {
  it("go back over the new year", () => {
    expect(monthsUpTo("2026-02-28", 4)).toEqual(["2025-11", "2025-12", "2026-01", "2026-02"]);
  });

  it("are summed to the cent, empty ones too", () => {
    const lines = [
      line("2026-01-31", "credit", "0.10"),
      line("2026-01-01", "credit", "0.20"),
      line("2026-01-15", "debit", "100.01"),
      line("2025-11-01", "debit", "5.00"),
    ];
    expect(sumMonths(lines, ["2025-12", "2026-01"])).toEqual([
      { month: "2025-12", moneyIn: 0n, moneyOut: 0n },
      { month: "2026-01", moneyIn: 30n, moneyOut: 10_001n },
    ]);
  });
});
