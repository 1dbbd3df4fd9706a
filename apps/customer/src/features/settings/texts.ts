import type { Catalogue } from "@huitong/kit";

const texts = {
  mine: { zh: "我的", en: "Mine" },
  more: { zh: "更多", en: "More" },
  settings: { zh: "设置", en: "Settings" },
  security: { zh: "安全中心", en: "Security" },
  security_note: { zh: "密码、设备、限额", en: "Passwords, devices, limits" },
  privacy: { zh: "隐私中心", en: "Privacy" },
  privacy_note: { zh: "同意、谁看过我的数据", en: "Consents, who read my data" },
  messages: { zh: "消息", en: "Messages" },
  loss: { zh: "紧急挂失", en: "Report a loss" },
  loans: { zh: "借款", en: "Loans" },
  account: { zh: "账号", en: "Account" },
  account_class: { zh: "{class} 类账户", en: "Class {class} account" },
  log_out: { zh: "退出登录", en: "Log out" },
  language: { zh: "语言", en: "Language" },
  language_note: { zh: "短信也用这种语言", en: "Text messages come in it, too" },
  theme: { zh: "外观", en: "Appearance" },
  auto: { zh: "跟随系统", en: "As the device" },
  light: { zh: "浅色", en: "Light" },
  dark: { zh: "深色", en: "Dark" },
  mode: { zh: "显示", en: "Display" },
  normal: { zh: "标准", en: "Standard" },
  elder: { zh: "长辈版（大字、简单）", en: "Elder mode (large, plain)" },
} as const;

export const TEXTS: Catalogue<keyof typeof texts> = texts;
