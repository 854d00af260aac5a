// SPDX-License-Identifier: Apache-2.0
/** What the server answers. Fields that some servers leave out are optional: the console tolerates their absence. */

export interface Session {
  signed_in: boolean;
  auth: boolean;
  name?: string;
  scopes?: string[];
}

export interface Pool {
  name: string;
  provider?: string;
  min: number;
  max: number;
  desired: number;
  counts: { launching: number; booting: number; ready: number; draining: number; parked?: number };
  phase: string;
  phase_reason: string;
  phase_cause?: string; // "counts" = nothing but the numbers of nodes
  cooldown_out_until?: string | null;
  cooldown_in_until?: string | null;
  hold?: { mode: string; who: string; until: string | null } | null;
  budget?: { limited: boolean; used_gpu_hours: number; parked_gpu_hours: number; limit_gpu_hours: number | null; used_money: number; ends: string; exhausted: boolean } | null;
  origin?: string;
  version?: number;
  fault?: string;
}

export interface Rule {
  name: string;
  state: string;
  since: string;
  evaluated_at: string | null;
  explanation: string;
  values: { matched: boolean; metric: string; tags: Record<string, string> | null; value: number | null }[];
  last_error: string;
  every: string;
  for: string;
  repeat: string;
  condition: string;
  queries: Record<string, string>;
  sources?: Record<string, string>; // of queries that are not asked of the own store
  notify: string[];
  correlation: string;
  message?: string;
  muted_by?: string;
  recover?: string;
  keep_firing_for?: string;
  per_series?: boolean;
  instances?: { labels: Record<string, string>; state: string; since: string; value: number | null }[];
  no_data?: string;
  origin?: string; // "file": declared, else made here
  version?: number;
  enabled?: boolean;
  fault?: string;
}

export interface Policy {
  name: string;
  pool: string;
  policy: string; // its kind with its setting
  shadow: boolean;
  want: number | null; // null = as it is
  boot_seconds: number | null;
  reason: string;
  evidence?: Evidence;
  trial?: Trial | null; // had it been the only one; null = it cannot be tried out
  origin?: string;
  version?: number;
  fault?: string;
}

/** What a policy's reason says, in numbers; null = unknown, or nothing that it goes by. */
export interface Evidence {
  value: number | null;
  target: number | null;
  window_seconds: number | null;
  load: number | null; // nodes' worth of work
  forecast: number | null; // nodes wanted before rounding
  missed_percent: number | null; // of the last hour, in which more was needed than was forecast
  history?: "day" | "week" | null; // that it expects to repeat itself
  distrusted: boolean;
}

export interface TrialSums {
  hours: number; // that it is about
  node_hours: number;
  money: number | null; // null = the pool has no price
  bad_percent: number; // of the work, late or lost
}
export interface Trial {
  day: TrialSums;
  week: TrialSums;
}
export interface PolicySeat {
  pool: string;
  as_it_was: Trial | null;
  promotion: { policy: string; who: string; state: "probation" | "kept" | "rolled_back"; probation_until: string; reason: string } | null;
}

export interface Silence {
  id: string;
  rule: string; // "" = every rule
  labels?: Record<string, string>;
  until: string;
  who: string;
  comment: string;
}

export interface Status {
  cluster: string;
  version: string;
  uptime_seconds: number;
  pools: Pool[];
  rules: Rule[];
  store: { points_written: number; series: number; memory_bytes: number; disk_bytes: number };
}

export interface Node {
  id: string;
  pool: string;
  state: string;
  endpoint: string;
  created: string;
  ready_at: string | null;
  age_seconds: number;
  reason: string;
  protected: boolean;
  utilization: number | null;
  utilization_peak: number | null;
  in_flight: number | null;
  devices_ok: number | null;
  last_report: string | null;
  victim_rank: number;
  victim_reason: string;
  health?: string;
  standing?: string;
  drain?: string;
  drain_phase?: string;
  parked?: boolean;
}

export interface Entry {
  id: number;
  at: string;
  kind: string;
  pool: string;
  subject: string;
  correlation: string;
  summary: string;
  details: Record<string, unknown> | null;
}

export interface Channel {
  name: string;
  type: string;
  url?: string | null;
  trigger?: string | null;
  command?: string | null;
  resting_until?: string | null;
  origin?: string;
  version?: number;
  fault?: string;
}

export interface Delivery {
  id: number;
  channel: string;
  key: string;
  state_sent: string;
  state: string;
  attempts: number;
  created: string;
  next_attempt: string | null;
  finished: string | null;
  last_error: string;
  answer_status: number | null;
  answer: string;
  correlation: string;
}

export interface Trigger {
  name: string;
  pool: string;
  type: string;
  step: number;
  enabled: boolean;
  command?: string[]; // of type run
  url?: string; // of type call, redacted
  last?: { state: string; result: string } | null;
  origin?: string;
  version?: number;
  fault?: string;
}

/** A browser that is signed in. */
export interface OpenSession {
  id: string;
  who: string;
  peer: string;
  browser: string;
  opened: string;
  used: string;
  own: boolean;
}

export interface Token {
  id: number;
  name: string;
  scopes: string[];
  created: string;
}
