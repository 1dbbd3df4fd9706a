import { useState } from "react";
import { useText } from "@/app/prefs";
import { Action } from "@/app/ui";
import { TEXTS } from "./texts";

/** Copies a text; where the browser refuses, shows it to be copied by hand. */
export function Copy({ text, children }: { text: string; children: string }) {
  const t = useText(TEXTS);
  const [copied, setCopied] = useState<string | null>(null);
  const [isRefused, setRefused] = useState(false);
  return (
    <>
      <Action
        kind="plain"
        onClick={() =>
          void navigator.clipboard.writeText(text).then(
            () => setCopied(text),
            () => setRefused(true),
          )
        }
      >
        {copied === text ? t("copied") : children}
      </Action>
      {isRefused && <p className="small">{text}</p>}
    </>
  );
}
