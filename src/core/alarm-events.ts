// 015 `alarm` and `event`: the same shape; one is told as an alarm, both carry states that are taken in. There is
// no alarm id and no clear flag in 015: an alarm is known by its resource and status.

import type { NetworkNode } from "../model/network.js"
import type { NodeEvent } from "../model/node.js"
import { appDisconnected } from "./app-events.js"
import { interfaceNews, linkNews } from "./topology-events.js"
import type { Turn } from "./turn.js"

type Alarm = Extract<NodeEvent, { kind: "alarm" | "event" }>

export function alarm(turn: Turn, node: NetworkNode, told: Alarm, atMs: number): void {
  const { qkdnId } = node
  const { resource } = told
  const because = told.message === undefined ? {} : { reason: told.message }
  if (told.kind === "alarm") tell(turn, node, told)
  switch (resource.kind) {
    case "link":
      if (resource.status !== undefined) {
        linkNews(turn, qkdnId, resource.qkdlId, { status: resource.status, atMs, ...because })
      }
      break
    case "interface":
      if (resource.status !== undefined) {
        interfaceNews(turn, node, resource.qkdiId, resource.status, atMs, told.message)
      }
      break
    case "app":
      if (resource.status === "DISCONNECTED") appDisconnected(turn, qkdnId, resource.appId)
      break
  }
}

function tell(turn: Turn, node: NetworkNode, { resource, severity, message }: Alarm): void {
  const [id, what] =
    resource.kind === "link"
      ? [resource.qkdlId, `link ${resource.qkdlId}`]
      : resource.kind === "interface"
        ? [node.qkdnId, `interface ${resource.qkdiId}`]
        : [resource.appId, `application ${resource.appId}`]
  const parts = [
    `${node.name}, ${what}`,
    resource.status === undefined ? "" : ` ${resource.status}`,
    severity === undefined ? "" : ` (${severity})`,
    message === undefined ? "" : `: ${message}`,
  ]
  turn.notify("log", "alarm", id, parts.join(""))
}
