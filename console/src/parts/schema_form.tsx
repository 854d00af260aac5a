// SPDX-License-Identifier: Apache-2.0
/** A form for one of the server's calls, made from what the server says it takes. */
import { Alert, Button, Input, Modal, Select, Switch } from "antd";
import { useState, type ReactNode } from "react";
import { call } from "../core/api";
import { bodyOf, fieldsOf, filled, type Field, type Paths } from "../core/openapi";
import { useSending } from "../core/sending";
import { useLooks } from "../i18n";

type Values = Record<string, unknown>;

function textOf(value: unknown): string {
  return value === undefined || value === null ? "" : typeof value === "object" ? JSON.stringify(value, null, 1) : String(value);
}

function Control({ field, value, choices, set }: { field: Field; value: unknown; choices?: string[]; set: (value: unknown) => void }) {
  const label = field.name;
  if (field.type === "boolean") return <span><Switch aria-label={label} checked={value === true} onChange={set} /></span>;
  if (field.type === "array") return <Select aria-label={label} mode="tags" value={(value as string[]) ?? []} onChange={set} options={choices?.map((each) => ({ value: each }))} />;
  if (choices) return <Select aria-label={label} value={value as string} onChange={set} options={choices.map((each) => ({ value: each }))} allowClear={!field.required} />;
  if (field.type === "object" || field.name === "message") return <Input.TextArea aria-label={label} autoSize={{ minRows: 2 }} value={textOf(value)} onChange={(event) => set(event.target.value)} />;
  return <Input aria-label={label} value={textOf(value)} inputMode={field.type === "integer" ? "numeric" : undefined} onChange={(event) => set(event.target.value)} />;
}

export interface FormDialogProps {
  title: string;
  paths: Paths;
  to: { method: string; path: string };
  item?: string; // fills the path's {name}
  initial?: Values;
  fixed?: string[]; // keys that are sent as they are and not shown
  choices?: Record<string, string[]>;
  onClose: () => void;
  onDone: (answer: unknown, body: Values) => void;
  children?: ReactNode;
}

/** Keeps what was typed when the server refuses it, and shows the server's words. */
export function FormDialog({ title, paths, to, item, initial = {}, fixed = [], choices = {}, onClose, onDone, children }: FormDialogProps) {
  const { t } = useLooks();
  const fields = fieldsOf(paths, to);
  const [values, setValues] = useState<Values>(initial);
  const { error, busy, send: sending } = useSending((fault) => (fault.status === 409 || fault.status === 412 ? `${fault.message} ${t("rules.conflict")}` : fault.message));
  const send = () => sending(async () => {
    const body = bodyOf(fields, values);
    onDone(await call(to.method, item === undefined ? to.path : filled(to.path, item), body), body);
  });
  const missing = fields.some((field) => field.required && (values[field.name] === undefined || values[field.name] === "" || (Array.isArray(values[field.name]) && !(values[field.name] as []).length)));
  return (
    <Modal open title={title} onCancel={onClose} destroyOnHidden maskClosable={false}
           footer={[<Button key="no" onClick={onClose}>{t("common.cancel")}</Button>, <Button key="yes" type="primary" loading={busy} disabled={missing} onClick={send}>{t("common.save")}</Button>]}>
      {error && <Alert type="error" showIcon role="alert" message={error} className="gap-below" />}
      <div className="form">
        {fields.filter((field) => !fixed.includes(field.name)).map((field) => (
          <div key={field.name} className="field">
            <span className="field-name">{field.name}{field.required ? " *" : ""}</span>
            <Control field={field} value={values[field.name]} choices={choices[field.name]} set={(value) => setValues((before) => ({ ...before, [field.name]: value }))} />
            <span className="quiet">{field.help}</span>
          </div>
        ))}
      </div>
      {children}
    </Modal>
  );
}
