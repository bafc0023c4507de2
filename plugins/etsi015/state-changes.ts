// What a node pushes of its statuses (RFC 8641), as the events of 015 would have told it. What cannot be placed makes
// the node be read again.

import {
  type ChangeEdit,
  childrenOf,
  type NodeEvent,
  nodeEventFromNotification,
  textOf,
  type XmlElement,
} from "../../src/plugin/index.js"
import { NODE_NS } from "./wire.js"

const RESYNC: NodeEvent = { kind: "resync" }

/** A link's or an interface's entry, or its status alone; targets are as in RESTCONF. */
const ENTRY =
  /^\/[\w.-]+:qkd_node\/(?:qkd_links\/(qkd_link)|qkd_interfaces\/(qkd_interface))=([^/,]+)(?:\/(qkd[il]_status))?$/

/** In their order; the node is read once at most. */
export function eventsOfChanges(edits: readonly ChangeEdit[]): readonly NodeEvent[] {
  const events = edits.map(eventOf).filter((event) => event !== undefined)
  const known = events.filter((event) => event !== RESYNC)
  return known.length === events.length ? known : [...known, RESYNC]
}

/** Undefined for what is told otherwise: that configuration is gone (config-news.ts). */
function eventOf({ operation, target, value }: ChangeEdit): NodeEvent | undefined {
  const [, link, , key, leaf] = ENTRY.exec(target) ?? []
  if (key !== undefined && leaf === undefined && /^(delete|remove)$/.test(operation))
    return link === undefined ? { kind: "interface-out", qkdiId: Number(key) } : undefined
  const status = leaf === undefined ? statusIn(value) : value
  if (key === undefined || status === undefined || status.ns !== NODE_NS) return RESYNC
  const id = decodeURIComponent(key)
  const said =
    link === undefined
      ? { interface: { qkdi_id: Number(id), qkdi_status: textOf(status).trim() } }
      : { link: { qkdl_id: id, qkdl_status: textOf(status).trim() } }
  try {
    const event = nodeEventFromNotification("event", said)
    return event?.kind === "event" && event.resource.status !== undefined ? event : RESYNC
  } catch {
    // No id or no status of the model: reading the node will say where.
    return RESYNC
  }
}

function statusIn(entry: XmlElement | undefined): XmlElement | undefined {
  return entry && childrenOf(entry).find(({ name }) => /^qkd[il]_status$/.test(name))
}
