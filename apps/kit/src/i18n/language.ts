export type Language = "zh" | "en";

/** Every text of an app in both languages; `{name}` in one is filled in. */
export type Catalogue<Key extends string> = Readonly<Record<Key, Readonly<Record<Language, string>>>>;

export type Values = Readonly<Record<string, string | number>>;

/** Returns the text of `key` with its values; a value that is missing stays visible as `{name}`. */
export function translate<Key extends string>(
  catalogue: Catalogue<Key>,
  language: Language,
  key: Key,
  values: Values = {},
): string {
  return catalogue[key][language].replaceAll(/\{(\w+)\}/gu, (whole, name: string) =>
    String(values[name] ?? whole),
  );
}

/** Returns which of our languages a browser prefers; Chinese if it names neither. */
export function preferredLanguage(tags: readonly string[]): Language {
  for (const tag of tags) {
    if (tag.toLowerCase().startsWith("zh")) return "zh";
    if (tag.toLowerCase().startsWith("en")) return "en";
  }
  return "zh";
}
