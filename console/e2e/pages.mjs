// SPDX-License-Identifier: Apache-2.0
// Every page of the console by a short name, with what can be opened over it: for those who look at all of them.

const query = encodeURIComponent('SELECT mean("utilization_gpu") FROM "gpu" WHERE $timeFilter GROUP BY time($__interval), "node"');

/** @param read asks the API's path for its JSON; pages of a thing are those of the first of its kind */
export async function everyPage(read) {
  const first = async (kind, key) => encodeURIComponent((await read(`/api/v1/${kind}`))[kind]?.[0]?.[key] ?? "");
  const [node, rule, channel, pool] = await Promise.all([first("nodes", "id"), first("rules", "name"), first("channels", "name"), first("pools", "name")]);
  return {
    overview: "/?range=5m", nodes: "/nodes", node: `/nodes/${node}?range=5m`, explore: `/explore?q=${query}`,
    dashboards: "/dashboards", nodedashboard: "/dashboards?d=Node&range=5m", editdashboard: "/dashboards?edit=1", newdashboard: "/dashboards?new=1",
    rules: "/rules", rule: `/rules/${rule}?range=5m`, newrule: "/rules?new=1", editrule: "/rules/latency?edit=1",
    activity: "/activity", people: "/activity?kind=people", pools: "/pools", pool: `/pools?edit=${pool}`, policies: "/policies", newpolicy: "/policies?new=1",
    triggers: "/triggers", newtrigger: "/triggers?new=1", channels: "/channels", channel: `/channels?edit=${channel}`, newchannel: "/channels?new=1",
    schedules: "/schedules", newschedule: "/schedules?new=1", tokens: "/tokens",
  };
}
