// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { devicesFrom, podsFrom } from "./node_devices";

it("a node's GPUs and pods are read with what is not measured as unknown", () => {
  expect(devicesFrom([{ name: "gpu", tags: { gpu: "0", uuid: "GPU-1", model: "" }, columns: [], values: [[0, 40, null, 12.5, "mostly idle"]] }])).toEqual([
    { gpu: "0", uuid: "GPU-1", model: "", utilization: 40, memory: null, saturation: 12.5, doubt: "mostly idle" }]);
  expect(podsFrom([{ name: "gpu_pod", tags: { gpu: "0", namespace: "ml", pod: "serve-1", container: "vllm" }, columns: [], values: [[0, 2, 1024, null, false]] }])).toEqual([
    { gpu: "0", namespace: "ml", pod: "serve-1", container: "vllm", processes: 2, memory: 1024, utilization: null, given: false }]);
  expect([devicesFrom(undefined), podsFrom(undefined)]).toEqual([[], []]);
});
