// SPDX-License-Identifier: Apache-2.0
/** What the store knows of one node's GPUs and of the pods on them. */
import { ql, query, type Series } from "./influx";

export interface Device {
  gpu: string;
  uuid: string;
  model: string;
  utilization: number | null;
  memory: number | null;
  saturation: number | null;
  doubt: string; // which value misleads, in words
}
export interface Pod {
  gpu: string;
  namespace: string;
  pod: string;
  container: string;
  processes: number | null;
  memory: number | null;
  utilization: number | null;
  given: boolean; // whether Kubernetes gave it the device
}
/** A process that holds memory of a device, as the node's agent tells it. */
export interface Process {
  gpu: number | null;
  uuid: string;
  pid: number | null;
  owner: string; // "pod:team-a/llama-0", "container:ID", "slurm:JOB", "unit:NAME.service", "command:NAME"
  memory_bytes: number | null;
  utilization_gpu: number | null;
}
export interface NodeProcesses {
  processes: Process[];
  processes_omitted: number;
}
export interface NodeDevices {
  devices: Device[];
  pods: Pod[];
  sampler: string;
}

const some = (value: unknown) => (typeof value === "number" ? value : null);
const rows = (series: Series[] | undefined) => (series ?? []).map(({ tags = {}, values: [row] }) => ({ tags, row }));

export const devicesFrom = (series: Series[] | undefined): Device[] =>
  rows(series).map(({ tags, row }) => ({ gpu: tags.gpu ?? "?", uuid: tags.uuid ?? "", model: tags.model ?? "", utilization: some(row[1]), memory: some(row[2]), saturation: some(row[3]), doubt: String(row[4] ?? "") }));
export const podsFrom = (series: Series[] | undefined): Pod[] =>
  rows(series).map(({ tags, row }) => ({
    gpu: tags.gpu ?? "?", namespace: tags.namespace ?? "", pod: tags.pod ?? "", container: tags.container ?? "", processes: some(row[1]), memory: some(row[2]), utilization: some(row[3]), given: row[4] !== false,
  }));

/** The newest of each GPU within ten minutes, of each pod within two, and how the node's sampler fares. */
export async function devicesOf(node: string, signal: AbortSignal): Promise<NodeDevices> {
  const from = (span: string) => `WHERE node = ${ql.literal(node)} AND time > now() - ${span}`;
  const [gpus, pods, sampler] = await query([
    `SELECT last(utilization_gpu), last(memory_used_bytes), last(saturation), last(doubt) FROM gpu ${from("10m")} GROUP BY gpu, uuid, model`,
    `SELECT last(processes), last(memory_used_bytes), last(utilization_gpu), last(given) FROM gpu_pod ${from("2m")} GROUP BY gpu, namespace, pod, container`,
    `SELECT last(sampler_state), last(sampler_reason) FROM node ${from("10m")}`,
  ].join("; "), signal);
  const [, state, reason] = sampler?.series?.[0]?.values[0] ?? [];
  return { devices: devicesFrom(gpus?.series), pods: podsFrom(pods?.series), sampler: [state, reason].filter(Boolean).join(": ") };
}
