// A network to decide on in tests: built in one line, nodes that confirm what they are told, and questions that read
// as sentences. Holds no assertions.

import { decide, type Decision } from "../../src/core/decide.js"
import { desiredConfig } from "../../src/core/desired.js"
import type { Event, LinkInventory, NodeInventory, Reply } from "../../src/core/event.js"
import { groups } from "../../src/core/memberships.js"
import { holdSecondsAt } from "../../src/core/provisional.js"
import { DEFAULT_SETTINGS, type Settings } from "../../src/core/settings.js"
import { Picture } from "../../src/core/view.js"
import type { LinkStatus } from "../../src/model/link.js"
import type { NetworkLink } from "../../src/model/network.js"
import type { NodeConfig, NodeEvent, NodeState } from "../../src/model/node.js"
import type { Service, ServiceTerms } from "../../src/model/service.js"

export const NOON = Date.parse("2026-06-01T12:00:00Z")

/** `a`: link `a-b` joins nodes `a` and `b`; a third part tells parallel links apart. */
export interface Plan {
  readonly links: readonly string[]
  readonly skrBps?: number
  readonly noRelay?: readonly string[]
  readonly link?: (name: string) => Partial<LinkInventory>
  /** Ids begin in no order, as those of a controller do. */
  readonly scatteredIds?: boolean
}

export function target(name: string): NodeInventory["target"] {
  return {
    host: "127.0.0.1",
    port: 1,
    username: "controller",
    privateKeyFile: `${name}.key`,
    hostKeyFingerprint: "SHA256:none",
  }
}

export function nodeEntry(name: string, more: Partial<NodeInventory> = {}): NodeInventory {
  return {
    qkdnId: name,
    name,
    relay: true,
    driver: "etsi015",
    target: target(name),
    saeIds: [`sae-${name}`],
    ...more,
  }
}

export const TERMS: ServiceTerms = { minRateBps: 0, priority: 0, avoidNodes: [] }

export class Lab {
  readonly picture = new Picture()
  readonly settings: Settings
  now = NOON
  overloaded = false
  last: Decision = { changes: [], reply: { ok: true }, effects: [] }
  lastEvent: Event | undefined
  /** Effects of all decisions so far. */
  readonly effects: Decision["effects"][number][] = []
  /** Nodes told but not yet confirmed, with the revision told. */
  readonly told = new Map<string, number>()
  #ids = 0
  readonly #plan: Plan

  constructor(plan: Plan, settings: Partial<Settings> = {}) {
    this.#plan = plan
    this.settings = { ...DEFAULT_SETTINGS, ...settings }
    const names = new Set(plan.links.flatMap((link) => link.split("-").slice(0, 2)))
    for (const name of names) {
      this.submit({
        kind: "node-added",
        node: nodeEntry(name, { relay: !(plan.noRelay ?? []).includes(name) }),
      })
    }
    const used = new Map<string, number>()
    const interfaceAt = (name: string): number => {
      const qkdiId = (used.get(name) ?? 0) + 1
      used.set(name, qkdiId)
      return qkdiId
    }
    for (const link of plan.links) {
      const [a = "", b = ""] = link.split("-")
      this.submit({
        kind: "link-added",
        link: {
          qkdlId: link,
          a: { qkdnId: a, qkdiId: interfaceAt(a) },
          b: { qkdnId: b, qkdiId: interfaceAt(b) },
          skrBps: plan.skrBps ?? 1000,
          ...plan.link?.(link),
        },
      })
    }
    for (const name of names) this.connect(name)
    for (const link of plan.links) this.status(link, "ACTIVE")
    this.confirmAll()
    this.effects.length = 0
  }

  submit(event: Event): Reply {
    this.last = decide(this.picture, event, {
      now: this.now,
      newId: () => this.#nextId(),
      settings: this.settings,
      overloaded: this.overloaded,
    })
    this.lastEvent = event
    this.picture.apply(this.last.changes, this.picture.revision + 1)
    for (const effect of this.last.effects) {
      this.effects.push(effect)
      if (effect.kind === "load") this.overloaded = effect.overloaded
      if (effect.kind === "sync-node") this.told.set(effect.qkdnId, this.picture.revision)
    }
    return this.last.reply
  }

  /** Nodes told confirm, one after another, until nothing is left to confirm. */
  confirmAll(except: readonly string[] = []): void {
    for (let rounds = 0; rounds < 1000; rounds += 1) {
      const next = [...this.told.keys()].find((name) => !except.includes(name))
      if (next === undefined) return
      this.confirm(next)
    }
    throw new Error("nodes are told again and again")
  }

  /** @param provisional the node takes it back unless it is told again for good */
  confirm(qkdnId: string, provisional = false): void {
    const revision = this.told.get(qkdnId) ?? this.picture.revision
    this.told.delete(qkdnId)
    const how = provisional ? { provisional } : {}
    this.submit({ kind: "node-synced", qkdnId, revision, ...how })
  }

  fail(
    qkdnId: string,
    message = "not allowed",
    appTag: "policy" | "node-unreachable" = "policy",
  ): void {
    const revision = this.told.get(qkdnId) ?? this.picture.revision
    this.told.delete(qkdnId)
    this.submit({
      kind: "node-sync-failed",
      qkdnId,
      revision,
      error: { tag: "access-denied", appTag, message },
    })
  }

  /** The state a node would show that is just what it should be. */
  stateOf(qkdnId: string, more: Partial<NodeState> = {}): NodeState {
    const desired = this.desired(qkdnId)
    return {
      qkdnId,
      status: "OPERATING",
      capabilities: { linkStats: true, applicationStats: true, keyRelay: true },
      interfaces: [],
      links: desired.links.map((link) => ({ ...link, appIds: [], performance: {} })),
      apps: desired.apps.map((app) => ({ ...app, statistics: [] })),
      peers: desired.peers,
      ...more,
    }
  }

  desired(qkdnId: string): NodeConfig {
    return desiredConfig(this.picture, qkdnId)
  }

  /** Seconds for which the node would hold what it is told now; undefined: for good. */
  holdS(qkdnId: string): number | undefined {
    return holdSecondsAt(this.picture, qkdnId, this.settings)
  }

  connect(qkdnId: string, more: Partial<NodeState> = {}): void {
    this.submit({ kind: "node-connected", qkdnId, state: this.stateOf(qkdnId, more) })
  }

  hear(qkdnId: string, event: NodeEvent): void {
    this.submit({ kind: "node-event", qkdnId, atMs: this.now, event })
  }

  /** Both ends report this status. */
  status(link: string, status: LinkStatus): void {
    for (const qkdnId of link.split("-").slice(0, 2)) {
      this.hear(qkdnId, { kind: "event", resource: { kind: "link", qkdlId: link, status } })
    }
  }

  rate(link: string, skrBps: number): void {
    for (const qkdnId of link.split("-").slice(0, 2)) {
      this.hear(qkdnId, { kind: "link-performance", qkdlId: link, performance: { skrBps } })
    }
  }

  /** Both ends report this rate and stock. */
  stock(link: string, skrBps: number, stockBits: number): void {
    for (const qkdnId of link.split("-").slice(0, 2)) {
      const performance = { skrBps, stockBits }
      this.hear(qkdnId, { kind: "link-performance", qkdlId: link, performance })
    }
  }

  /** What links have left is shared, and everyone confirms what follows. */
  share(): void {
    this.submit({ kind: "surplus-due" })
    this.confirmAll()
  }

  linkDown(link: string, reason = "loss of signal"): void {
    for (const qkdnId of link.split("-").slice(0, 2)) {
      this.hear(qkdnId, { kind: "link-down", qkdlId: link, reason })
    }
  }

  request(a: string, b: string, minBps?: number, priority = 0): void {
    this.hear(a, {
      kind: "app-new",
      serverAppId: `sae-${a}`,
      clientAppIds: [`sae-${b}`],
      appType: "CLIENT",
      priority,
      qos: minBps === undefined ? {} : { minBps },
    })
  }

  order(a: string, b: string, terms: Partial<ServiceTerms> = {}): Reply {
    return this.submit({
      kind: "service-ordered",
      aSaeId: `sae-${a}`,
      bSaeId: `sae-${b}`,
      terms: { ...TERMS, ...terms },
    })
  }

  wakeAfter(ms: number): void {
    this.now += ms
    this.submit({ kind: "wake" })
  }

  service(a: string, b: string): Service | undefined {
    const [id] = this.picture.members(groups.serviceOfPair(`sae-${a}`, `sae-${b}`))
    return id === undefined ? undefined : this.picture.service(id)
  }

  link(qkdlId: string): NetworkLink {
    const link = this.picture.link(qkdlId)
    if (link === undefined) throw new Error(`no link ${qkdlId}`)
    return link
  }

  /** What its ends have been told that it may take at most, bits per second; the same at both. */
  mostOf(a: string, b: string): number | undefined {
    const id = this.service(a, b)?.serviceId
    const told = [a, b].map(
      (node) => this.desired(node).apps.find(({ appId }) => appId === id)?.qos.maxBps,
    )
    if (told[0] !== told[1]) throw new Error(`told differently: ${told.join(", ")}`)
    return told[0]
  }

  /** Names of the links of the standing path. */
  pathOf(a: string, b: string): string[] | undefined {
    return this.service(a, b)?.path?.hops.map((hop) => hop.qkdlId)
  }

  /** Types of the notices since the list was last emptied, in order. */
  notices(): string[] {
    return this.effects.flatMap((effect) => (effect.kind === "notify" ? [effect.type] : []))
  }

  refusals(): { node: string; appTag: string; reason: string }[] {
    return this.effects.flatMap((effect) =>
      effect.kind === "refuse"
        ? [{ node: effect.qkdnId, appTag: effect.appTag, reason: effect.reason }]
        : [],
    )
  }

  #nextId(): string {
    this.#ids += 1
    if (this.#plan.scatteredIds === true) return scatteredId(this.#ids)
    return `00000000-0000-4000-8000-${String(this.#ids).padStart(12, "0")}`
  }
}

export function scatteredId(number: number): string {
  const first = (Math.imul(number, 0x9e3779b1) >>> 0).toString(16).padStart(8, "0")
  return `${first}-0000-4000-8000-${String(number).padStart(12, "0")}`
}
