import { ApiError, unwrap } from "@huitong/kit";
import { useId, useState } from "react";
import { useNavigate } from "react-router";
import { api } from "@/app/api";
import { Icon } from "@/app/icons";
import { readPayLink } from "@/app/links";
import { useText } from "@/app/prefs";
import { Action, Card, Failure, Page } from "@/app/ui";
import { Camera } from "./Camera";
import { decode } from "./decode";
import { TEXTS } from "./texts";

type Trouble = ApiError | "none" | "unreadable" | "dynamic";

/**
 * Returns the page that pays what a code asks for; null for the code of one order, which is paid
 * where it was made. Throws ApiError for a code that is not ours.
 */
async function readCode(text: string): Promise<string | null> {
  const own = readPayLink(text);
  if (own !== null) return own;
  const reading = await unwrap(api.POST("/v1/codes/read", { body: { payload: text } }));
  if (reading.kind === "dynamic") return null;
  const query = new URLSearchParams({ code: reading.code, name: reading.merchant_name });
  return `/pay?${query.toString()}`;
}

/** Scanning: by camera, or from a picture. */
export default function Scan() {
  const t = useText(TEXTS);
  const id = useId();
  const navigate = useNavigate();
  const [isLooking, setLooking] = useState(false);
  const [isReading, setReading] = useState(false);
  const [trouble, setTrouble] = useState<Trouble | null>(null);

  async function follow(text: string) {
    setLooking(false);
    setReading(true);
    setTrouble(null);
    try {
      const page = await readCode(text);
      if (page === null) setTrouble("dynamic");
      else await navigate(page, { replace: true });
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      setTrouble(caught);
    } finally {
      setReading(false);
    }
  }

  async function read(file: File) {
    setReading(true);
    setTrouble(null);
    try {
      const picture = await createImageBitmap(file);
      const text = await decode(picture, picture.width, picture.height);
      picture.close();
      if (text === null) setTrouble("none");
      else await follow(text);
    } catch {
      setTrouble("unreadable");
    } finally {
      setReading(false);
    }
  }

  return (
    <Page title={t("title")} back="/">
      <Card>
        {isLooking ? (
          <Camera onFound={(text) => void follow(text)} />
        ) : (
          <div className="viewer">
            <Icon name="scan" size={96} />
          </div>
        )}
        <p className="lead center">{t("aim")}</p>
        {trouble !== null &&
          (typeof trouble === "string" ? (
            <p role="alert" className="notice notice-warn">
              {t(trouble)} {t("nothing_paid")}
            </p>
          ) : (
            <Failure error={trouble} money={t("nothing_paid")} />
          ))}
        {!isLooking && (
          <Action isBusy={isReading} onClick={() => setLooking(true)}>
            {isReading ? t("reading") : t("start")}
          </Action>
        )}
        <div className="field">
          <label htmlFor={id}>{t("picture")}</label>
          <input
            id={id}
            type="file"
            accept="image/*"
            onChange={(event) => {
              const file = event.target.files?.[0];
              if (file !== undefined) void read(file);
              event.target.value = "";
            }}
          />
        </div>
      </Card>
    </Page>
  );
}
