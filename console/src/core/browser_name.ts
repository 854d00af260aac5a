// SPDX-License-Identifier: Apache-2.0
/** A User-Agent as people call it. */

const kBrowsers: [RegExp, string][] = [[/Edg\/(\d+)/, "Edge"], [/OPR\/(\d+)/, "Opera"], [/Chrome\/(\d+)/, "Chrome"], [/Firefox\/(\d+)/, "Firefox"], [/Version\/(\d+).*Safari/, "Safari"]];

/** "Chrome 120, Linux"; as it is where it is none of the known. */
export function browserName(agent: string): string {
  const [known, name] = kBrowsers.find(([pattern]) => pattern.test(agent)) ?? [];
  if (!known) return agent || "–";
  const system = /Windows|Android|iPhone|iPad|Mac OS X|Linux/.exec(agent)?.[0];
  return [`${name} ${known.exec(agent)![1]}`, system].filter(Boolean).join(", ");
}
