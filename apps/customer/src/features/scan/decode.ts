/** The longest side that is looked at: enough for any code that a person can frame. */
const SIDE_MAX = 1280;

interface Detector {
  detect: (source: ImageBitmapSource) => Promise<{ rawValue: string }[]>;
}

interface DetectorClass {
  new (options: { formats: string[] }): Detector;
  getSupportedFormats: () => Promise<string[]>;
}

async function findDetector(): Promise<Detector | null> {
  const found = (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector;
  if (found === undefined) return null;
  const formats = await found.getSupportedFormats().catch((): string[] => []);
  return formats.includes("qr_code") ? new found({ formats: ["qr_code"] }) : null;
}

/** Returns the text of the QR code in a picture, or null if there is none. */
export async function decode(
  source: CanvasImageSource & ImageBitmapSource,
  width: number,
  height: number,
): Promise<string | null> {
  const detector = await findDetector();
  if (detector !== null) {
    const found = await detector.detect(source).catch(() => []);
    return found[0]?.rawValue ?? null;
  }
  const scale = Math.min(1, SIDE_MAX / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) return null;
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  const { default: readQr } = await import("jsqr");
  return readQr(pixels.data, pixels.width, pixels.height)?.data ?? null;
}
