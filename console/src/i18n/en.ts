// SPDX-License-Identifier: Apache-2.0
/** Every text of the console. {name} is filled in by t(). zh.ts has the same keys. */
export const en = {
  "nav.overview": "Overview", "nav.nodes": "Nodes", "nav.explore": "Explore", "nav.dashboards": "Dashboards", "nav.rules": "Rules", "nav.activity": "Activity",
  "nav.channels": "Channels", "nav.triggers": "Triggers", "nav.schedules": "Schedules", "nav.pools": "Pools", "nav.tokens": "Tokens",
  "nav.more": "Menu", "nav.skip": "Skip to content",

  "top.theme.dark": "Dark", "top.theme.light": "Light", "top.theme": "Switch between light and dark", "top.language": "中文",
  "top.language.label": "切换到简体中文", "top.signout": "Sign out", "top.as": "Signed in as {name}", "top.noauth": "No sign-in needed (--no-auth)",

  "live.on": "Live", "live.off": "Not live: reconnecting", "live.old": "What you see is {age} old: the server does not answer. Trying again.",
  "live.oldShort": "{age} old",

  "signin.title": "Sign in to gpuscale", "signin.password": "Admin password", "signin.token": "Token", "signin.by": "Sign in with",
  "signin.submit": "Sign in", "signin.wrong": "That did not fit. The admin's password is GPUSCALE_ADMIN_PASSWORD, or the one printed when the server first started.",
  "signin.away": "The server does not answer. Is gpuscale serve running?", "signin.ended": "You have been signed out (the session ended). Sign in to go on where you were.",
  "signin.hint": "The server prints the password once, at its first start; GPUSCALE_ADMIN_PASSWORD sets it.",

  "common.refresh": "Refresh", "common.loading": "Loading", "common.failed": "Could not load: {error}", "common.none": "none", "common.name": "Name",
  "common.state": "State", "common.type": "Type", "common.pool": "Pool", "common.actions": "Actions", "common.save": "Save", "common.cancel": "Cancel",
  "common.create": "Create", "common.delete": "Delete", "common.edit": "Edit", "common.all": "all", "common.copy": "Copy", "common.copied": "Copied",
  "common.close": "Close", "common.range": "Time range", "common.now": "now", "common.yes": "yes", "common.no": "no", "common.search": "Search",
  "common.declared": "from the config file", "common.declared.hint": "Declared in the server's config file: change it there.",
  "common.confirm": "Really?", "common.test": "Test", "common.more": "Details", "common.readonly": "You may look, but not change this: it needs the scope \"{scope}\".",
  "common.unsupported": "This server does not take that from the console yet; declare it in the config file.",
  "common.created": "Made", "common.revoked": "Revoked", "common.done": "Done", "common.error": "Error", "common.lasts": "for {age}",

  "range.5m": "5 min", "range.15m": "15 min", "range.1h": "1 h", "range.6h": "6 h", "range.24h": "24 h", "range.7d": "7 days",

  "phase.steady": "Steady", "phase.scaling_out": "Scaling out", "phase.scaling_in": "Scaling in", "phase.degraded": "Degraded", "phase.held": "Held", "phase.unknown": "Unknown",

  "overview.utilization": "GPU utilisation", "overview.utilization.now": "GPU utilisation now", "overview.peak": "Busiest GPU", "overview.mean": "Mean of all GPUs",
  "overview.chart": "Cluster GPU utilisation", "overview.chart.hint": "Dashed: the rules' thresholds. Marked: each scaling. Drag over a stretch to zoom, double-click to go back.",
  "overview.nodes": "Nodes", "overview.nodes.of": "ready, {desired} wanted", "overview.nodes.bounds": "min {min}, max {max}", "overview.gpus": "GPUs at work",
  "overview.state": "State", "overview.saturation": "Waiting requests per GPU", "overview.demand": "Requests served", "overview.p99": "p99 latency",
  "overview.hours": "GPU-hours today", "overview.hours.saved": "{saved} saved against always running {max} nodes", "overview.activity": "What happened, and why",
  "overview.activity.all": "All activity", "overview.cooldown.out": "scale-out waits {age}", "overview.cooldown.in": "scale-in waits {age}",
  "overview.size": "Nodes ready", "overview.mark.out": "out to {to}", "overview.mark.in": "in to {to}", "overview.rules": "Rules",
  "overview.empty.title": "No GPU has reported yet",
  "overview.empty": "Start an agent on each GPU node; without a GPU, try a virtual one or the demo. A token with the scope write is made under Tokens.",
  "overview.nopool": "No pool is configured. Declare one in the config file under pools:, then start the server with --config.",
  "overview.served": "{n}/s",

  "nodes.title": "Nodes", "nodes.heat": "Every GPU, by its utilisation", "nodes.heat.aria": "{n} GPUs: {busy} above 80 %, {idle} under 10 %, {dark} not reporting",
  "nodes.heat.legend": "0 %", "nodes.heat.none": "no report", "nodes.id": "Node", "nodes.age": "Age", "nodes.load": "GPU load", "nodes.peak": "Peak",
  "nodes.inflight": "In flight", "nodes.devices": "GPUs", "nodes.health": "Last report", "nodes.victim": "Scale-in order", "nodes.protected": "protected",
  "nodes.empty.title": "No nodes", "nodes.empty": "A pool launches its nodes by itself; agents that you start yourself are shown once they report.",
  "nodes.why": "Why", "nodes.filter": "Filter by name or state",
  "node.protect": "Protect", "node.unprotect": "Unprotect", "node.release": "Release", "node.drain": "Drain",
  "node.protect.ask": "Never take {id} in a scale-in?", "node.unprotect.ask": "Let scale-in take {id} again?",
  "node.release.ask": "Drain {id} and end it?", "node.release.more": "It finishes what it has accepted and takes nothing new. If the pool wants as many nodes as now, another is launched.",
  "node.undrain": "Take back", "node.drain.ask": "Let {id} take no new work?", "node.undrain.ask": "Take {id} back?", "node.drain.more": "It finishes what it has and stays; the pool replaces it meanwhile.", "node.health": "Health",
  "node.next": "Would be taken next", "node.notnext": "Would not be taken next: place {rank}", "node.never": "Not taken",
  "node.life": "Its life", "node.gone": "This node is gone. What it left behind is below.", "node.charts": "What its GPUs do", "node.noCharts": "This node has reported no GPU in this stretch of time.",
  "node.back": "All nodes",

  "field.utilization_gpu": "GPU utilisation", "field.queue_depth": "Waiting requests", "field.memory_used_bytes": "GPU memory in use", "field.utilization_memory": "Memory bandwidth in use",
  "field.power_watts": "Power", "field.temperature_celsius": "Temperature", "field.sm_clock_mhz": "SM clock", "field.requests": "Requests per report", "field.latency_p50_ms": "Latency, median",
  "field.latency_p99_ms": "Latency, p99", "field.in_flight": "Requests in flight",

  "activity.title": "Activity", "activity.kind": "Kind", "activity.filter": "Filter", "activity.episode": "Only this episode", "activity.episode.all": "All episodes",
  "activity.why": "Why", "activity.empty.title": "Nothing has happened yet", "activity.empty": "Decisions, calls and their effects are written here as they happen.",
  "activity.kinds.all": "everything", "activity.kinds.rule": "rules", "activity.kinds.message": "messages", "activity.kinds.trigger": "triggers",
  "activity.kinds.pool": "pools", "activity.kinds.node": "nodes", "activity.kinds.token": "people and tokens", "activity.from": "{from} → {to}",
  "activity.clipped": "clipped by {bound}", "activity.ranking": "Who could have gone", "activity.inputs": "Inputs", "activity.raw": "As the ledger has it",
  "activity.newest": "the newest {n}", "activity.more": "Show more",

  "explore.title": "Explore", "explore.run": "Run", "explore.query": "Query (InfluxQL)", "explore.chart": "Chart", "explore.table": "Table", "explore.csv": "CSV",
  "explore.png": "PNG", "explore.share": "Copy address", "explore.hint": "Ctrl+Enter runs; Tab takes the suggestion; $timeFilter stands for the range, $__interval for its bucket.",
  "explore.empty": "The query found nothing in this range.", "explore.bounded": "{left} more series are not drawn.", "explore.rows": "{n} rows", "explore.rows.cut": "the first {n} of {all} rows",
  "explore.examples": "Examples", "explore.took": "{n} series in {ms} ms", "explore.error": "The query is wrong here:", "explore.suggest": "Suggestions", "explore.measurements": "Measurements",

  "dash.edit": "Dashboard as JSON", "dash.hint": "This browser keeps it; copy the text to bring it along, paste one to bring it here. Another name makes another dashboard.", "dash.add": "Add to a dashboard", "dash.added": "Added to {name}",

  "rules.title": "Rules", "rules.empty.title": "No rules", "rules.empty": "A rule compares what GPUs report with a threshold and pulls a trigger. Make one here, or declare it in the config file under rules:.",
  "rules.inactive": "OK", "rules.pending": "Pending", "rules.firing": "Firing", "rules.no_data": "No data", "rules.error": "Error", "rules.paused": "Paused",
  "rules.condition": "Condition", "rules.sees": "It sees", "rules.since": "Since", "rules.threshold": "Threshold", "rules.threshold.aria": "Threshold of {term}: drag, or use the arrow keys",
  "rules.preview": "Over this range it would have fired {n} times ({share} of the time).", "rules.preview.none": "Over this range it would not have fired.",
  "rules.preview.blind": "{n} of {all} looks had no data.",
  "rules.changed": "Not saved: {from} → {to}", "rules.reset": "Undo", "rules.new": "New rule", "rules.notify": "Tells", "rules.every": "Looks every",
  "rules.for": "Must hold for", "rules.repeat": "Repeats every", "rules.query": "Query", "rules.history": "History", "rules.mute": "Pause", "rules.unmute": "Resume",
  "rules.conflict": "Somebody else has changed this rule meanwhile. Your text is kept here; look at theirs before you save over it.", "rules.back": "All rules",
  "rules.silence": "Silence", "rules.silenced": "Silenced until {until} by {who}: {comment}", "rules.silence.lift": "End the silence", "rules.muted": "Tells nobody: {by}", "rules.instances": "Series by series", "rules.value": "Value",
  "rules.copy": "As the config file would have it", "rules.declared": "This rule is declared in the config file and read-only here. Try a threshold out, then copy the line into the file.",
  "rules.notfound": "There is no rule of that name (any more).", "rules.chart": "What the rule looks at",

  "channels.title": "Channels", "channels.empty.title": "No channels", "channels.empty": "A channel carries a rule's message to a trigger of ours or to any webhook.",
  "channels.to": "Goes to", "channels.deliveries": "Deliveries", "channels.attempts": "Attempts", "channels.answer": "Answer", "channels.replay": "Send again", "channels.dead": "Dead letters", "channels.dead.none": "Everything was delivered.", "channels.resting": "rests until {until} after failures", "channels.new": "New channel",
  "channels.test.sent": "Sent; the receiver answered {status}", "channels.none": "Nothing was sent yet.", "channels.created": "Written", "channels.url": "URL", "channels.trigger": "Trigger",

  "triggers.title": "Triggers", "triggers.empty.title": "No triggers", "triggers.empty": "A trigger is a URL that grows or shrinks a pool: for rules, Grafana, Alertmanager, cron or curl.",
  "triggers.step": "Step", "triggers.enabled": "Enabled", "triggers.new": "New trigger", "triggers.rotate": "New secret", "triggers.rotate.ask": "Give {name} a new secret? Whoever calls with the old one is refused from then on.",
  "triggers.secret": "The secret of {name}", "triggers.secret.once": "This is the only time it is shown. Put it where it is used before you close this.", "triggers.scale_out": "scale out", "triggers.scale_in": "scale in",
  "triggers.enable": "Enable", "triggers.disable": "Disable", "triggers.url": "Call it", "triggers.pull": "Pull", "triggers.pull.ask": "Pull {name} now, as if it had been called?",

  "schedules.title": "Schedules", "schedules.empty.title": "No schedules", "schedules.empty": "A schedule changes a pool's bounds or size at set times (cron), for example more nodes on working mornings.",
  "schedules.cron": "When (cron)", "schedules.zone": "Time zone", "schedules.set": "Sets", "schedules.holds": "holds now, until {until}", "schedules.mute": "mutes {what}", "schedules.lasts": "for {for}", "schedules.last": "Last", "schedules.off": "off", "schedules.next": "Next", "schedules.new": "New schedule",

  "pools.title": "Pools", "pools.empty.title": "No pools", "pools.provider": "Provider", "pools.bounds": "Bounds", "pools.desired": "Wanted", "pools.set": "Set the size",
  "pools.set.done": "Pool {name}: {reason}", "pools.counts": "Now", "pools.cooldown": "Cooldown", "pools.policy": "Policy", "pools.policy.rules": "rules and triggers only",
  "pools.ready": "{n} ready", "pools.launching": "{n} launching", "pools.booting": "{n} booting", "pools.draining": "{n} draining", "pools.size": "Wanted nodes of pool {name}",

  "tokens.title": "Tokens", "tokens.empty.title": "No tokens", "tokens.empty": "Agents send with a token of the scope write; people and programs that only look need read.",
  "tokens.scopes": "Scopes", "tokens.new": "New token", "tokens.revoke": "Revoke", "tokens.revoke.ask": "Revoke {name}? Whoever uses it is refused from now on.",
  "tokens.token": "The token {name}", "tokens.command": "An agent with this token:", "tokens.roles": "Viewer: read. Operator: read, trigger. Admin: admin.",

  "rules.preview.unread": "No preview: the condition cannot be read yet.", "rules.preview.grafana": "No preview: the rule decides as Grafana 4.4 does.",
  "rules.preview.facts": "Counts of nodes are taken as they are now.", "rules.preview.coarse": "Looked at in buckets of {bucket}, wider than the rule's own.",
  "rules.misread": "Line {line}, column {column}: {text}", "rules.silence.ask": "How long shall {name} tell nobody? Its states go on.", "rules.silence.for": "For",
  "rules.silence.comment": "Why (others see it)", "nav.policies": "Policies", "policies.title": "Policies", "policies.empty.title": "No policies",
  "policies.empty": "A policy says every few seconds how many nodes its pool should have; without one, rules and triggers alone decide. Declare one in the config file under policies:; with shadow: true it only thinks aloud.",
  "policies.live": "heard", "policies.shadow": "shadow", "policies.shadow.hint": "It thinks aloud and is not heard.", "policies.decides": "decides now",
  "policies.decides.hint": "Of the policies that are heard, the largest wish wins growth, and all must agree to shrink.", "policies.want": "Wants", "policies.want.asis": "as it is",
  "policies.is": "The pool has {n} of {desired} wanted (min {min}, max {max}).", "policies.kind": "Kind", "policies.boot": "Boots take", "policies.boot.unknown": "not learned yet",
  "policies.load": "Load", "policies.forecast": "Forecast", "policies.nodes": "{n} nodes", "policies.score": "Missed in the last hour",
  "policies.distrusted": "the forecast is bad: target tracking at least", "policies.reason": "Why", "policies.decided": "Decided lately",
  "policies.decided.none": "No policy has moved this pool lately.", "overview.lost": "Lost requests", "overview.lost.n": "{n} in the last minute",
  "node.gpus": "Its GPUs", "node.model": "Model", "node.saturation": "Saturation", "node.doubt": "In doubt", "node.sampler": "Sampler", "node.processes": "Processes and pods",
  "node.processes.where": "Who holds device memory is not stored here; the agent tells it itself, on its own port:",
  "node.processes.unknown": "This node's agent has no port of its own (--listen), so nobody can ask it who holds device memory.", "schedules.calendar": "Calendar",
  "silences.title": "Silences",
  "silences.all": "every rule", "silences.until": "Until", "silences.who": "By", "silences.comment": "Why",

  "field.saturation": "Saturation",

  "chart.aria": "Chart of {what}; newest {value}", "chart.none": "No data in this range", "chart.time": "Time",
  "notfound.title": "There is no such page", "broken.title": "This page broke", "broken.text": "The rest still works. What went wrong: {error}", "broken.again": "Try again",
};
export type Key = keyof typeof en;
