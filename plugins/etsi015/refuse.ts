// The rpc refuse-application of module keyloom-node, as XML.

import { escapeText, type NodeConnection } from "../../src/plugin/index.js"
import { KEYLOOM_NS } from "./wire.js"

type Refusal = Parameters<NonNullable<NodeConnection["refuse"]>>[0]

/** Longest reason the model takes. */
const MAX_REASON = 1024

export function refuseXml({ serverAppId, clientAppIds, appTag, reason }: Refusal): string {
  const leaf = (name: string, value: string): string => `<${name}>${escapeText(value)}</${name}>`
  const inside = [
    leaf("server_app_id", serverAppId),
    ...clientAppIds.map((id) => leaf("client_app_id", id)),
    leaf("app_tag", appTag),
    leaf("reason", reason.slice(0, MAX_REASON)),
  ]
  return `<refuse-application xmlns="${KEYLOOM_NS}">${inside.join("")}</refuse-application>`
}
