// Entries of keyloom-maintenance as XML, for tests. Holds no assertions.

import { linkId, NETWORK_NS, nodeId } from "./network-site.js"

export const MAINTENANCE_NS = "urn:keyloom:yang:keyloom-maintenance"

export interface WindowLeaves {
  readonly link?: string
  readonly node?: string
  readonly begin?: string
  readonly end?: string
  readonly reason?: string
}

export function windowId(n: number): string {
  return `dddddddd-0000-4000-8000-${String(n).padStart(12, "0")}`
}

/** A whole entry has a link or a node, and an end; a reason it is given. */
export function windowXml(n: number, leaves: WindowLeaves, attributes = ""): string {
  const { link, node, begin, end, reason = end === undefined ? undefined : "splice" } = leaves
  const leaf = (name: string, value: string | undefined): string =>
    value === undefined ? "" : `<${name}>${value}</${name}>`
  return [
    `<window ${attributes}><maintenance_id>${windowId(n)}</maintenance_id>`,
    leaf("phys_link_id", link && linkId(link)),
    leaf("qkdn_id", node && nodeId(node)),
    `${leaf("begin", begin)}${leaf("end", end)}${leaf("reason", reason)}</window>`,
  ].join("")
}

export function windowsXml(...windows: string[]): string {
  return `<qkd_network xmlns="${NETWORK_NS}"><maintenance_windows xmlns="${MAINTENANCE_NS}">${windows.join("")}</maintenance_windows></qkd_network>`
}

/** An entry of a link with its rate profile. */
export function profileXml(ends: string, inner: string): string {
  return `<phys_link><phys_link_id>${linkId(ends)}</phys_link_id><rate_profile xmlns="${MAINTENANCE_NS}">${inner}</rate_profile></phys_link>`
}
