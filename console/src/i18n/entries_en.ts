// SPDX-License-Identifier: Apache-2.0
/** The ledger's kinds in English, where their own words would not be understood. */
export const kindsEn: Record<string, string> = {
  "rule.ok": "rule OK", "rule.no_data": "rule without data", "rule.sees_again": "rule has data again", "rule.error": "rule broken",
  "pool.desired": "size wanted", "pool.bounds": "bounds set", "pool.resumed": "pool let go", "session.opened": "signed in", "session.closed": "signed out", "session.refused": "sign-in refused",
  "trigger.rotated": "secret renewed", "node.held": "node drained", "node.undrained": "node taken back", "node.heard": "node heard again",
};
