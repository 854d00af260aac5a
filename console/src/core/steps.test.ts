// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { stepOf, stepsIn } from "./steps";

const kSteps = [{ above: 80, add: 2 }, { below: 30, remove: 1, for: "5m" }];

it("steps go into a form and out of it as they were", () => {
  expect(stepsIn(kSteps).map(stepOf)).toEqual(kSteps);
  expect(stepsIn([{ above: 1.5 }]).map(stepOf)).toEqual([{ above: 1.5, add: 1 }]);
  expect(stepsIn([{ below: -2, remove: 1, until: "x" }]).map(stepOf)).toEqual([{ below: -2, remove: 1, until: "x" }]);
});
it("a step turned to its other side takes its line and its nodes along", () => {
  expect(stepOf({ ...stepsIn(kSteps)[0], side: "below" })).toEqual({ below: 80, remove: 2 });
});
it("what is no number stays as it was typed, so that the server names it", () => {
  expect(stepOf({ side: "above", line: "8o", nodes: "", for: "", rest: {} })).toEqual({ above: "8o", add: "" });
  expect(stepsIn("nonsense")).toEqual([]);
  expect(stepsIn([null, 3]).map(stepOf)).toEqual([{ above: "", add: 1 }, { above: "", add: 1 }]);
});
