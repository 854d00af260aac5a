// SPDX-License-Identifier: Apache-2.0
/** A text with suggestions below it: Tab or Enter takes one, the arrows choose, Escape closes. An error is underlined where it is. */
import { useId, useMemo, useRef, useState, type KeyboardEvent } from "react";
import { complete, type Names } from "../core/completion";
import { useLooks } from "../i18n";

export interface QueryEditorProps {
  value: string;
  label: string;
  names: Names;
  onChange: (text: string) => void;
  onRun?: () => void;
  wrongAt?: number | null;
  disabled?: boolean;
}

export function QueryEditor({ value, label, onChange, onRun, names, wrongAt = null, disabled }: QueryEditorProps) {
  const { t } = useLooks();
  const area = useRef<HTMLTextAreaElement>(null);
  const list = useId();
  const [cursor, setCursor] = useState(value.length);
  const [open, setOpen] = useState(false);
  const [chosen, setChosen] = useState(0);
  const suggestions = useMemo(() => complete(value, cursor, names), [value, cursor, names]);
  // What is there already is no suggestion, and must not cover what stands below.
  const typed = value.slice(0, cursor).trim();
  const shown = open && suggestions.list.some((each) => !typed.endsWith(each.trim()));

  const take = (text: string) => {
    const next = value.slice(0, suggestions.from) + text + value.slice(cursor);
    const at = suggestions.from + text.length;
    onChange(next);
    setChosen(0);
    setOpen(text.endsWith(" ") || text.endsWith("("));
    requestAnimationFrame(() => {
      area.current?.focus();
      area.current?.setSelectionRange(at, at);
      setCursor(at);
    });
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      setOpen(false);
      onRun?.();
    } else if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      setOpen(true);
    } else if (shown && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      const by = event.key === "ArrowDown" ? 1 : -1;
      setChosen((before) => (before + by + suggestions.list.length) % suggestions.list.length);
    } else if (shown && (event.key === "Tab" || event.key === "Enter")) {
      event.preventDefault();
      take(suggestions.list[Math.min(chosen, suggestions.list.length - 1)]);
    } else if (shown && event.key === "Escape") {
      event.stopPropagation(); // what it stands in stays open
      setOpen(false);
    }
  };
  return (
    <div className="query-editor">
      <div className="query-under" aria-hidden="true">
        {wrongAt !== null && <>{value.slice(0, wrongAt)}<mark>{value.slice(wrongAt, wrongAt + Math.max(1, /^\S*/.exec(value.slice(wrongAt))![0].length)) || " "}</mark></>}
      </div>
      <textarea
        ref={area} value={value} spellCheck={false} rows={Math.min(10, Math.max(3, value.split("\n").length))} aria-label={label} disabled={disabled}
        role="combobox" aria-expanded={shown} aria-controls={list} aria-autocomplete="list" aria-activedescendant={shown ? `${list}-${chosen}` : undefined} aria-invalid={wrongAt !== null}
        onChange={(event) => { onChange(event.target.value); setCursor(event.target.selectionStart); setChosen(0); setOpen(true); }}
        onSelect={(event) => setCursor(event.currentTarget.selectionStart)} onKeyDown={key} onBlur={() => setOpen(false)}
      />
      <ul id={list} role="listbox" aria-label={t("explore.suggest")} className="suggestions" hidden={!shown}>
        {suggestions.list.map((each, i) => (
          <li key={each} id={`${list}-${i}`} role="option" aria-selected={i === chosen} onMouseDown={(event) => { event.preventDefault(); take(each); }}>{each}</li>
        ))}
      </ul>
    </div>
  );
}
