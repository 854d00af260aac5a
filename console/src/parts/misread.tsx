// SPDX-License-Identifier: Apache-2.0
/** What is wrong with what was typed, at its place. */
import type { FieldFault } from "../core/editing";
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

export function Faults({ faults, text }: { faults: FieldFault[]; text?: unknown }) {
  return (
    <>
      {faults.map((fault) => (fault.line && fault.column && typeof text === "string"
        ? <Misread key={fault.text} text={text} line={fault.line} column={fault.column} words={fault.text} />
        : <div key={fault.path + fault.text} className="bad" role="alert">{fault.text}</div>))}
    </>
  );
}
