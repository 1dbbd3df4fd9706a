/** Returns rows as CSV that spreadsheets open, with nothing in it that they would compute. */
export function makeCsv(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return `\uFEFF${[head, ...rows].map((row) => row.map(quote).join(",")).join("\r\n")}\r\n`;
}

function quote(value: string): string {
  // A cell that begins so is a formula to a spreadsheet; plain numbers below zero are not.
  const isFormula = /^[=+\-@\t\r]/u.test(value) && !/^-?\d[\d.]*$/u.test(value);
  const safe = isFormula ? `'${value}` : value;
  return /[",\r\n]/u.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Gives the browser a file. */
export function download(name: string, content: string, type = "text/csv;charset=utf-8"): void {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
