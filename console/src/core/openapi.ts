// SPDX-License-Identifier: Apache-2.0
/** What this very server can do, from its own OpenAPI document: a form has the keys that the server takes, and a button is
 * there only where the call behind it is. */
import { useEffect, useState } from "react";
import { get } from "./api";

export interface Field {
  name: string;
  type: string;
  help: string;
  required: boolean;
}
type Schema = { type?: string; description?: string; properties?: Record<string, Schema>; required?: string[] };
type Operation = { requestBody?: { content?: Record<string, { schema?: Schema }> } };
export type Paths = Record<string, Record<string, Operation>>;

let known: Promise<Paths> | undefined;
export function forgetPaths() {
  known = undefined;
}

export function usePaths(): Paths | undefined {
  const [paths, setPaths] = useState<Paths>();
  useEffect(() => {
    known ??= get<{ paths: Paths }>("/api/v1/openapi.json").then((document) => document.paths);
    known.then(setPaths, () => {
      known = undefined;
      setPaths({});
    });
  }, []);
  return paths;
}

/** The first of `candidates` ("PUT /api/v1/rules/{name}") that the server answers, as method and path. */
export function find(paths: Paths | undefined, ...candidates: string[]): { method: string; path: string } | undefined {
  for (const candidate of candidates) {
    const [method, path] = candidate.split(" ");
    if (paths?.[path]?.[method.toLowerCase()]) return { method, path };
  }
  return undefined;
}

export function fieldsOf(paths: Paths, call: { method: string; path: string }): Field[] {
  const content = paths[call.path]?.[call.method.toLowerCase()]?.requestBody?.content ?? {};
  const schema = Object.values(content)[0]?.schema;
  const required = new Set(schema?.required ?? []);
  return Object.entries(schema?.properties ?? {}).map(([name, each]) => ({ name, type: each.type ?? "string", help: each.description ?? "", required: required.has(name) }));
}

/** The path with its {name} filled in. */
export const filled = (path: string, value: string | number) => path.replace(/\{\w+\}/, encodeURIComponent(String(value)));

/** What a form's texts mean as a body: only the keys that were filled in. Errors name the key. */
export function bodyOf(fields: Field[], values: Record<string, unknown>): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const { name, type } of fields) {
    const value = values[name];
    if (value === undefined || value === "" || value === null) continue;
    if (Array.isArray(value) && !value.length) continue;
    if (type === "object" && typeof value === "string") {
      try {
        body[name] = JSON.parse(value);
      } catch (cause) {
        throw new Error(`${name}: ${(cause as Error).message}`);
      }
    } else if ((type === "integer" || type === "number") && typeof value === "string") {
      const number = Number(value);
      if (!Number.isFinite(number) || (type === "integer" && !Number.isInteger(number))) throw new Error(`${name}: ${value}?`);
      body[name] = number;
    } else {
      body[name] = value;
    }
  }
  return body;
}
