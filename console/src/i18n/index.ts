// SPDX-License-Identifier: Apache-2.0
/** The language and the theme, kept in the browser, and the texts. */
import { createContext, useContext } from "react";
import { en, type Key } from "./en";
import { zh } from "./zh";

export type { Key };
export type Language = "en" | "zh";
export type Text = (key: Key, values?: Record<string, string | number>) => string;

export function textIn(language: Language): Text {
  const texts: Record<Key, string> = language === "zh" ? zh : en;
  return (key, values) => texts[key].replace(/\{(\w+)\}/g, (whole, name: string) => (values && name in values ? String(values[name]) : whole));
}

export interface Looks {
  language: Language;
  dark: boolean;
  t: Text;
}
export const LooksContext = createContext<Looks>({ language: "en", dark: false, t: textIn("en") });
export const useLooks = () => useContext(LooksContext);

export function firstLanguage(): Language {
  const stored = localStorage.getItem("gpuscale.language");
  if (stored === "en" || stored === "zh") return stored;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}
export function firstDark(): boolean {
  const stored = localStorage.getItem("gpuscale.theme");
  return stored ? stored === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
}
