import { useState } from "react";
import { useText } from "@/app/prefs";
import { Choice } from "@/app/Choice";
import { Action, Field } from "@/app/ui";
import type { Evidence, PictureKind } from "./applying";
import { Picture } from "./Picture";
import { TEXTS } from "./texts";

/** Who somebody is, as their identity card says it, and its pictures. */
export function Person({ isBusy, onDone }: {
  isBusy: boolean;
  onDone: (evidence: Evidence) => void;
}) {
  const t = useText(TEXTS);
  const [name, setName] = useState("");
  const [sex, setSex] = useState<"male" | "female">("female");
  const [number, setNumber] = useState("");
  const [from, setFrom] = useState("");
  const [until, setUntil] = useState("");
  const [occupation, setOccupation] = useState("");
  const [address, setAddress] = useState("");
  const [pictures, setPictures] = useState<Partial<Record<PictureKind, string>>>({});
  const { id_front, id_back, selfie } = pictures;
  const isReady =
    [name, number, from, occupation, address].every((each) => each.trim() !== "") &&
    id_front !== undefined &&
    id_back !== undefined &&
    selfie !== undefined;

  function finish() {
    if (id_front === undefined || id_back === undefined || selfie === undefined) return;
    onDone({
      person: {
        name: name.trim(),
        sex,
        id_number: number.trim(),
        valid_from: from,
        valid_until: until === "" ? null : until,
        occupation: occupation.trim(),
        address: address.trim(),
      },
      pictures: { id_front, id_back, selfie },
    });
  }

  const keep = (kind: PictureKind) => (content: string) =>
    setPictures((before) => ({ ...before, [kind]: content }));
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        finish();
      }}
    >
      <Field label={t("name")} autoComplete="name" value={name} onChange={(event) => setName(event.target.value)} />
      <Choice
        label={t("sex")}
        value={sex}
        options={[
          ["female", t("female")],
          ["male", t("male")],
        ]}
        onChange={setSex}
      />
      <Field
        label={t("id_number")}
        maxLength={18}
        autoComplete="off"
        value={number}
        onChange={(event) => setNumber(event.target.value.toUpperCase())}
      />
      <Field label={t("valid_from")} type="date" value={from} onChange={(event) => setFrom(event.target.value)} />
      <Field label={t("valid_until")} type="date" value={until} onChange={(event) => setUntil(event.target.value)} />
      <Field
        label={t("occupation")}
        autoComplete="organization-title"
        value={occupation}
        onChange={(event) => setOccupation(event.target.value)}
      />
      <Field
        label={t("address")}
        autoComplete="street-address"
        value={address}
        onChange={(event) => setAddress(event.target.value)}
      />
      <Picture label={t("id_front")} isAdded={id_front !== undefined} onPicture={keep("id_front")} />
      <Picture label={t("id_back")} isAdded={id_back !== undefined} onPicture={keep("id_back")} />
      <Picture label={t("selfie")} isAdded={selfie !== undefined} onPicture={keep("selfie")} />
      <Action submits isBusy={isBusy} disabled={!isReady}>
        {t("hand_in")}
      </Action>
    </form>
  );
}
