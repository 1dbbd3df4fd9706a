const PAGES: Record<string, (id: string) => string> = {
  pay: (id) => `/payments/${id}`,
  dec: (id) => `/payments/${id.replace("dec_", "pay_")}`,
  cus: (id) => `/customers/${id}`,
  acct: (id) => `/ledger/accounts/${id}`,
  je: (id) => `/ledger/entries/${id}`,
  cas: (id) => `/cases/${id}`,
  apr: (id) => `/approvals/${id}`,
  lap: (id) => `/loans/applications/${id}`,
  brk: (id) => `/breaks/${id}`,
  tbl: (id) => `/tables/${id}`,
  rul: (id) => `/rules/${id}`,
  mer: (id) => `/payments?merchant=${id}`,
  stf: (id) => `/audit?actor=${id}`,
};

/** Returns the page of a thing by its public id, or null if it is none that has a page. */
export function findPage(id: string): string | null {
  const found = /^([a-z]{2,4})_[0-9a-f]{3,32}$/u.exec(id);
  return found?.[1] === undefined ? null : (PAGES[found[1]]?.(id) ?? null);
}
