import { describe, expect, it } from "vitest";
import { allocate, fromMinor, MoneyError, readMoney, showMoney, toMinor } from "./money";

describe("money", () => {
  it("reads what people type", () => {
    expect(readMoney("12.5")).toEqual({ amount: "12.50", currency: "CNY" });
    expect(readMoney(" 1,234。05 ")).toEqual({ amount: "1234.05", currency: "CNY" });
    expect(readMoney(".07")).toEqual({ amount: "0.07", currency: "CNY" });
    expect(readMoney("0012.")).toEqual({ amount: "12.00", currency: "CNY" });
    expect(readMoney("90071992547409.93").amount).toBe("90071992547409.93");
  });

  it.each([
    ["", "shape"],
    ["-5", "shape"],
    ["1e3", "shape"],
    [".", "shape"],
    ["1.2.3", "shape"],
    ["1.005", "places"],
    ["0", "zero"],
    ["0.00", "zero"],
    ["92233720368547758.08", "large"],
  ])("refuses %j", (typed, reason) => {
    expect(() => readMoney(typed)).toThrow(new MoneyError(reason as MoneyError["reason"]));
  });

  it("shows sums with thousands, sign and symbol", () => {
    expect(showMoney({ amount: "1234567.50", currency: "CNY" })).toBe("¥1,234,567.50");
    expect(showMoney({ amount: "-0.05", currency: "CNY" })).toBe("-¥0.05");
    expect(showMoney({ amount: "5.00", currency: "CNY" }, { sign: true })).toBe("+¥5.00");
    expect(showMoney({ amount: "1200", currency: "JPY" })).toBe("JP¥1,200");
  });

  it("goes to minor units and back without a loss", () => {
    for (const minor of [0n, 1n, -1n, 99n, 100n, -12345n, 9_223_372_036_854_775_807n]) {
      expect(toMinor(fromMinor(minor))).toBe(minor);
    }
  });

  it("splits without losing a cent", () => {
    expect(allocate(100n, 3)).toEqual([34n, 33n, 33n]);
    for (const parts of [1, 2, 7, 50]) {
      const shares = allocate(12_345n, parts);
      expect(shares.reduce((sum, share) => sum + share, 0n)).toBe(12_345n);
    }
    expect(() => allocate(1n, 0)).toThrow(RangeError);
  });
});
