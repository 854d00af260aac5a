// SPDX-License-Identifier: Apache-2.0
import { Spin } from "antd";
import { get, part } from "../core/api";
import { useFollowed } from "../core/data";
import { useParam } from "../core/router";
import type { Rule, Silence } from "../core/types";
import { useLooks } from "../i18n";
import { CardTable } from "../parts/cards";
import { NewButton } from "../parts/resources";
import { NewRule } from "./rule";
import { SilenceList } from "../parts/silences";
import { applied, Failed, Heart, Hint, Link, Origin, PageHead, Panel, Time } from "../parts/pieces";

const kExample = `rules:
  - name: GPU usage high
    every: 5s
    queries:
      C: SELECT mean("utilization_gpu") FROM "gpu" WHERE $timeFilter GROUP BY time(30s) fill(null)
    condition: avg(C, 1m) > 45
    repeat: 30s`;
export default function Rules() {
  const { t } = useLooks();
  const [fresh, setFresh] = useParam("new", "");
  const rules = useFollowed((signal) => get<{ rules: Rule[] }>("/api/v1/rules", signal), [], 5000);
  const silences = useFollowed(async (signal) => (await get<{ silences: Silence[] }>("/api/v1/silences", signal)).silences, [], 30_000);
  const list = rules.value?.rules ?? [];
  if (fresh === "1") return <NewRule onClose={() => setFresh("")} />;
  return (
    <>
      <PageHead title={t("rules.title")}><NewButton title={t("rules.new")} make={() => setFresh("1")} /></PageHead>
      <Failed error={rules.error} again={rules.again} />
      {!rules.value && !rules.error && <Spin />}
      {rules.value && !list.length && <Hint title={t("rules.empty.title")} text={t("rules.empty")} command={applied("rule", kExample)} />}
      {list.length > 0 && (
        <Panel>
          <div className="table-wrap">
            <CardTable>
              <thead><tr><th>{t("common.state")}</th><th>{t("common.name")}</th><th>{t("rules.condition")}</th><th>{t("rules.sees")}</th><th>{t("rules.since")}</th><th>{t("rules.notify")}</th></tr></thead>
              <tbody>
                {list.map((rule) => (
                  <tr key={rule.name}>
                    <td><Heart state={rule.state} /></td>
                    <td className="name"><Link to={`/rules/${part(rule.name)}`}>{rule.name}</Link> <Origin item={rule} /></td>
                    <td><code>{rule.condition}</code></td>
                    <td className="says">{rule.fault ? <span className="bad">{rule.fault}</span> : rule.last_error ? <span className="bad">{rule.last_error}</span> : rule.explanation}</td>
                    <td className="number"><Time at={rule.since} /></td>
                    <td>{rule.notify.join(", ") || "–"}</td>
                  </tr>
                ))}
              </tbody>
            </CardTable>
          </div>
        </Panel>
      )}
      <SilenceList silences={silences.value ?? []} done={silences.again} />
    </>
  );
}
