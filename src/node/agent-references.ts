// What ETSI GS QKD 015 leaves open between entries: its ids are plain values, "referential integrity is the
// controller's job". The node holds it all the same, so that nothing half-true reaches the key manager.
// Pure; knows neither policy nor schema.

import { isDeepStrictEqual } from "node:util"
import { QkdError } from "../errors.js"
import type { AppConfig } from "../model/app.js"
import type { LinkConfig, PhysLinkConfig, VirtLinkConfig } from "../model/link.js"
import type { NodeConfig } from "../model/node.js"
import { appPath, linkPath, peerPath } from "./agent-policy.js"

/** What the entries may refer to at this node. */
export interface ReferenceContext {
  readonly qkdiIds: ReadonlySet<number>
  /** `key_relay_mode_enable` in the configuration that is judged. */
  readonly relayEnabled: boolean
  /**
   * As configured before. A link that stays as it was may keep an interface that is no more: a module taken out must
   * not block every later edit. An application that stays, on links that stay, is not looked at again.
   */
  readonly settled: NodeConfig
}

/**
 * Checks every reference of a configuration.
 *
 * @throws QkdError with the path of the first fault: `missing-element`, `invalid-value`, or `data-missing`
 *   with app-tag `instance-required` (RFC 7950 section 15.5) where the entry referred to is not there
 */
export function checkReferences(config: NodeConfig, context: ReferenceContext): void {
  const phys = new Map<string, PhysLinkConfig>()
  const links = new Map<string, LinkConfig>()
  const users = new Map<number, string>()
  for (const link of config.links) {
    links.set(link.qkdlId, link)
    if (link.type !== "PHYS") continue
    phys.set(link.qkdlId, link)
    checkPhys(config.qkdnId, link, context, users)
  }
  for (const link of config.links)
    if (link.type === "VIRT") checkVirt(config.qkdnId, link, phys, context)
  for (const app of unsettledApps(config, context.settled, links))
    checkApp(config.qkdnId, app, links)
  for (const peer of config.peers)
    if (peer.qkdnId === config.qkdnId)
      throw invalid(peerPath(peer.qkdnId), "a node is not its own peer")
}

/**
 * The PHYS link a VIRT entry uses towards a hop: the one named, else the only one to that node.
 * Undefined when there is none or it is not certain which.
 */
export function physTowards(
  links: Iterable<PhysLinkConfig>,
  hop: string | undefined,
  named: string | undefined,
): PhysLinkConfig | undefined {
  if (hop === undefined) return undefined
  let found: PhysLinkConfig | undefined
  for (const link of links) {
    if (link.remote.qkdnId !== hop) continue
    if (named !== undefined) {
      if (link.qkdlId === named) return link
    } else if (found !== undefined) return undefined
    else found = link
  }
  return named === undefined ? found : undefined
}

/** Applications that are not as they were, or whose links are not. */
function unsettledApps(
  config: NodeConfig,
  settled: NodeConfig,
  links: ReadonlyMap<string, LinkConfig>,
): readonly AppConfig[] {
  if (config.apps === settled.apps && config.links === settled.links) return []
  const apps = new Set(settled.apps)
  const kept = new Set(settled.links)
  return config.apps.filter((app) => {
    if (!apps.has(app)) return true
    return app.backingQkdlIds.some((qkdlId) => {
      const link = links.get(qkdlId)
      return link === undefined || !kept.has(link)
    })
  })
}

function checkPhys(
  self: string,
  link: PhysLinkConfig,
  context: ReferenceContext,
  users: Map<number, string>,
): void {
  const path = linkPath(link.qkdlId)
  const { local, remote } = link
  if (local.qkdnId !== "" && local.qkdnId !== self)
    throw invalid(`${path}/qkdl_local/qkdn_id`, "the local end of a physical link is this node")
  if (remote.qkdnId === "") throw missing(`${path}/qkdl_remote/qkdn_id`)
  if (remote.qkdnId === self)
    throw invalid(`${path}/qkdl_remote/qkdn_id`, "a link does not end where it starts")
  const { qkdiId } = local
  if (qkdiId === undefined) throw missing(`${path}/qkdl_local/qkdi_id`)
  if (
    !context.qkdiIds.has(qkdiId) &&
    !context.settled.links.some((old) => isDeepStrictEqual(old, link))
  )
    throw dangling(`${path}/qkdl_local/qkdi_id`, `this node has no interface ${qkdiId}`)
  const other = users.get(qkdiId)
  if (other !== undefined)
    throw new QkdError("in-use", `interface ${qkdiId} belongs to link ${other} already`, {
      path: `${path}/qkdl_local/qkdi_id`,
    })
  users.set(qkdiId, link.qkdlId)
}

function checkVirt(
  self: string,
  link: VirtLinkConfig,
  phys: ReadonlyMap<string, PhysLinkConfig>,
  context: ReferenceContext,
): void {
  const path = linkPath(link.qkdlId)
  const { local, remote, prevHop, nextHops } = link
  if (local.qkdnId === "") throw missing(`${path}/qkdl_local/qkdn_id`)
  if (remote.qkdnId === "") throw missing(`${path}/qkdl_remote/qkdn_id`)
  if (local.qkdnId === remote.qkdnId)
    throw invalid(`${path}/qkdl_remote/qkdn_id`, "a link does not end where it starts")
  if (nextHops.length > 1)
    throw new QkdError("operation-not-supported", "this node does not branch a virtual link", {
      path: `${path}/virt_next_hop`,
    })
  const isEnd = local.qkdnId === self || remote.qkdnId === self
  const [nextHop] = nextHops
  if (isEnd && (prevHop === undefined) === (nextHop === undefined))
    throw invalid(path, "at its end a virtual link has either a previous or a next hop")
  if (!isEnd) {
    if (prevHop === undefined) throw missing(`${path}/virt_prev_hop`)
    if (nextHop === undefined) throw missing(`${path}/virt_next_hop`)
    if (prevHop === nextHop)
      throw invalid(`${path}/virt_next_hop`, "a virtual link does not turn back")
    if (!context.relayEnabled)
      throw new QkdError("operation-not-supported", "key_relay_mode_enable is false at this node", {
        path,
      })
  }
  checkHop(path, "virt_prev_hop", prevHop, "prev_qkdl_id", link.prevQkdlId, phys)
  checkHop(path, "virt_next_hop", nextHop, "next_qkdl_id", link.nextQkdlId, phys)
}

function checkHop(
  path: string,
  hopName: string,
  hop: string | undefined,
  linkName: string,
  named: string | undefined,
  phys: ReadonlyMap<string, PhysLinkConfig>,
): void {
  if (hop === undefined) {
    if (named !== undefined)
      throw invalid(`${path}/keyloom-node:${linkName}`, `there is no ${hopName} to go with it`)
    return
  }
  if (physTowards(phys.values(), hop, named) !== undefined) return
  const parallel = [...phys.values()].filter((link) => link.remote.qkdnId === hop)
  if (parallel.length === 0)
    throw dangling(`${path}/${hopName}`, `no physical link leads to node ${hop}`)
  if (named === undefined)
    throw missing(
      `${path}/keyloom-node:${linkName}`,
      `${parallel.length} physical links lead to node ${hop}: name one`,
    )
  throw dangling(`${path}/keyloom-node:${linkName}`, `${named} is no physical link to node ${hop}`)
}

function checkApp(self: string, app: AppConfig, links: ReadonlyMap<string, LinkConfig>): void {
  const path = appPath(app.appId)
  if (app.localQkdnId !== undefined && app.localQkdnId !== self)
    throw invalid(`${path}/local_qkdn_id`, "the local node of an application is this node")
  if (app.remoteQkdnId === self)
    throw invalid(`${path}/remote_qkdn_id`, "the peer is served by another node")
  const { minBps, maxBps } = app.qos
  if (minBps !== undefined && maxBps !== undefined && minBps > maxBps)
    throw invalid(`${path}/app_qos/min_bandwidth`, "the guaranteed rate exceeds the ceiling")
  for (const qkdlId of app.backingQkdlIds) {
    const link = links.get(qkdlId)
    const at = `${path}/backing_qkdl_id[.='${qkdlId}']`
    if (link === undefined) throw dangling(at, `no link ${qkdlId} is configured`)
    const far = farEnd(self, link)
    if (far === undefined)
      throw invalid(at, "the virtual link passes this node, it does not end here")
    if (app.remoteQkdnId !== undefined && far !== app.remoteQkdnId)
      throw invalid(at, "the link does not lead to remote_qkdn_id")
  }
  if (app.keyCombination === "all") checkCombination(path, app, links)
}

/** Shares over one neighbour, or one share alone, would be no more secret than a key over one path. */
function checkCombination(
  path: string,
  app: AppConfig,
  links: ReadonlyMap<string, LinkConfig>,
): void {
  const hops = new Set<string>()
  for (const qkdlId of app.backingQkdlIds) {
    const link = links.get(qkdlId)
    if (link === undefined) continue
    if (link.type === "VIRT" && app.backingQkdlIds.length === 1)
      throw invalid(`${path}/keyloom-node:key_combination`, "one relay path is nothing to combine")
    const hop = link.type === "PHYS" ? link.remote.qkdnId : (link.nextHops[0] ?? link.prevHop ?? "")
    if (hops.has(hop))
      throw invalid(
        `${path}/backing_qkdl_id[.='${qkdlId}']`,
        `two shares of each key would pass node ${hop}`,
      )
    hops.add(hop)
  }
}

/** The node at the other end of a link, or undefined where a virtual link only passes. */
export function farEnd(self: string, link: LinkConfig): string | undefined {
  if (link.type === "PHYS") return link.remote.qkdnId
  if (link.local.qkdnId === self) return link.remote.qkdnId
  if (link.remote.qkdnId === self) return link.local.qkdnId
  return undefined
}

function invalid(path: string, message: string): QkdError {
  return new QkdError("invalid-value", message, { path })
}

function missing(
  path: string,
  message = `${path.slice(path.lastIndexOf("/") + 1)} is missing`,
): QkdError {
  return new QkdError("missing-element", message, { path })
}

function dangling(path: string, message: string): QkdError {
  return new QkdError("data-missing", message, { path, appTag: "instance-required" })
}
