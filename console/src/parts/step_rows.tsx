// SPDX-License-Identifier: Apache-2.0
/** The steps of a policy: over a line so many nodes are added, under one so many taken away. */
import { Button, Input, Select } from "antd";
import { stepsIn, stepOf, type Step } from "../core/steps";
import { useLooks } from "../i18n";

export function StepRows({ value, set, label }: { value: unknown; set: (value: unknown) => void; label: string }) {
  const { t } = useLooks();
  const steps = stepsIn(value);
  const change = (next: Step[]) => set(next.map(stepOf));
  return (
    <div className="pairs">
      {steps.map((step, i) => {
        const put = (part: Partial<Step>) => change(steps.map((each, j) => (j === i ? { ...each, ...part } : each)));
        const named = (key: "line" | "nodes" | "for") => `${label} ${i + 1}: ${t(`steps.${key}`)}`;
        return (
          <div key={i} className="step">
            <Select aria-label={`${label} ${i + 1}`} value={step.side} onChange={(side) => put({ side })} options={(["above", "below"] as const).map((side) => ({ value: side, label: t(`steps.${side}`) }))} />
            <Input aria-label={named("line")} inputMode="decimal" placeholder={t("steps.line")} value={step.line} onChange={(event) => put({ line: event.target.value })} />
            <span>{t(step.side === "above" ? "steps.add" : "steps.remove")}</span>
            <Input aria-label={named("nodes")} inputMode="numeric" placeholder="1" value={step.nodes} onChange={(event) => put({ nodes: event.target.value })} />
            <span>{t("steps.nodes")}</span>
            <Input aria-label={named("for")} placeholder={t("steps.for")} value={step.for} onChange={(event) => put({ for: event.target.value })} />
            <Button size="small" aria-label={t("edit.remove", { name: `${label} ${i + 1}` })} onClick={() => change(steps.filter((_, j) => j !== i))}>×</Button>
          </div>
        );
      })}
      <Button size="small" aria-label={`${t("edit.add")}: ${label}`} onClick={() => change([...steps, { side: steps.length ? "below" : "above", line: "", nodes: "1", for: "", rest: {} }])}>{t("edit.add")}</Button>
    </div>
  );
}
