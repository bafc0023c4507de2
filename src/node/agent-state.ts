// What the agent lays over its running configuration for `get`: all state of ETSI GS QKD 015 and of
// keyloom-node, from live figures. Pure.

import type { AppDelivery } from "../model/etsi015-app.js"
import { appStateMembers } from "../model/etsi015-app.js"
import { linkStateMembers } from "../model/etsi015-link.js"
import { keyManagerToData } from "../model/etsi015.js"
import { compact, identity, KEYLOOM_MODULE, NODE_MODULE } from "../model/etsi015-values.js"
import type { AppState } from "../model/app.js"
import type { LinkConfig } from "../model/link.js"
import type { InterfaceStatus, KeyManagerInfo, NodeConfig, NodeStatus } from "../model/node.js"
import type { JsonObject } from "../yang/json-text.js"
import type { Leader } from "./leader-terms.js"
import type { LinkNow } from "./link-board.js"
import { sameFigures } from "./link-figures.js"

export interface LiveFigures {
  readonly status: NodeStatus
  readonly interfaces: ReadonlyMap<number, InterfaceStatus>
  link(qkdlId: string): LinkNow | undefined
  app(
    appId: string,
  ): (Pick<AppState, "status" | "createdAt" | "statistics"> & { delivery: AppDelivery }) | undefined
  readonly keyManager: KeyManagerInfo | undefined
  readonly leader?: Leader | undefined
}

/** By the link as configured: what it last was, and as data. Whoever compares looks sees at once which are the same. */
const ENTRIES = new WeakMap<LinkConfig, { readonly now: LinkNow; readonly entry: JsonObject }>()

function linkEntry(link: LinkConfig, now: LinkNow): JsonObject {
  const known = ENTRIES.get(link)
  if (known !== undefined && isSame(known.now, now)) return known.entry
  const { status, appIds, performance, stock } = now
  const members = linkStateMembers({ type: link.type, status, appIds, performance }, stock)
  const entry = { qkdl_id: link.qkdlId, ...members }
  ENTRIES.set(link, { now, entry })
  return entry
}

/** Of links with stock, which changes all the time, it is never said. */
function isSame(one: LinkNow, other: LinkNow): boolean {
  return (
    one.status === other.status &&
    one.stock === undefined &&
    other.stock === undefined &&
    one.appIds.length === other.appIds.length &&
    one.appIds.every((appId, n) => appId === other.appIds[n]) &&
    one.performance.snrDb === other.performance.snrDb &&
    sameFigures(one.performance, other.performance)
  )
}

/**
 * State as a whole datastore; list entries carry their keys and meet the configured ones.
 *
 * `qkdl_status` and `qkdl_applications` are configuration in V2.1.1 though they describe state: here they
 * are the truth as the node sees it, whatever a controller has written. `get-config` shows what was written.
 */
export function stateData(config: NodeConfig, live: LiveFigures): JsonObject {
  const interfaces = [...live.interfaces].map(([qkdiId, status]) =>
    compact({ qkdi_id: qkdiId, qkdi_status: identity(status) }),
  )
  const links = config.links.flatMap((link): JsonObject[] => {
    const now = live.link(link.qkdlId)
    return now === undefined ? [] : [linkEntry(link, now)]
  })
  const apps = config.apps.flatMap((app): JsonObject[] => {
    const now = live.app(app.appId)
    return now === undefined ? [] : [{ app_id: app.appId, ...appStateMembers(now, now.delivery) }]
  })
  return {
    [`${NODE_MODULE}:qkd_node`]: compact({
      qkdn_status: identity(live.status),
      qkd_applications: apps.length === 0 ? undefined : { qkd_app: apps },
      qkd_interfaces: interfaces.length === 0 ? undefined : { qkd_interface: interfaces },
      qkd_links: links.length === 0 ? undefined : { qkd_link: links },
      [`${KEYLOOM_MODULE}:key_manager`]:
        live.keyManager === undefined ? undefined : keyManagerToData(live.keyManager),
      [`${KEYLOOM_MODULE}:leader`]: live.leader && {
        term: live.leader.term,
        leader_id: live.leader.leaderId,
      },
    }),
  }
}
