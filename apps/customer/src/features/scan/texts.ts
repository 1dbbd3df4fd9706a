import type { Catalogue } from "@huitong/kit";

const texts = {
  title: { zh: "扫一扫", en: "Scan" },
  start: { zh: "打开摄像头", en: "Use the camera" },
  aim: { zh: "把二维码放进框里", en: "Hold the code into the frame" },
  picture: { zh: "从图片中识别", en: "Read a picture" },
  no_camera: {
    zh: "摄像头不可用。可以选择一张二维码图片。",
    en: "There is no camera to use. Choose a picture of the code instead.",
  },
  none: { zh: "图片里没有找到二维码。", en: "There is no QR code in the picture." },
  unreadable: { zh: "打不开这张图片。", en: "This picture cannot be opened." },
  dynamic: {
    zh: "这是商家的订单码，请在商家的付款页面上支付。",
    en: "This is the code of one order; pay it on the merchant's own page.",
  },
  reading: { zh: "正在识别…", en: "Reading…" },
  nothing_paid: { zh: "还没有付款。", en: "Nothing was paid." },
} as const;

export const TEXTS: Catalogue<keyof typeof texts> = texts;
