/** Money as the API writes it: a decimal text and a currency. */
export interface Money {
  amount: string;
  currency: string;
}

export class MoneyError extends Error {
  constructor(readonly reason: "shape" | "places" | "zero" | "large") {
    super(reason);
    this.name = "MoneyError";
  }
}

/** What the ledger can hold of one amount, in minor units (a signed 64-bit number). */
const MINOR_MAX = 9_223_372_036_854_775_807n;
const PLACES = new Map([
  ["JPY", 0],
  ["KRW", 0],
]);

/** Returns how many decimal places a currency has (ISO 4217). */
export function placesOf(currency: string): number {
  return PLACES.get(currency) ?? 2;
}

/** Returns the minor units of an amount of the API's; throws MoneyError if it is none. */
export function toMinor({ amount, currency }: Money): bigint {
  const places = placesOf(currency);
  const found = /^(-?)(\d+)(?:\.(\d+))?$/u.exec(amount);
  if (found === null) throw new MoneyError("shape");
  const [, sign = "", whole = "", fraction = ""] = found;
  if (fraction.length > places) throw new MoneyError("places");
  const minor = BigInt(whole + fraction.padEnd(places, "0"));
  return sign === "-" ? -minor : minor;
}

/** Returns minor units as an amount of the API's. */
export function fromMinor(minor: bigint, currency = "CNY"): Money {
  const places = placesOf(currency);
  const sign = minor < 0n ? "-" : "";
  const digits = (minor < 0n ? -minor : minor).toString().padStart(places + 1, "0");
  const cut = digits.length - places;
  const fraction = places === 0 ? "" : `.${digits.slice(cut)}`;
  return { amount: `${sign}${digits.slice(0, cut)}${fraction}`, currency };
}

/** Returns what a person typed as money; throws MoneyError that says what is wrong with it. */
export function readMoney(typed: string, currency = "CNY"): Money {
  const text = typed
    .trim()
    .replaceAll(/[,，\s]/gu, "")
    .replaceAll("。", ".");
  if (!/^\d+(?:\.\d*)?$|^\.\d+$/u.test(text)) throw new MoneyError("shape");
  const [whole = "", fraction = ""] = text.split(".");
  const minor = toMinor({ amount: `${whole || "0"}.${fraction || "0"}`, currency });
  if (minor === 0n) throw new MoneyError("zero");
  if (minor > MINOR_MAX) throw new MoneyError("large");
  return fromMinor(minor, currency);
}

const SYMBOLS = new Map([
  ["CNY", "¥"],
  ["USD", "$"],
  ["EUR", "€"],
  ["GBP", "£"],
  ["HKD", "HK$"],
  ["JPY", "JP¥"],
]);

/** Returns money as people read it: sign, symbol, thousands: `-¥1,234.50`. */
export function showMoney(money: Money, { sign = false }: { sign?: boolean } = {}): string {
  const minor = toMinor(money);
  const { amount } = fromMinor(minor < 0n ? -minor : minor, money.currency);
  const [whole = "0", fraction] = amount.split(".");
  const grouped = whole.replaceAll(/\B(?=(?:\d{3})+$)/gu, ",");
  const mark = minor < 0n ? "-" : sign && minor > 0n ? "+" : "";
  const symbol = SYMBOLS.get(money.currency) ?? `${money.currency} `;
  return `${mark}${symbol}${grouped}${fraction === undefined ? "" : `.${fraction}`}`;
}

/** Returns shares of a total that differ by one minor unit at most and lose none. */
export function allocate(total: bigint, parts: number): bigint[] {
  if (parts < 1 || !Number.isInteger(parts) || total < 0n) throw new RangeError("parts");
  const share = total / BigInt(parts);
  const more = Number(total % BigInt(parts));
  return Array.from({ length: parts }, (_, index) => (index < more ? share + 1n : share));
}
