import { ApiError } from "@huitong/kit";
import { useState } from "react";
import { download } from "@/app/download";
import { useText } from "@/app/prefs";
import { Action, Failure } from "@/app/ui";
import { TEXTS } from "./texts";

/** A button that downloads one file, and says so. */
export function Download({ address, name, children }: {
  address: string;
  name: string;
  children: string;
}) {
  const t = useText(TEXTS);
  const [isBusy, setBusy] = useState(false);
  const [isReady, setReady] = useState(false);
  const [error, setError] = useState<ApiError | null>(null);

  async function fetchFile() {
    setBusy(true);
    setError(null);
    try {
      await download(address, name);
      setReady(true);
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setError(caught);
    } finally {
      setBusy(false);
    }
  }

  return (
    <>
      {error !== null && <Failure error={error} onRetry={() => void fetchFile()} />}
      <Action kind="plain" isBusy={isBusy} onClick={() => void fetchFile()}>
        {children}
      </Action>
      <p role="status" className="hidden">
        {isReady ? t("ready") : ""}
      </p>
    </>
  );
}
