// The rpcs of module keyloom-node, as XML.

import { type DriverHost, escapeText, type NodeConnection } from "../../src/plugin/index.js"
import { KEYLOOM_NS } from "./wire.js"

type Refusal = Parameters<NonNullable<NodeConnection["refuse"]>>[0]

/** Longest reason the model takes. */
const MAX_REASON = 1024

export function refuseXml({ serverAppId, clientAppIds, appTag, reason }: Refusal): string {
  const inside = [
    leaf("server_app_id", serverAppId),
    ...clientAppIds.map((id) => leaf("client_app_id", id)),
    leaf("app_tag", appTag),
    leaf("reason", reason.slice(0, MAX_REASON)),
  ]
  return `<refuse-application xmlns="${KEYLOOM_NS}">${inside.join("")}</refuse-application>`
}

export function leadXml({ term, leaderId }: NonNullable<DriverHost["leader"]>): string {
  return `<lead xmlns="${KEYLOOM_NS}">${leaf("term", String(term))}${leaf("leader_id", leaderId)}</lead>`
}

function leaf(name: string, value: string): string {
  return `<${name}>${escapeText(value)}</${name}>`
}
