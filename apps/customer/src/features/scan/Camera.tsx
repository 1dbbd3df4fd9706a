import { useEffect, useRef, useState } from "react";
import { useText } from "@/app/prefs";
import { decode } from "./decode";
import { TEXTS } from "./texts";

const EVERY_MS = 250;

/** Looks through the camera until there is a code. */
export function Camera({ onFound }: { onFound: (text: string) => void }) {
  const t = useText(TEXTS);
  const video = useRef<HTMLVideoElement>(null);
  const found = useRef(onFound);
  const [isRefused, setRefused] = useState(false);
  useEffect(() => {
    found.current = onFound;
  });
  useEffect(() => {
    const over = new AbortController();
    const isOver = () => over.signal.aborted;
    let stream: MediaStream | null = null;
    async function look(element: HTMLVideoElement) {
      stream = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: "environment" },
        audio: false,
      });
      element.srcObject = stream;
      await element.play();
      while (!isOver()) {
        const text = await decode(element, element.videoWidth || 1, element.videoHeight || 1);
        if (isOver()) break;
        if (text !== null) {
          found.current(text);
          break;
        }
        await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
      }
      stop();
    }
    function stop() {
      over.abort();
      for (const track of stream?.getTracks() ?? []) track.stop();
    }
    if (video.current !== null)
      look(video.current).catch(() => {
        if (!isOver()) setRefused(true);
      });
    return stop;
  }, []);
  if (isRefused)
    return (
      <p role="status" className="notice notice-warn">
        {t("no_camera")}
      </p>
    );
  return (
    <div className="viewer">
      <video ref={video} muted playsInline aria-label={t("aim")} />
    </div>
  );
}
