// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { browserName } from "./browser_name";

it.each([
  ["Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36", "Chrome 150, Linux"],
  ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36 Edg/150.0.0.0", "Edge 150, Windows"],
  ["Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15", "Safari 18, Mac OS X"],
  ["curl/8.1", "curl/8.1"],
  ["", "–"],
])("%s is %s", (agent, name) => expect(browserName(agent)).toBe(name));
