// What a controller needs from outside, in memory: a southbound side whose nodes do as they are told, a clock that
// stands until it is moved. Holds no assertions.

import { Controller, type ControllerOptions } from "../../src/controller/controller.js"
import type { Notice, SouthPort, Store } from "../../src/controller/ports.js"
import type { Event, Reply } from "../../src/core/event.js"
import type { LinkStatus } from "../../src/model/link.js"
import type { NodeConfig, NodeState } from "../../src/model/node.js"
import { MemoryStore } from "../../src/store/memory.js"
import { NOON, nodeEntry } from "../core/lab.js"

export class FakeSouth implements SouthPort {
  readonly managed = new Map<string, string>()
  readonly forgotten: string[] = []
  readonly synced: { qkdnId: string; desired: NodeConfig; revision: number }[] = []
  readonly refused: { qkdnId: string; reason: string; appTag: string }[] = []
  /** Confirms at once, as a node that obeys. */
  submit: ((event: Event) => Promise<Reply>) | undefined

  plan?: NonNullable<SouthPort["plan"]>

  manage(qkdnId: string, driver: string): void {
    this.managed.set(qkdnId, driver)
  }

  forget(qkdnId: string): Promise<void> {
    this.forgotten.push(qkdnId)
    return Promise.resolve()
  }

  sync(qkdnId: string, desired: NodeConfig, revision: number): void {
    this.synced.push({ qkdnId, desired, revision })
    this.submit?.({ kind: "node-synced", qkdnId, revision }).catch(() => undefined)
  }

  refuse(qkdnId: string, request: { reason: string; appTag: string }): void {
    this.refused.push({ qkdnId, reason: request.reason, appTag: request.appTag })
  }

  lastFor(qkdnId: string): NodeConfig | undefined {
    return this.synced.findLast((one) => one.qkdnId === qkdnId)?.desired
  }
}

export class Bench {
  readonly south = new FakeSouth()
  readonly notices: Notice[] = []
  readonly logged: string[] = []
  now = NOON
  readonly #timers: { atMs: number; run: () => void }[] = []
  #ids = 0

  private constructor(
    readonly store: Store,
    readonly controller: Controller,
    options: { bench?: Bench },
  ) {
    options.bench = this
  }

  static async open(
    store: Store = new MemoryStore(),
    more: Partial<ControllerOptions> = {},
  ): Promise<Bench> {
    const later: { bench?: Bench } = {}
    const made = (): Bench => {
      if (later.bench === undefined) throw new Error("not yet")
      return later.bench
    }
    const controller = await Controller.open({
      store,
      now: () => made().now,
      newId: () => made().#nextId(),
      schedule: (delayMs, run) => made().schedule(delayMs, run),
      epoch: "e1",
      log: (_level, message) => made().logged.push(message),
      ...more,
    })
    const bench = new Bench(store, controller, later)
    controller.onNotice((notice) => bench.notices.push(notice))
    controller.start(bench.south)
    return bench
  }

  submit(event: Event): Promise<Reply> {
    return this.controller.submit(event)
  }

  /** Nodes a, b, c in a chain with links a-b and b-c, all up. */
  async chain(): Promise<void> {
    for (const name of ["a", "b", "c"]) {
      await this.submit({ kind: "node-added", node: nodeEntry(name) })
    }
    for (const [link, a, b] of [
      ["a-b", { qkdnId: "a", qkdiId: 1 }, { qkdnId: "b", qkdiId: 1 }],
      ["b-c", { qkdnId: "b", qkdiId: 2 }, { qkdnId: "c", qkdiId: 1 }],
    ] as const) {
      await this.submit({ kind: "link-added", link: { qkdlId: link, a, b, skrBps: 1000 } })
    }
    for (const name of ["a", "b", "c"]) await this.connect(name)
    await this.status("a-b", "ACTIVE")
    await this.status("b-c", "ACTIVE")
    await this.settle()
  }

  async connect(qkdnId: string): Promise<void> {
    const state: NodeState = {
      qkdnId,
      capabilities: { linkStats: true, applicationStats: true, keyRelay: true },
      interfaces: [],
      links: [],
      apps: [],
      peers: [],
    }
    await this.submit({ kind: "node-connected", qkdnId, state })
  }

  async status(qkdlId: string, status: LinkStatus): Promise<void> {
    for (const qkdnId of qkdlId.split("-")) {
      const event = { kind: "event", resource: { kind: "link", qkdlId, status } } as const
      await this.submit({ kind: "node-event", qkdnId, atMs: this.now, event })
    }
  }

  async request(a: string, b: string, minBps?: number): Promise<void> {
    await this.submit({
      kind: "node-event",
      qkdnId: a,
      atMs: this.now,
      event: {
        kind: "app-new",
        serverAppId: `sae-${a}`,
        clientAppIds: [`sae-${b}`],
        appType: "CLIENT",
        priority: 0,
        qos: minBps === undefined ? {} : { minBps },
      },
    })
  }

  /** Until nothing is left to decide. */
  async settle(): Promise<void> {
    for (let rounds = 0; rounds < 50; rounds += 1) {
      await new Promise<void>((resolve) => {
        setImmediate(resolve)
      })
    }
  }

  /** Lets time pass and rings what is due. */
  async pass(ms: number): Promise<void> {
    this.now += ms
    for (const timer of this.#timers.filter((one) => one.atMs <= this.now)) {
      this.#timers.splice(this.#timers.indexOf(timer), 1)
      timer.run()
    }
    await this.settle()
  }

  /** A timer of this bench's clock. Returns the way to call it off. */
  schedule(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.now + delayMs, run }
    this.#timers.push(timer)
    return () => {
      const place = this.#timers.indexOf(timer)
      if (place >= 0) this.#timers.splice(place, 1)
    }
  }

  #nextId(): string {
    this.#ids += 1
    return `00000000-0000-4000-8000-${String(this.#ids).padStart(12, "0")}`
  }
}
