import { useId, useState } from "react";
import { useText } from "@/app/prefs";
import { TEXTS } from "./texts";

/** The longest side that is sent: enough to read an identity card, and small enough for 3G. */
const SIDE_MAX = 1600;
const QUALITY = 0.88;

/** Returns a picture file as base64 of a JPEG that is no larger than needed; null if it is none. */
async function shrink(file: File): Promise<string | null> {
  const picture = await createImageBitmap(file).catch(() => null);
  if (picture === null) return null;
  const scale = Math.min(1, SIDE_MAX / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  return canvas.toDataURL("image/jpeg", QUALITY).split(",")[1] ?? null;
}

/** A picture of a document, taken now or chosen. */
export function Picture({ label, isAdded, onPicture }: {
  label: string;
  isAdded: boolean;
  onPicture: (content: string) => void;
}) {
  const t = useText(TEXTS);
  const id = useId();
  const [isWrong, setWrong] = useState(false);

  async function read(file: File | undefined) {
    if (file === undefined) return;
    const content = await shrink(file);
    setWrong(content === null);
    if (content !== null) onPicture(content);
  }

  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="file"
        accept="image/jpeg,image/png"
        aria-describedby={`${id}-said`}
        onChange={(event) => void read(event.target.files?.[0])}
      />
      <p id={`${id}-said`} className={isWrong ? "field-error" : "field-hint"}>
        {isAdded && !isWrong ? `✓ ${t("picture_added")}` : t("picture_hint")}
      </p>
    </div>
  );
}
