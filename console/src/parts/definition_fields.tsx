// SPDX-License-Identifier: Apache-2.0
/** The fields of a definition, each with its own faults below it. */
import { Button, ConfigProvider, Input, Select, Switch } from "antd";
import { useState, type ReactNode } from "react";
import { at, isKept, keysFor, kKept, withValue, type Definition, type Key, type Kind } from "../core/definitions";
import { faultsAt, type FieldFault } from "../core/editing";
import { useStoredNames } from "../core/schema";
import { useLooks, type Key as TextKey } from "../i18n";
import { Faults } from "./misread";
import { QueryEditor } from "./query_editor";
import { StepRows } from "./step_rows";

export type Names = Partial<Record<Kind, string[]>>;
interface Control {
  of: Key;
  label: string;
  value: unknown;
  kept: boolean; // the server has a secret here
  set: (value: unknown) => void;
  names: Names;
  wrong: boolean;
}

const textOf = (value: unknown): string => (value === undefined || value === null || isKept(value) ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));
const plainMapping = (value: unknown): Record<string, unknown> => (typeof value === "object" && value !== null && !Array.isArray(value) && !isKept(value) ? (value as Record<string, unknown>) : {});

/** Names with a text each. Rows are kept in order while they are typed, also one whose name is still empty. */
function Pairs({ value, set, label, long, omit = [] }: { value: unknown; set: (value: unknown) => void; label: string; long: boolean; omit?: string[] }) {
  const { t } = useLooks();
  const { componentDisabled: disabled } = ConfigProvider.useConfig();
  const stored = useStoredNames(long && !disabled);
  const given = Object.entries(plainMapping(value)).filter(([name]) => !omit.includes(name));
  const [rows, setRows] = useState<[string, unknown][]>(given);
  const same = JSON.stringify(rows.filter(([name]) => name)) === JSON.stringify(given);
  const shown = same ? rows : given;
  const change = (next: [string, unknown][]) => {
    setRows(next);
    const others = Object.entries(plainMapping(value)).filter(([name]) => omit.includes(name));
    set(Object.fromEntries([...others, ...next.filter(([name]) => name)]));
  };
  return (
    <div className="pairs">
      {shown.map(([name, text], i) => {
        const put = (row: [string, unknown]) => change(shown.map((each, j) => (j === i ? row : each)));
        const typed = (next: string) => put([name, next || (isKept(text) ? kKept : "")]);
        return (
          <div key={i} className={long ? "pair pair-long" : "pair"}>
            <Input aria-label={`${label}: ${t("edit.key")}`} placeholder={t("edit.key")} value={name} onChange={(event) => put([event.target.value, text])} />
            {long ? <QueryEditor label={`${label}: ${name}`} value={textOf(text)} onChange={typed} names={stored} disabled={disabled} />
              : <Input aria-label={`${label}: ${name}`} placeholder={isKept(text) ? t("edit.secret.set") : t("edit.value")} value={textOf(text)} onChange={(event) => typed(event.target.value)} />}
            <Button size="small" aria-label={t("edit.remove", { name: name || label })} onClick={() => change(shown.filter((_, j) => j !== i))}>×</Button>
          </div>
        );
      })}
      <Button size="small" onClick={() => setRows([...shown, ["", ""]])} aria-label={`${t("edit.add")}: ${label}`}>{t("edit.add")}</Button>
    </div>
  );
}

function Field({ of, label, value, kept, set, names, wrong }: Control) {
  const { t } = useLooks();
  const status = wrong ? "error" : undefined;
  const holder = of.otherwise && of.otherwise !== "true" ? t("edit.default", { value: of.otherwise }) : undefined;
  const options = (of.names ? names[of.names] : of.choices)?.map((each) => ({ value: each }));
  if (of.control === "secret" || kept || isKept(value)) {
    return (
      <Input.Password aria-label={label} autoComplete="new-password" status={status} value={textOf(value)} placeholder={isKept(value) || kept ? t("edit.secret.set") : t("edit.secret.new")}
                      onChange={(event) => set(event.target.value || (kept ? kKept : ""))} />
    );
  }
  switch (of.control) {
    case "switch": return <span><Switch aria-label={label} checked={typeof value === "boolean" ? value : of.otherwise === "true"} onChange={set} /></span>;
    case "choice": return <Select aria-label={label} status={status} value={textOf(value) || undefined} onChange={set} options={options} allowClear={!of.required} showSearch placeholder={holder ?? ""} />;
    case "texts": return <Select aria-label={label} status={status} mode="tags" value={Array.isArray(value) ? (value as string[]) : value ? [String(value)] : []} onChange={set} options={options} tokenSeparators={[","]} />;
    case "map": return <Pairs value={value} set={set} label={label} long={false} omit={of.path === "provider" ? ["type"] : []} />;
    case "steps": return <StepRows value={value} set={set} label={label} />;
    case "queries": return <Pairs value={value} set={set} label={label} long />;
    case "long": case "condition": return <Input.TextArea aria-label={label} status={status} className="mono" spellCheck={false} autoSize={{ minRows: 1, maxRows: 8 }} value={textOf(value)} onChange={(event) => set(event.target.value)} placeholder={holder} />;
    case "whole": case "number": return (
      <Input aria-label={label} status={status} inputMode={of.control === "whole" ? "numeric" : "decimal"} value={textOf(value)} placeholder={holder}
             onChange={(event) => set(/^-?\d+(\.\d+)?$/.test(event.target.value) ? Number(event.target.value) : event.target.value)} />
    );
    default: return <Input aria-label={label} status={status} spellCheck={false} value={textOf(value)} onChange={(event) => set(event.target.value)} placeholder={holder} />;
  }
}

export interface FieldsProps {
  kind: Kind;
  definition: Definition;
  base?: Definition; // as the server has it: which secrets are set
  faults: FieldFault[];
  names: Names;
  readOnly: boolean;
  except?: string[]; // shown elsewhere
  onChange: (definition: Definition) => void;
}

export function DefinitionFields({ kind, definition, base = {}, faults, names, readOnly, except = [], onChange }: FieldsProps) {
  const { t } = useLooks();
  const keys = keysFor(kind, definition).filter((key) => !except.includes(key.path));
  const paths = keys.map((key) => key.path);
  const row = (key: Key): ReactNode => {
    const value = at(definition, key.path);
    const own = faultsAt(faults, key.path, paths);
    const set = (next: unknown) => onChange(withValue(definition, key.path, next));
    return (
      <div key={key.path} className={`field ${["queries", "map", "long", "condition", "steps"].includes(key.control) ? "field-wide" : ""}`}>
        <span className="field-name field-key">{key.path}{key.required ? " *" : ""}</span>
        <Field of={key} label={key.path} value={value} kept={isKept(at(base, key.path))} set={set} names={names} wrong={own.length > 0} />
        <Faults faults={own} text={value} />
        <span className="quiet">{t(`def.${kind}.${key.help ?? key.path}` as TextKey)}{key.told && ` ${t(`def.${kind}.${key.path}.${textOf(value) || key.otherwise}` as TextKey)}`}</span>
      </div>
    );
  };
  const rare = keys.filter((key) => key.rare);
  const used = rare.some((key) => at(definition, key.path) !== undefined || faultsAt(faults, key.path, paths).length > 0);
  return (
    <ConfigProvider componentDisabled={readOnly}>
      <div className="fields">
        <div className="form form-grid">{keys.filter((key) => !key.rare).map(row)}</div>
        {rare.length > 0 && <details open={used}><summary>{t("edit.rare")}</summary><div className="form form-grid gap-above">{rare.map(row)}</div></details>}
      </div>
    </ConfigProvider>
  );
}
