// A network that lives: services come, change and leave, links are cut, mended and drift, somebody re-optimises; at random,
// by a sequence of numbers from 0 to 1. Every event goes to admission and to the second count alike.

import { Admission, type Outcome } from "../../src/engine/admission.js"
import type { PathGraph } from "../../src/engine/path-graph.js"
import type { RateTerms } from "../../src/engine/service-terms.js"
import { NetworkLedger } from "./network-ledger.js"

export type LifeEvent = "arrive" | "change" | "leave" | "cut" | "mend" | "drift" | "re-optimise"

export interface LifeOptions {
  readonly random: () => number
  /** Services there are about, once it has run for a while. */
  readonly about: number
  /** Of the least that a service asks for, to the most: whole bits per second. */
  readonly rateBps: readonly [number, number]
  readonly preempt: boolean
  readonly shareReserve: boolean
  /** Moves services; by default some are offered another path at random. */
  readonly reoptimise?: (admission: Admission) => number
}

export class NetworkLife {
  readonly admission: Admission
  readonly ledger: NetworkLedger
  readonly counts = new Map<string, number>()
  readonly #graph: PathGraph
  readonly #nominal: Float64Array
  readonly #options: LifeOptions
  readonly #ids: string[] = []
  readonly #down: number[] = []
  #last = 0

  constructor(graph: PathGraph, rateBps: Float64Array, options: LifeOptions) {
    this.#graph = graph
    this.#nominal = rateBps.map(Math.floor)
    this.#options = options
    this.admission = new Admission(
      graph,
      { rateBps: this.#nominal, passableNodes: new Uint8Array(graph.nodeCount).fill(1) },
      options,
    )
    this.ledger = new NetworkLedger(graph, this.#nominal)
  }

  step(): LifeEvent {
    const event = this.#choose()
    this.#count(event)
    for (const { kind } of this.#play(event)) this.#count(`service ${kind}`)
    return event
  }

  #choose(): LifeEvent {
    const chance = this.#options.random()
    const full = this.#ids.length / this.#options.about
    if (chance < 0.03) return "cut"
    if (chance < 0.062) return "mend"
    if (chance < 0.2) return "drift"
    if (chance < 0.27) return "change"
    if (chance < 0.28) return "re-optimise"
    return this.#options.random() * 2 < full ? "leave" : "arrive"
  }

  #play(event: LifeEvent): readonly Outcome[] {
    switch (event) {
      case "arrive": {
        this.#last += 1
        const id = `s${this.#last}`
        const outcomes = this.admission.arrive(id, this.#terms())
        if (outcomes[0]?.kind === "admitted") this.#ids.push(id)
        return outcomes
      }
      case "change": {
        const id = this.#ids[this.#below(this.#ids.length)]
        const before = id === undefined ? undefined : this.admission.service(id)?.terms
        if (id === undefined || before === undefined) return []
        const { from, to } = before
        return this.admission.change(id, { ...this.#terms(), from, to })
      }
      case "leave": {
        const place = this.#below(this.#ids.length)
        const id = this.#ids[place]
        if (id === undefined) return []
        this.#ids[place] = this.#ids.at(-1) ?? ""
        this.#ids.pop()
        return this.admission.leave(id)
      }
      case "cut": {
        // At most a few at once: a network in pieces tries nothing.
        if (this.#down.length >= Math.max(1, this.#graph.linkCount / 20)) return []
        const link = this.#below(this.#graph.linkCount)
        if (!this.#down.includes(link)) this.#down.push(link)
        this.ledger.cut(link)
        return this.admission.cut(link)
      }
      case "mend": {
        const link = this.#down.shift()
        if (link === undefined) return []
        this.ledger.mend(link)
        return this.admission.mend(link)
      }
      case "drift": {
        const link = this.#below(this.#graph.linkCount)
        const rateBps = Math.floor((this.#nominal[link] ?? 0) * (0.5 + this.#options.random()))
        this.ledger.drift(link, rateBps)
        return this.admission.drift(link, rateBps)
      }
      case "re-optimise": {
        const moved = this.#options.reoptimise?.(this.admission) ?? this.#shuffle()
        this.counts.set("moves made", (this.counts.get("moves made") ?? 0) + moved)
        return []
      }
    }
  }

  /** Offers one service the paths of another between the same nodes, and a path that is none. */
  #shuffle(): number {
    const services = [...this.admission.services()].filter(({ paths }) => paths.length === 1)
    const one = services[this.#below(services.length)]
    const other = services.find(
      ({ id, terms }) =>
        id !== one?.id && terms.from === one?.terms.from && terms.to === one.terms.to,
    )
    if (one === undefined || other === undefined) return 0
    return this.admission.move(one.id, other.paths) ? 1 : 0
  }

  #terms(): RateTerms {
    const { random, rateBps } = this.#options
    const from = this.#below(this.#graph.nodeCount)
    const to = (from + 1 + this.#below(this.#graph.nodeCount - 1)) % this.#graph.nodeCount
    const [least, most] = rateBps
    const minBps = random() < 0.1 ? 0 : Math.round(least * (most / least) ** random())
    const kinds = ["none", "restore", "restore", "reserved", "1+1"] as const
    const protection = kinds[this.#below(kinds.length)] ?? "none"
    const many = (protection === "none" || protection === "restore") && random() < 0.2
    return {
      from,
      to,
      minBps,
      maxBps: minBps + this.#below(most),
      priority: this.#below(4),
      weight: 1 + this.#below(3),
      protection,
      tolerance: many ? 1 : 0,
    }
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  #below(limit: number): number {
    return Math.floor(this.#options.random() * limit)
  }
}
