// SPDX-License-Identifier: Apache-2.0
/** Small pieces that several pages show alike. */
import { Alert, Button, Segmented, Tag, Tooltip, Typography } from "antd";
import { useState, type ReactNode } from "react";
import type { ApiError } from "../core/api";
import { when, utc } from "../core/format";
import { follow, useParam } from "../core/router";
import { kRanges } from "../core/curve";
import { useZoom } from "../core/zoom";
import { useLooks, type Key } from "../i18n";

/** A time in the reader's zone, with UTC on hover. @param fine with seconds */
export function Time({ at, fine = true }: { at: string | number | null | undefined; fine?: boolean }) {
  const { language } = useLooks();
  return <time dateTime={at ? new Date(at).toISOString() : undefined} title={utc(at)}>{when(at, language, fine)}</time>;
}

export function Link({ to, children, className }: { to: string; children: ReactNode; className?: string }) {
  return <a href={to} onClick={follow} className={className}>{children}</a>;
}

export function Panel({ title, extra, children, className = "" }: { title?: ReactNode; extra?: ReactNode; children: ReactNode; className?: string }) {
  return (
    <section className={`panel ${className}`}>
      {(title || extra) && <header>{title && <h2>{title}</h2>}{extra}</header>}
      {children}
    </section>
  );
}

export function PageHead({ title, children }: { title: ReactNode; children?: ReactNode }) {
  return <div className="page-head"><h1>{title}</h1><div className="page-tools">{children}</div></div>;
}

/** What an empty page says to do next. */
export function Hint({ title, text, command, children }: { title: string; text: string; command?: string; children?: ReactNode }) {
  return (
    <div className="hint" data-testid="hint">
      <h3>{title}</h3>
      <p>{text}</p>
      {command && <Command text={command} />}
      {children}
    </div>
  );
}

/** The command that makes what `yaml` declares; it can be pasted as it stands. */
export const applied = (word: string, yaml: string) => `gpuscale ${word} apply - --server ${window.location.origin} <<'END'\n${yaml}\nEND`;

export function Command({ text }: { text: string }) {
  const { t } = useLooks();
  const [copied, setCopied] = useState(false);
  const copy = () => void navigator.clipboard?.writeText(text).then(() => {
    setCopied(true);
    setTimeout(() => setCopied(false), 2000);
  });
  return (
    <div className="command">
      <pre tabIndex={0} aria-label={t("common.copy")}><code>{text}</code></pre>
      <Button size="small" onClick={copy}>{copied ? t("common.copied") : t("common.copy")}</Button>
    </div>
  );
}

/** Where a call failed: what was seen last stays below it. */
export function Failed({ error, again }: { error: ApiError | undefined; again?: () => void }) {
  const { t } = useLooks();
  if (!error) return null;
  return (
    <Alert type="error" showIcon role="alert" className="gap-below" message={t("common.failed", { error: error.message })}
           action={again && <Button size="small" onClick={again}>{t("common.refresh")}</Button>} />
  );
}

export function RangePicker({ initial = "15m" }: { initial?: string }) {
  const { t } = useLooks();
  const [range, setRange] = useParam("range", initial);
  const [zoom, setZoom] = useZoom();
  return (
    <>
      {zoom && <Button onClick={() => setZoom(null)}>{t("chart.unzoom")}</Button>}
      <Segmented aria-label={t("common.range")} value={range in kRanges ? range : initial} onChange={(value) => { setZoom(null); setRange(String(value)); }}
                 options={Object.keys(kRanges).map((each) => ({ value: each, label: t(`range.${each}` as Key) }))} />
    </>
  );
}

const ruleColour: Record<string, string> = { inactive: "green", pending: "gold", firing: "red", no_data: "default", error: "magenta", paused: "default" };
/** The heart: whole and green while all is well, broken and red while the rule fires. */
export function Heart({ state }: { state: string }) {
  const { t } = useLooks();
  const key = `rules.${state}` as Key;
  const shape = state === "firing" || state === "error" ? "M12 21 3 12a5 5 0 0 1 6-8l2 4-2 4 4 3-2 3zm1.500-16 .5 3-2 4 4 3-1.500 4 6.500-7a5 5 0 0 0-7.500-7z" : "M12 21 3 12a5.300 5.300 0 0 1 7.500-7.500L12 6l1.500-1.500A5.300 5.300 0 0 1 21 12z";
  return (
    <span className={`heart heart-${state}`}>
      <svg viewBox="0 0 24 24" width="16" height="16" aria-hidden="true"><path d={shape} fill="currentColor" /></svg>
      <Tag color={ruleColour[state] ?? "default"} bordered={false}>{["inactive", "pending", "firing", "no_data", "error", "paused"].includes(state) ? t(key) : state}</Tag>
    </span>
  );
}

const phaseColour: Record<string, string> = { steady: "green", scaling_out: "blue", scaling_in: "geekblue", degraded: "red", held: "gold" };
export function Phase({ phase }: { phase: string }) {
  const { t } = useLooks();
  return <Tag className="phase" color={phaseColour[phase] ?? "default"}>{phase in phaseColour ? t(`phase.${phase}` as Key) : phase}</Tag>;
}

const nodeColour: Record<string, string> = { ready: "green", booting: "gold", launching: "gold", draining: "blue", parked: "gold", gone: "default" };
/** A parked node is drained and kept warm, to be back at once. */
export const stateOf = (node: { state: string; parked?: boolean }): string => (node.parked ? "parked" : node.state);
export function NodeState({ node }: { node: { state: string; parked?: boolean } }) {
  const { t } = useLooks();
  const state = stateOf(node);
  const known = state in nodeColour;
  return <Tag bordered={false} color={nodeColour[state] ?? "default"} title={state === "parked" ? t("node.parked.hint") : undefined}>{known ? t(`node.state.${state}` as Key) : state}</Tag>;
}

/** Marks what the config file declares. */
export function Origin({ item }: { item: { origin?: string } }) {
  const { t } = useLooks();
  return isDeclared(item) ? <Tooltip title={t("common.declared.hint")}><Tag bordered={false} tabIndex={0}>{t("common.declared")}</Tag></Tooltip> : null;
}
export const isDeclared = (item: { origin?: string }): boolean => item.origin === "file";

/** A secret that the server shows this once. */
export function SecretOnce({ title, secret, children }: { title: string; secret: string; children?: ReactNode }) {
  const { t } = useLooks();
  return (
    <div>
      <Typography.Paragraph strong>{title}</Typography.Paragraph>
      <Command text={secret} />
      <Alert type="warning" showIcon message={t("triggers.secret.once")} className="gap-above" />
      {children}
    </div>
  );
}
