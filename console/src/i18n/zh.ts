// SPDX-License-Identifier: Apache-2.0
import type { Key } from "./en";

export const zh: Record<Key, string> = {
  "nav.overview": "总览", "nav.nodes": "节点", "nav.explore": "查询", "nav.dashboards": "仪表盘", "nav.rules": "规则", "nav.activity": "活动",
  "nav.channels": "通知通道", "nav.triggers": "触发器", "nav.schedules": "定时计划", "nav.pools": "节点池", "nav.tokens": "令牌",
  "nav.more": "菜单", "nav.skip": "跳到正文",

  "top.theme.dark": "深色", "top.theme.light": "浅色", "top.theme": "切换浅色与深色", "top.language": "English",
  "top.language.label": "Switch to English", "top.signout": "退出登录", "top.as": "当前用户：{name}", "top.noauth": "无需登录（--no-auth）",

  "live.on": "实时", "live.off": "连接中断，正在重连", "live.old": "您看到的是 {age} 前的内容：服务器没有应答，正在重试。",
  "live.oldShort": "{age} 前",

  "signin.title": "登录 gpuscale", "signin.password": "管理员密码", "signin.token": "令牌", "signin.by": "登录方式",
  "signin.submit": "登录", "signin.wrong": "密码或令牌不对。管理员密码是 GPUSCALE_ADMIN_PASSWORD，或服务器首次启动时打印的那个。",
  "signin.away": "服务器没有应答。gpuscale serve 在运行吗？", "signin.ended": "会话已结束，您已退出。登录后回到原来的页面。",
  "signin.hint": "服务器首次启动时打印一次密码；也可用 GPUSCALE_ADMIN_PASSWORD 设定。",

  "common.refresh": "刷新", "common.loading": "加载中", "common.failed": "无法加载：{error}", "common.none": "无", "common.name": "名称",
  "common.state": "状态", "common.type": "类型", "common.pool": "节点池", "common.actions": "操作", "common.save": "保存", "common.cancel": "取消",
  "common.create": "新建", "common.delete": "删除", "common.edit": "编辑", "common.all": "全部", "common.copy": "复制", "common.copied": "已复制",
  "common.close": "关闭", "common.range": "时间范围", "common.now": "现在", "common.yes": "是", "common.no": "否", "common.search": "搜索",
  "common.declared": "来自配置文件", "common.declared.hint": "在服务器的配置文件中声明，请在那里修改。",
  "common.confirm": "确定吗？", "common.test": "测试", "common.more": "详情", "common.readonly": "您只能查看：修改需要 “{scope}” 权限。",
  "common.unsupported": "此服务器尚不支持在控制台中修改，请在配置文件中声明。",
  "common.created": "创建时间", "common.revoked": "已吊销", "common.done": "完成", "common.error": "错误", "common.lasts": "已持续 {age}",

  "range.5m": "5 分钟", "range.15m": "15 分钟", "range.1h": "1 小时", "range.6h": "6 小时", "range.24h": "24 小时", "range.7d": "7 天",

  "phase.steady": "稳定", "phase.scaling_out": "扩容中", "phase.scaling_in": "缩容中", "phase.degraded": "降级", "phase.held": "保持", "phase.unknown": "未知",

  "overview.utilization": "GPU 利用率", "overview.utilization.now": "当前 GPU 利用率", "overview.peak": "最忙的 GPU", "overview.mean": "全部 GPU 平均",
  "overview.chart": "集群 GPU 利用率", "overview.chart.hint": "虚线：规则的阈值。标记：每次扩缩容。拖选一段可放大，双击还原。",
  "overview.nodes": "节点", "overview.nodes.of": "就绪，期望 {desired}", "overview.nodes.bounds": "最少 {min}，最多 {max}", "overview.gpus": "工作中的 GPU",
  "overview.state": "状态", "overview.saturation": "每 GPU 排队请求", "overview.demand": "已处理请求", "overview.p99": "p99 延迟",
  "overview.hours": "今日 GPU 小时", "overview.hours.saved": "比一直运行 {max} 个节点节省 {saved}", "overview.activity": "发生了什么，为什么",
  "overview.activity.all": "全部活动", "overview.cooldown.out": "扩容冷却还剩 {age}", "overview.cooldown.in": "缩容冷却还剩 {age}",
  "overview.size": "就绪节点", "overview.mark.out": "扩至 {to}", "overview.mark.in": "缩至 {to}", "overview.rules": "规则",
  "overview.empty.title": "还没有 GPU 上报",
  "overview.empty": "在每个 GPU 节点上启动 agent；没有 GPU 时可以用虚拟 GPU 或演示。在“令牌”页创建带 write 权限的令牌。",
  "overview.nopool": "没有配置节点池。在配置文件的 pools: 下声明一个，再用 --config 启动服务器。",
  "overview.served": "{n}/秒",

  "nodes.title": "节点", "nodes.heat": "每块 GPU 的利用率", "nodes.heat.aria": "{n} 块 GPU：{busy} 块高于 80 %，{idle} 块低于 10 %，{dark} 块没有上报",
  "nodes.heat.legend": "0 %", "nodes.heat.none": "未上报", "nodes.id": "节点", "nodes.age": "存在时间", "nodes.load": "GPU 负载", "nodes.peak": "峰值",
  "nodes.inflight": "处理中", "nodes.devices": "GPU 数", "nodes.health": "最近上报", "nodes.victim": "缩容顺序", "nodes.protected": "受保护",
  "nodes.empty.title": "没有节点", "nodes.empty": "节点池会自行启动节点；您自己启动的 agent 上报后也会显示。",
  "nodes.why": "原因", "nodes.filter": "按名称或状态筛选",
  "node.protect": "保护", "node.unprotect": "取消保护", "node.release": "释放", "node.drain": "排空",
  "node.protect.ask": "缩容时永不移除 {id}？", "node.unprotect.ask": "允许缩容再次移除 {id}？",
  "node.release.ask": "排空并结束 {id}？", "node.release.more": "它会完成已接受的请求，不再接受新的。如果节点池仍需要同样多的节点，会另外启动一个。",
  "node.undrain": "收回", "node.drain.ask": "让 {id} 不再接受新工作？", "node.undrain.ask": "收回 {id}？", "node.drain.more": "它会完成手上的工作并保留；节点池会另起一个代替。", "node.health": "健康",
  "node.next": "下一个会被移除", "node.notnext": "不会下一个被移除：排第 {rank}", "node.never": "不会被移除",
  "node.life": "它的历程", "node.gone": "此节点已不存在。下面是它留下的记录。", "node.charts": "它的 GPU 在做什么", "node.noCharts": "此时间段内该节点没有上报 GPU。",
  "node.back": "全部节点",

  "field.utilization_gpu": "GPU 利用率", "field.queue_depth": "排队请求", "field.memory_used_bytes": "已用显存", "field.utilization_memory": "显存带宽利用率",
  "field.power_watts": "功率", "field.temperature_celsius": "温度", "field.sm_clock_mhz": "SM 时钟", "field.requests": "每次上报的请求数", "field.latency_p50_ms": "延迟中位数",
  "field.latency_p99_ms": "p99 延迟", "field.in_flight": "处理中的请求",

  "activity.title": "活动", "activity.kind": "种类", "activity.filter": "筛选", "activity.episode": "只看此事件链", "activity.episode.all": "全部事件",
  "activity.why": "为什么", "activity.empty.title": "还没有发生任何事", "activity.empty": "决策、调用及其结果会随时记录在这里。",
  "activity.kinds.all": "全部", "activity.kinds.rule": "规则", "activity.kinds.message": "消息", "activity.kinds.trigger": "触发器",
  "activity.kinds.pool": "节点池", "activity.kinds.node": "节点", "activity.kinds.token": "人员与令牌", "activity.from": "{from} → {to}",
  "activity.clipped": "受 {bound} 限制", "activity.ranking": "本可移除的节点", "activity.inputs": "输入", "activity.raw": "账本原文",
  "activity.newest": "最新 {n} 条", "activity.more": "显示更多",

  "explore.title": "查询", "explore.run": "执行", "explore.query": "查询语句（InfluxQL）", "explore.chart": "图表", "explore.table": "表格", "explore.csv": "CSV",
  "explore.png": "PNG", "explore.share": "复制地址", "explore.hint": "Ctrl+Enter 执行；Tab 采用建议；$timeFilter 代表时间范围，$__interval 代表间隔。",
  "explore.empty": "此范围内没有结果。", "explore.bounded": "还有 {left} 条序列没有绘出。", "explore.rows": "{n} 行", "explore.rows.cut": "共 {all} 行，显示前 {n} 行",
  "explore.examples": "示例", "explore.took": "{n} 条序列，用时 {ms} 毫秒", "explore.error": "查询语句此处有误：", "explore.suggest": "建议", "explore.measurements": "测量",

  "dash.edit": "仪表盘 JSON", "dash.hint": "保存在此浏览器中；复制文本可带走，粘贴文本可带入。换一个名称即为新仪表盘。", "dash.add": "加入仪表盘", "dash.added": "已加入 {name}",

  "rules.title": "规则", "rules.empty.title": "没有规则", "rules.empty": "规则把 GPU 的上报与阈值比较，并触发扩缩容。在这里新建，或在配置文件的 rules: 下声明。",
  "rules.inactive": "正常", "rules.pending": "待定", "rules.firing": "告警", "rules.no_data": "无数据", "rules.error": "出错", "rules.paused": "已暂停",
  "rules.condition": "条件", "rules.sees": "看到", "rules.since": "开始于", "rules.threshold": "阈值", "rules.threshold.aria": "{term} 的阈值：拖动或用方向键调整",
  "rules.preview": "在此范围内会告警 {n} 次（占 {share} 的时间）。", "rules.preview.none": "在此范围内不会告警。",
  "rules.preview.blind": "{all} 次检查中有 {n} 次没有数据。",
  "rules.changed": "未保存：{from} → {to}", "rules.reset": "撤销", "rules.new": "新建规则", "rules.notify": "通知", "rules.every": "检查间隔",
  "rules.for": "需持续", "rules.repeat": "重复间隔", "rules.query": "查询", "rules.history": "历史", "rules.mute": "暂停", "rules.unmute": "恢复",
  "rules.conflict": "其他人刚刚修改了这条规则。您的内容还在这里；覆盖之前请先看看他们的修改。", "rules.back": "全部规则",
  "rules.silence": "静默", "rules.silenced": "静默至 {until}（{who}）：{comment}", "rules.silence.lift": "结束静默", "rules.muted": "不发通知：{by}", "rules.instances": "逐条序列", "rules.value": "值",
  "rules.copy": "配置文件中的写法", "rules.declared": "这条规则在配置文件中声明，在这里只读。可以先试一试阈值，再把这一行复制到文件里。",
  "rules.notfound": "没有（或不再有）这个名称的规则。", "rules.chart": "规则看到的数据",

  "channels.title": "通知通道", "channels.empty.title": "没有通知通道", "channels.empty": "通知通道把规则的消息送到我们的触发器或任意 webhook。",
  "channels.to": "送往", "channels.deliveries": "投递记录", "channels.attempts": "尝试次数", "channels.answer": "应答", "channels.replay": "重新发送", "channels.dead": "死信", "channels.dead.none": "全部已送达。", "channels.resting": "失败后休息至 {until}", "channels.new": "新建通道",
  "channels.test.sent": "已发送；接收方应答 {status}", "channels.none": "还没有发送过。", "channels.created": "写入时间", "channels.url": "URL", "channels.trigger": "触发器",

  "triggers.title": "触发器", "triggers.empty.title": "没有触发器", "triggers.empty": "触发器是一个让节点池扩容或缩容的 URL：供规则、Grafana、Alertmanager、cron 或 curl 调用。",
  "triggers.step": "步长", "triggers.enabled": "启用", "triggers.new": "新建触发器", "triggers.rotate": "更换密钥", "triggers.rotate.ask": "为 {name} 更换密钥？使用旧密钥的调用从此被拒绝。",
  "triggers.secret": "{name} 的密钥", "triggers.secret.once": "密钥只显示这一次。关闭之前请先保存到使用它的地方。", "triggers.scale_out": "扩容", "triggers.scale_in": "缩容",
  "triggers.enable": "启用", "triggers.disable": "停用", "triggers.url": "调用方式", "triggers.pull": "触发", "triggers.pull.ask": "现在触发 {name}，如同它被调用？",

  "schedules.title": "定时计划", "schedules.empty.title": "没有定时计划", "schedules.empty": "定时计划按 cron 时间调整节点池的上下限或规模，例如工作日早晨增加节点。",
  "schedules.cron": "时间（cron）", "schedules.zone": "时区", "schedules.set": "设定", "schedules.holds": "正在生效，至 {until}", "schedules.mute": "静默 {what}", "schedules.lasts": "持续 {for}", "schedules.last": "上次", "schedules.off": "停用", "schedules.next": "下次", "schedules.new": "新建计划",

  "pools.title": "节点池", "pools.empty.title": "没有节点池", "pools.provider": "提供者", "pools.bounds": "上下限", "pools.desired": "期望", "pools.set": "设定规模",
  "pools.set.done": "节点池 {name}：{reason}", "pools.counts": "当前", "pools.cooldown": "冷却", "pools.policy": "策略", "pools.policy.rules": "仅规则与触发器",
  "pools.ready": "{n} 就绪", "pools.launching": "{n} 启动中", "pools.booting": "{n} 引导中", "pools.draining": "{n} 排空中", "pools.size": "节点池 {name} 的期望节点数",

  "tokens.title": "令牌", "tokens.empty.title": "没有令牌", "tokens.empty": "agent 用带 write 权限的令牌上报；只查看的人和程序需要 read。",
  "tokens.scopes": "权限", "tokens.new": "新建令牌", "tokens.revoke": "吊销", "tokens.revoke.ask": "吊销 {name}？使用它的调用从此被拒绝。",
  "tokens.token": "令牌 {name}", "tokens.command": "用此令牌启动 agent：", "tokens.roles": "查看者：read。操作员：read、trigger。管理员：admin。",

  "rules.preview.unread": "无预览：条件还无法读懂。", "rules.preview.grafana": "无预览：此规则按 Grafana 4.4 的方式判定。", "rules.preview.facts": "节点数按当前值计算。", "rules.preview.coarse": "按 {bucket} 的间隔查看，比规则本身更粗。",
  "rules.misread": "第 {line} 行第 {column} 列：{text}", "rules.silence.ask": "{name} 静默多久？状态照常判定。", "rules.silence.for": "时长", "rules.silence.comment": "原因（他人可见）", "nav.policies": "策略",
  "policies.title": "策略", "policies.empty.title": "没有策略", "policies.empty": "策略每隔几秒给出节点池应有的节点数；没有策略时仅由规则和触发器决定。在配置文件的 policies: 下声明；shadow: true 时只出主意，不执行。", "policies.live": "生效",
  "policies.shadow": "影子", "policies.shadow.hint": "只出主意，不执行。", "policies.decides": "当前由它决定", "policies.decides.hint": "生效的策略中，扩容取最大值，缩容须一致同意。", "policies.want": "期望",
  "policies.want.asis": "保持不变", "policies.is": "节点池现有 {n} 个，期望 {desired} 个（最少 {min}，最多 {max}）。", "policies.kind": "种类", "policies.boot": "启动耗时", "policies.boot.unknown": "尚未学到",
  "policies.load": "负载", "policies.forecast": "预测", "policies.nodes": "{n} 个节点", "policies.score": "近一小时低估", "policies.distrusted": "预测不准：至少按目标跟踪", "policies.reason": "为什么",
  "policies.decided": "最近的决定", "policies.decided.none": "最近没有策略调整过此节点池。", "overview.lost": "丢失的请求", "overview.lost.n": "近一分钟 {n} 个", "node.gpus": "它的 GPU",
  "node.model": "型号", "node.saturation": "饱和度", "node.doubt": "存疑", "node.sampler": "采样器", "node.processes": "进程与 Pod", "node.processes.where": "占用显存的进程不保存在服务器上，由 agent 在自己的端口上提供：",
  "node.processes.unknown": "此节点的 agent 没有自己的端口（--listen），无法询问谁占用显存。", "schedules.calendar": "日历",
  "silences.title": "静默", "silences.all": "全部规则", "silences.until": "直到", "silences.who": "操作人",
  "silences.comment": "原因",

  "field.saturation": "饱和度",

  "chart.aria": "{what} 图表；最新值 {value}", "chart.none": "此范围内没有数据", "chart.time": "时间",
  "notfound.title": "没有这个页面", "broken.title": "此页面出错了", "broken.text": "其他部分仍可使用。错误：{error}", "broken.again": "重试",
};
