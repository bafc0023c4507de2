// A controller in memory for the tests of the north faces and the page: a believable network, a journal with
// numbers, and hands to cut fibres, lose nodes and let time pass. It decides nothing that the real one decides.

import type { BulkOrderEvent, ControllerPort, Notice, Reply } from "../../src/controller/ports.js"
import { QkdError } from "../../src/errors.js"
import type { BulkOrder } from "../../src/model/bulk-order.js"
import type { Maintenance } from "../../src/model/maintenance.js"
import type { LinkPerformance } from "../../src/model/link.js"
import type { Network, NetworkLink, NetworkNode } from "../../src/model/network.js"
import type { Hop, KeyPath, Service, ServiceEnd, ServiceState } from "../../src/model/service.js"
import type { Topology } from "../../src/model/topology.js"
import type { Event } from "../../src/core/event.js"
import type { ServiceOrder } from "../../src/north/ports.js"

/** A UUID-shaped id that depends on nothing but `n`. */
export function testUuid(kind: number, n: number): string {
  return `${kind.toString(16).padStart(8, "0")}-0000-4000-8000-${n.toString(16).padStart(12, "0")}`
}

export class FakeController implements ControllerPort {
  epoch: string
  readonly #nodes = new Map<string, NetworkNode>()
  readonly #links = new Map<string, NetworkLink>()
  readonly #services = new Map<string, Service>()
  readonly #orders = new Map<string, BulkOrder>()
  readonly maintenance = new Map<string, Maintenance>()
  #revision = 1
  #journal: Notice[] = []
  #firstSeq = 1
  readonly #listeners = new Set<(notice: Notice) => void>()
  readonly #saes = new Map<string, string>()
  #clockMs: number
  /** How many notices the journal keeps. */
  journalLimit = 10_000
  #random = 12345

  constructor(topology: Topology, options: { epoch?: string; startMs?: number } = {}) {
    this.epoch = options.epoch ?? "epoch-1"
    this.#clockMs = options.startMs ?? Date.parse("2026-03-02T09:00:00Z")
    const idOf = new Map(topology.nodes.map((node, i) => [node.name, testUuid(1, i + 1)]))
    topology.nodes.forEach((site, i) => {
      const qkdnId = idOf.get(site.name) ?? ""
      const saeIds = [`sae-${site.name.toLowerCase().replaceAll(" ", "-")}`]
      for (const saeId of saeIds) this.#saes.set(saeId, qkdnId)
      this.#nodes.set(qkdnId, {
        qkdnId,
        name: site.name,
        ...(site.place === undefined ? {} : { place: site.place }),
        ...(site.lat === undefined ? {} : { lat: site.lat }),
        ...(site.lon === undefined ? {} : { lon: site.lon }),
        relay: site.relay,
        driver: "etsi015",
        target: {
          host: "127.0.0.1",
          port: 20000 + i,
          username: "controller",
          privateKeyFile: "/secret/path/controller.key",
          hostKeyFingerprint: "SHA256:abc",
        },
        reach: "connected",
        status: "OPERATING",
        version: "2.1.1",
        capabilities: { linkStats: true, applicationStats: true, keyRelay: true },
        interfaces: [],
        saeIds,
        lastHeardAt: this.time(),
      })
    })
    const ports = new Map<string, number>()
    const port = (name: string): { qkdnId: string; qkdiId: number } => {
      const qkdiId = (ports.get(name) ?? 0) + 1
      ports.set(name, qkdiId)
      return { qkdnId: idOf.get(name) ?? "", qkdiId }
    }
    topology.links.forEach((fibre, i) => {
      const lossDb = fibre.lossDb ?? (fibre.lengthKm ?? 20) * 0.2
      const skrBps = fibre.skrBps ?? Math.max(40, Math.round(60_000 * 10 ** (-lossDb / 10)))
      const performance: LinkPerformance = {
        expectedConsumptionBps: 0,
        skrBps,
        eskrBps: Math.round(skrBps * 0.96),
        qber: 0.012 + lossDb / 1000,
        stockBits: Math.round(skrBps * (300 + this.#next() * 900)),
      }
      const qkdlId = testUuid(2, i + 1)
      this.#links.set(qkdlId, {
        qkdlId,
        name: fibre.id,
        a: port(fibre.a),
        b: port(fibre.b),
        ...(fibre.lengthKm === undefined ? {} : { lengthKm: fibre.lengthKm }),
        lossDb,
        ...(fibre.module === undefined ? {} : { module: fibre.module }),
        srlg: fibre.srlg,
        enabled: true,
        endA: { status: "ACTIVE", performance },
        endB: { status: "ACTIVE", performance },
        status: "ACTIVE",
        performance,
        capacityBps: Math.round(skrBps * 0.96),
        measuredAtMs: this.#clockMs,
        hold: { untilMs: this.#clockMs + 60_000, flaps: i, held: i % 2 === 1 },
        changedAt: this.time(),
      })
    })
  }

  network(): Network {
    return {
      revision: this.#revision,
      nodes: this.#nodes,
      links: this.#links,
      services: this.#services,
      orders: this.#orders,
      maintenance: this.maintenance,
    }
  }

  lastSeq(): number {
    return this.#firstSeq - 1 + this.#journal.length
  }

  noticesSince(seq: number): readonly Notice[] | null {
    if (seq < this.#firstSeq - 1 || seq > this.lastSeq()) return null
    return this.#journal.slice(seq - this.#firstSeq + 1)
  }

  onNotice(listener: (notice: Notice) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  get listeners(): number {
    return this.#listeners.size
  }

  async submit(event: Event): Promise<Reply> {
    try {
      if (event.kind === "service-ordered") {
        await this.order({ ...event, serviceId: event.serviceId ?? testUuid(4, this.#revision) })
      } else if (event.kind === "service-cancelled") await this.cancel(event.serviceId)
      else if (event.kind === "bulk-ordered") this.orderBulk(event)
      return { ok: true }
    } catch (error) {
      if (!(error instanceof QkdError)) throw error
      const { tag, appTag, message } = error
      return { ok: false, tag, message, ...(appTag === undefined ? {} : { appTag }) }
    }
  }

  order(order: ServiceOrder): Promise<Service> {
    const ends = [order.aSaeId, order.bSaeId].map((saeId) => {
      const qkdnId = this.#saes.get(saeId)
      if (qkdnId === undefined) {
        throw new QkdError("invalid-value", `no SAE ${saeId}`, { appTag: "unknown-sae" })
      }
      return { saeId, qkdnId }
    })
    const [a, b] = ends
    if (a === undefined || b === undefined) throw new Error("two ends")
    if (this.#services.has(order.serviceId)) {
      return Promise.reject(new QkdError("data-exists", "taken"))
    }
    const service: Service = {
      serviceId: order.serviceId,
      ...(order.terms.maxRateBps === undefined ? {} : { surplus: { bps: 2944 } }),
      origin: "order",
      a,
      b,
      terms: order.terms,
      state: "pending",
      leaving: [],
      createdAt: this.time(),
      changedAt: this.time(),
    }
    if (this.#route(service) === undefined) {
      return Promise.reject(
        new QkdError("operation-failed", "no path joins them", { appTag: "no-path" }),
      )
    }
    this.#putService(service, "service.pending")
    return Promise.resolve(service)
  }

  /** Taken on as it is; nothing is scheduled. */
  orderBulk(order: BulkOrderEvent): void {
    const { orderId = "", fromSaeId, toSaeId, volumeBits, keySizeBits, terms, bestEffort } = order
    const end = (saeId: string): ServiceEnd => ({ saeId, qkdnId: this.#saes.get(saeId) ?? "" })
    const value: BulkOrder = {
      orderId,
      from: end(fromSaeId),
      to: end(toSaeId),
      ...{ volumeBits, keySizeBits, terms, bestEffort },
      notBefore: this.time(),
      deadline: new Date(order.deadlineMs).toISOString(),
      place: 1,
      state: "pending",
      periods: [],
      scheduledMs: this.#clockMs,
      takenBits: 0,
      readyBits: 0,
      late: false,
      createdAt: this.time(),
      changedAt: this.time(),
    }
    this.#orders.set(orderId, value)
    this.#tell("order", "order.accepted", orderId, value)
  }

  cancel(serviceId: string): Promise<void> {
    this.#services.delete(serviceId)
    this.#tell("service", "service.removed", serviceId, null)
    return Promise.resolve()
  }

  /** Every pending or failed service gets its path, every path over a dead link another one. */
  settle(): void {
    for (const service of [...this.#services.values()]) {
      const broken = service.path?.hops.some((hop) => !this.#works(hop.qkdlId)) ?? true
      if (!broken) {
        if (service.state !== "active") this.#setState(service, "active", service.path)
        continue
      }
      const path = this.#route(service)
      if (path !== undefined) this.#setState(service, "active", path)
      else if (service.path === undefined) this.#setState(service, "failed", undefined, "no path")
      else this.#setState(service, "degraded", service.path, "no other path")
    }
  }

  setLink(name: string, works: boolean): NetworkLink {
    const link = this.link(name)
    const performance = works
      ? { ...link.performance, skrBps: 17_000, eskrBps: 16_300, qber: 0.017 }
      : { stockBits: link.performance.stockBits ?? 0, skrBps: 0, eskrBps: 0 }
    const { reason: _reason, ...rest } = link
    const next: NetworkLink = {
      ...rest,
      status: works ? "ACTIVE" : "PASSIVE",
      performance,
      endA: { status: works ? "ACTIVE" : "PASSIVE", performance },
      endB: { status: works ? "ACTIVE" : "PASSIVE", performance },
      ...(works ? {} : { reason: "no light received" }),
      changedAt: this.time(),
    }
    this.#links.set(link.qkdlId, next)
    this.#tell("link", works ? "link.up" : "link.down", link.qkdlId, next)
    return next
  }

  setReach(name: string, reach: NetworkNode["reach"]): void {
    const node = [...this.#nodes.values()].find((each) => each.name === name)
    if (node === undefined) throw new Error(`no node ${name}`)
    const next = { ...node, reach }
    this.#nodes.set(node.qkdnId, next)
    this.#tell("node", `node.${reach}`, node.qkdnId, next)
  }

  /** One second of rates and stocks on every link. */
  tick(): void {
    this.#clockMs += 1000
    for (const link of [...this.#links.values()]) {
      if (link.status !== "ACTIVE") continue
      const base = link.performance.skrBps ?? 0
      const skrBps = Math.max(1, Math.round(base * (0.97 + this.#next() * 0.06)))
      const performance = {
        ...link.performance,
        skrBps,
        eskrBps: Math.round(skrBps * 0.96),
        qber: 0.014 + this.#next() * 0.004,
        stockBits: Math.round((link.performance.stockBits ?? 0) + skrBps * (this.#next() - 0.3)),
      }
      const next = { ...link, performance }
      this.#links.set(link.qkdlId, next)
      this.#tell("link", "link.performance", link.qkdlId, next)
    }
  }

  /** A notice that changes nothing. */
  say(type: string, message: string, value: unknown = null): void {
    this.#tell("log", type, "controller", value, message)
  }

  link(name: string): NetworkLink {
    const link = [...this.#links.values()].find((each) => each.name === name)
    if (link === undefined) throw new Error(`no link ${name}`)
    return link
  }

  time(): string {
    return new Date(this.#clockMs).toISOString()
  }

  set nowMs(ms: number) {
    this.#clockMs = ms
  }

  #works(qkdlId: string): boolean {
    return this.#links.get(qkdlId)?.status === "ACTIVE"
  }

  #setState(
    service: Service,
    state: ServiceState,
    path: KeyPath | undefined,
    reason?: string,
  ): void {
    const { reason: _r, path: before, ...rest } = service
    const moved = before !== undefined && path !== undefined && before.qkdlId !== path.qkdlId
    this.#putService(
      {
        ...rest,
        state,
        ...(path === undefined ? {} : { path }),
        ...(reason === undefined ? {} : { reason }),
        changedAt: this.time(),
      },
      moved ? "service.moved" : `service.${state}`,
    )
  }

  #putService(service: Service, type: string): void {
    this.#services.set(service.serviceId, service)
    this.#tell("service", type, service.serviceId, service)
  }

  /** Fewest hops, in the order the links were given. */
  #route(service: Service): KeyPath | undefined {
    const from = new Map<string, Hop>()
    const queue = [service.a.qkdnId]
    const seen = new Set(queue)
    for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
      for (const link of this.#links.values()) {
        if (!this.#works(link.qkdlId)) continue
        if (link.a.qkdnId !== at && link.b.qkdnId !== at) continue
        const to = link.a.qkdnId === at ? link.b.qkdnId : link.a.qkdnId
        if (seen.has(to) || service.terms.avoidNodes.includes(to)) continue
        seen.add(to)
        from.set(to, { qkdlId: link.qkdlId, from: at, to })
        queue.push(to)
      }
    }
    const hops: Hop[] = []
    for (let at = service.b.qkdnId; at !== service.a.qkdnId; ) {
      const hop = from.get(at)
      if (hop === undefined) return undefined
      hops.unshift(hop)
      at = hop.from
    }
    return {
      qkdlId: hops.length === 1 ? (hops[0]?.qkdlId ?? "") : testUuid(3, this.#revision),
      hops,
      nodes: [service.a.qkdnId, ...hops.map((hop) => hop.to)],
      rateBps: service.terms.minRateBps,
      phase: "up",
      awaiting: [],
      sinceRevision: this.#revision,
    }
  }

  #tell(topic: Notice["topic"], type: string, id: string, value: unknown, message?: string): void {
    this.#revision += 1
    const notice: Notice = {
      seq: this.lastSeq() + 1,
      time: this.time(),
      topic,
      type,
      id,
      value,
      ...(message === undefined ? {} : { message }),
    }
    this.#journal.push(notice)
    while (this.#journal.length > this.journalLimit) {
      this.#journal.shift()
      this.#firstSeq += 1
    }
    for (const listener of this.#listeners) listener(notice)
  }

  #next(): number {
    this.#random = (this.#random * 1103515245 + 12345) % 2147483648
    return this.#random / 2147483648
  }
}
