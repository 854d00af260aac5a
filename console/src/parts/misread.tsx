// SPDX-License-Identifier: Apache-2.0
import { useLooks } from "../i18n";

/** The line of a text that could not be read, with its place marked. */
export function Misread({ text, line, column, words }: { text: string; line: number; column: number; words: string }) {
  const { t } = useLooks();
  const shown = text.split("\n")[line - 1] ?? "";
  const rest = shown.slice(column - 1);
  const word = /^(\w+|\S)?/.exec(rest)![0];
  return (
    <div className="misread" role="alert">
      {shown && <code>{shown.slice(0, column - 1)}<mark>{word || " "}</mark>{rest.slice(word.length)}</code>}
      <div className="bad">{t("rules.misread", { line, column, text: words })}</div>
    </div>
  );
}
