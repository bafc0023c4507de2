// The links, associations and neighbours that the agent configured, and the keeper of each PHYS link's pool.
// Finds which link a message goes over. Pools outlive their configuration: a link that is taken out and put back
// goes on with its keys, but never towards another neighbour.

import { QkdError } from "../errors.js"
import { neighbourOf } from "../keys/relay-rules.js"
import type { NextHop, RelaySite } from "../keys/relay-rules.js"
import type { PolicyView } from "../keys/policy-view.js"
import type { AppConfig } from "../model/app.js"
import type { LinkConfig, PhysLinkConfig, VirtLinkConfig } from "../model/link.js"
import type { LinkKeeper } from "./link-keeper.js"
import type { KeyManagerConfig } from "./ports.js"

export class LinkTable implements RelaySite {
  readonly qkdnId: string
  readonly policy: PolicyView
  readonly #makeKeeper: (qkdlId: string, peer: string) => LinkKeeper
  readonly #keepers = new Map<string, LinkKeeper>()
  #links = new Map<string, LinkConfig>()
  #physLinks: readonly PhysLinkConfig[] = []
  #virtLinks: readonly VirtLinkConfig[] = []
  #apps = new Map<string, AppConfig>()
  #appsBySae = new Map<string, AppConfig[]>()

  constructor(
    policy: PolicyView,
    qkdnId: string,
    makeKeeper: (qkdlId: string, peer: string) => LinkKeeper,
  ) {
    this.policy = policy
    this.qkdnId = qkdnId
    this.#makeKeeper = makeKeeper
  }

  /** Takes the whole configuration over. Returns keepers whose link is new, and those whose link is gone. */
  configure(config: KeyManagerConfig): { added: LinkKeeper[]; removed: LinkKeeper[] } {
    const before = new Set(this.active())
    const former = this.#links
    this.#links = new Map(config.links.map((link) => [link.qkdlId, link]))
    this.#physLinks = config.links.filter((link) => link.type === "PHYS")
    this.#virtLinks = config.links.filter((link) => link.type === "VIRT")
    this.#apps = new Map(config.apps.map((app) => [app.appId, app]))
    this.#appsBySae = new Map()
    for (const app of config.apps) {
      for (const saeId of [app.serverAppId, ...app.clientAppIds]) {
        const known = this.#appsBySae.get(saeId)
        if (known === undefined) this.#appsBySae.set(saeId, [app])
        else known.push(app)
      }
    }
    for (const link of this.#physLinks) {
      const peer = neighbourOf(link, this.qkdnId)
      if (peer === undefined || !this.policy.allowsNeighbour(peer)) continue
      const keeper = this.#keepers.get(link.qkdlId)
      if (keeper?.peer !== peer) {
        keeper?.voidAll()
        keeper?.disconnect()
        this.#keepers.set(link.qkdlId, this.#makeKeeper(link.qkdlId, peer))
      } else if (link.enabled && former.get(link.qkdlId)?.enabled === false) {
        // Switched off and on: an operator has looked at what closed it.
        keeper.tagFailures = 0
      }
    }
    const after = this.active()
    return {
      added: after.filter((keeper) => !before.has(keeper)),
      removed: Array.from(before).filter((keeper) => !after.includes(keeper)),
    }
  }

  link(qkdlId: string): LinkConfig | undefined {
    return this.#links.get(qkdlId)
  }

  /** Every relay path that starts, passes or ends here, and is switched on. */
  paths(): VirtLinkConfig[] {
    return this.#virtLinks.filter(({ enabled }) => enabled)
  }

  app(appId: string): AppConfig | undefined {
    return this.#apps.get(appId)
  }

  get apps(): readonly AppConfig[] {
    return Array.from(this.#apps.values())
  }

  get virtLinks(): readonly VirtLinkConfig[] {
    return Array.from(this.#links.values()).filter((link) => link.type === "VIRT")
  }

  appsJoining(saeId: string, peerSaeId: string): readonly AppConfig[] {
    return (this.#appsBySae.get(saeId) ?? []).filter(
      ({ serverAppId, clientAppIds }) =>
        saeId !== peerSaeId && (serverAppId === peerSaeId || clientAppIds.includes(peerSaeId)),
    )
  }

  /** The association that joins them with the SAE living at that node. */
  appTo(saeId: string, peerSaeId: string, qkdnId: string): AppConfig | undefined {
    return this.appsJoining(saeId, peerSaeId).find(({ remoteQkdnId }) => remoteQkdnId === qkdnId)
  }

  /** The keeper of a configured PHYS link. */
  keeper(qkdlId: string): LinkKeeper | undefined {
    const link = this.#links.get(qkdlId)
    const keeper = this.#keepers.get(qkdlId)
    if (link?.type !== "PHYS" || neighbourOf(link, this.qkdnId) !== keeper?.peer) return undefined
    return keeper
  }

  /** Keepers of all configured links. */
  active(): LinkKeeper[] {
    return this.#physLinks
      .map((link) => this.keeper(link.qkdlId))
      .filter((keeper) => keeper !== undefined)
  }

  activeTo(peer: string): LinkKeeper[] {
    return this.active().filter((keeper) => keeper.peer === peer)
  }

  /** Every keeper there is. */
  all(): LinkKeeper[] {
    return Array.from(this.#keepers.values())
  }

  /** Drops all keepers: the store is being emptied. */
  clear(error: QkdError): void {
    for (const keeper of this.#keepers.values()) keeper.close(error)
    this.#keepers.clear()
    this.#links.clear()
    this.#physLinks = []
    this.#virtLinks = []
    this.#apps.clear()
    this.#appsBySae.clear()
  }

  /** May relay messages go over this link, in either direction. */
  relays(keeper: LinkKeeper, tagFailureLimit: number): boolean {
    return this.#links.get(keeper.qkdlId)?.enabled === true && keeper.tagFailures < tagFailureLimit
  }

  /**
   * The link to send over: the one that the path names, else of all to that neighbour the one with most in
   * stock.
   *
   * @throws QkdError app-tag `no-path`.
   */
  linkFor(hop: NextHop, tagFailureLimit: number): LinkKeeper {
    const keeper = this.usableFor(hop, tagFailureLimit)
    if (keeper !== undefined) return keeper
    throw new QkdError("operation-failed", `no link to ${hop.qkdnId} that relays`, {
      appTag: "no-path",
    })
  }

  /** As `linkFor`; undefined where there is none. */
  usableFor(hop: NextHop, tagFailureLimit: number): LinkKeeper | undefined {
    const usable = this.activeTo(hop.qkdnId).filter(
      (keeper) =>
        this.relays(keeper, tagFailureLimit) &&
        (hop.qkdlId === undefined || hop.qkdlId === keeper.qkdlId),
    )
    const [first, ...others] = usable
    return others.reduce(
      (best, keeper) =>
        best !== undefined && keeper.reachableBits > best.reachableBits ? keeper : best,
      first,
    )
  }
}
