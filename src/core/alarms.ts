// What is wrong with the network, read off the network itself: an alarm stands exactly as long as its cause. Changes
// nothing. (015 has neither alarm ids nor a clear flag; alarms that nodes raise are told as they come, and what they
// say of states is in the network and so here.)

import type { Alarm } from "../model/alarm.js"
import { type BulkOrder, deliveredBits, isOpen } from "../model/bulk-order.js"
import type { NetworkLink, NetworkNode } from "../model/network.js"
import type { Service } from "../model/service.js"

function alarm(
  resource: Alarm["resource"],
  resourceId: string,
  type: Alarm["type"],
  severity: Alarm["severity"],
  message: string,
  more: { readonly since?: string | undefined; readonly qkdiId?: number } = {},
): Alarm {
  const { since, qkdiId } = more
  const id = qkdiId === undefined ? resourceId : `${resourceId}/${qkdiId}`
  return {
    alarmId: `${type}:${id}`,
    resource,
    resourceId,
    type,
    severity,
    message,
    ...(qkdiId === undefined ? {} : { qkdiId }),
    ...(since === undefined ? {} : { since }),
  }
}

export function nodeAlarms(node: NetworkNode): Alarm[] {
  const { qkdnId, name, reach, reachReason, status, syncFault, drift, interfaces } = node
  const { interfacesOut = [] } = node
  const found: Alarm[] = []
  const because = reachReason === undefined ? "" : `: ${reachReason}`
  // A node in maintenance may be gone, and modules off, as planned; if they still are afterwards, it is told then.
  const planned = node.maintenance !== undefined
  if (!planned && reach === "unmanaged") {
    found.push(alarm("node", qkdnId, "node-unmanaged", "MAJOR", `${name} is not managed${because}`))
  } else if (
    !planned &&
    (reach === "unreachable" || (reach === "connecting" && reachReason !== undefined))
  ) {
    found.push(
      alarm("node", qkdnId, "node-unreachable", "MAJOR", `${name} is not reached${because}`),
    )
  }
  if (!planned && (status === "DOWN" || status === "FAILURE" || status === "OUT")) {
    found.push(alarm("node", qkdnId, "node-down", "MAJOR", `${name} reports ${status}`))
  }
  if (syncFault !== undefined) {
    const message = `${name} is not what it should be: ${syncFault}`
    found.push(alarm("node", qkdnId, "node-out-of-sync", "MAJOR", message))
  }
  if (drift !== undefined) {
    const [first] = drift.differences
    const what = first === undefined ? "" : `: ${first.kind} ${first.id} ${first.change}`
    const message = `somebody else has changed ${name}${what}`
    found.push(alarm("node", qkdnId, "node-drifted", "MAJOR", message, { since: drift.since }))
  }
  for (const { qkdiId, status: state } of interfaces) {
    if (planned || state !== "FAILED" || interfacesOut.includes(qkdiId)) continue
    const message = `interface ${qkdiId} of ${name} has failed`
    found.push(alarm("interface", qkdnId, "interface-failed", "MAJOR", message, { qkdiId }))
  }
  return found
}

export function linkAlarms(link: NetworkLink): Alarm[] {
  const { qkdlId, name = qkdlId, enabled, status, reason, changedAt, performance } = link
  // That it is down is as planned; if it still is afterwards, it is told then.
  if (!enabled || link.maintenance?.stage === "out") return []
  if (status !== "ACTIVE") {
    if (link.rests !== undefined) return []
    const because = reason === undefined ? "" : `: ${reason}`
    const message = `link ${name} is ${status}${because}`
    const severity = status === "PENDING" ? "MINOR" : "MAJOR"
    return [alarm("link", qkdlId, "link-down", severity, message, { since: changedAt })]
  }
  const found = doubtAlarms(link)
  const made = performance.eskrBps ?? performance.skrBps
  const wanted = performance.expectedConsumptionBps
  if (made === undefined || wanted === undefined || wanted <= made) return found
  const message = `link ${name}: more key wanted than made`
  return [...found, alarm("link", qkdlId, "link-overloaded", "MINOR", message)]
}

/** One end lies or is broken; which one, the network cannot know (THREATS R4). */
function doubtAlarms({ qkdlId, name = qkdlId, a, b, doubt }: NetworkLink): Alarm[] {
  if (doubt?.stands !== true) return []
  const told = (qber: number, { qkdnId }: { readonly qkdnId: string }): string =>
    `${(100 * qber).toFixed(1)} % at ${qkdnId}`
  const message = `link ${name}: its ends tell different error rates, ${told(doubt.qberA, a)} and ${told(doubt.qberB, b)}`
  const since = new Date(doubt.sinceMs).toISOString()
  return [alarm("link", qkdlId, "link-doubted", "MAJOR", message, { since })]
}

export function serviceAlarms(service: Service): Alarm[] {
  const { serviceId, state, reason, a, b } = service
  if (state !== "failed" && state !== "degraded") return []
  const because = reason === undefined ? "" : `: ${reason}`
  const message = `${a.saeId} and ${b.saeId}: service ${state}${because}`
  const type = state === "failed" ? "service-failed" : "service-degraded"
  return [alarm("application", serviceId, type, state === "failed" ? "MAJOR" : "MINOR", message)]
}

/** Of an order that was promised in time. */
export function orderAlarms(order: BulkOrder): Alarm[] {
  const { orderId, from, to, late, bestEffort, deadline, forecast, volumeBits } = order
  if (!isOpen(order) || !late || bestEffort) return []
  const when = forecast === undefined ? "nobody can say when" : `forecast ${forecast}`
  const message = `${from.saeId} to ${to.saeId}: ${deliveredBits(order)} of ${volumeBits} bits, due ${deadline}, ${when}`
  return [alarm("order", orderId, "order-late", "MAJOR", message)]
}
