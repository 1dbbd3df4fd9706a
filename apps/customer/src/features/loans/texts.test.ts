import { describe, expect, it } from "vitest";
import { showRate } from "./texts";

describe("a rate", () => {
  it.each([
    ["0.1200", "12%"],
    ["0.03", "3%"],
    ["0.0345", "3.45%"],
    ["0.126825", "12.6825%"],
    ["1.5", "150%"],
    ["0", "0%"],
  ])("of %s is %s", (rate, shown) => {
    expect(showRate(rate)).toBe(shown);
  });
});
