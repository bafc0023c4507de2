// An outlet: a process of its own beside the node's, to which connections of SAEs are handed whole. It ends TLS, reads
// HTTP and judges who calls by the site policy; what it cannot answer by itself it asks the node. It holds no pool, no
// store and no sealing key.

import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { parsePolicy } from "../keys/policy-document.js"
import type { SitePolicy } from "../keys/policy.js"
import { QkdError } from "../errors.js"
import type { Frame } from "../transport/frames.js"
import { unmovedBuffer } from "../unmoved.js"
import { AuditTrail } from "./audit.js"
import { tellHeads } from "./audit-heads.js"
import { deliveryText } from "./delivery-record.js"
import type { Answer } from "./etsi014-answer.js"
import { etsi014Face } from "./etsi014.js"
import { serveFace } from "./http-face.js"
import type { HandedFace } from "./http-face.js"
import type { Log, LogFacts } from "./log.js"
import { OutletChannel } from "./outlet-channel.js"
import { LOT_TICK_MS, OutletLots } from "./outlet-lots.js"
import { faceTlsOf, outletFault } from "./outlet-messages.js"
import type {
  OutletChange,
  OutletNews,
  OutletOrder,
  OutletQuestion,
  OutletSetup,
} from "./outlet-messages.js"
import { OutletMethods } from "./outlet-methods.js"

export class Outlet {
  readonly #channel: OutletChannel
  readonly #asked = new Map<number, (answer: Answer) => void>()
  readonly #lots = new OutletLots({
    fill: ({ count, ...pair }) => {
      this.#say({ op: "fill", pair, count })
    },
    used: (lots) => {
      this.#say({ op: "used", lots })
    },
    back: (lot, used, rest) => {
      rest.use((bytes) => {
        this.#channel.send({ op: "back", lot, used }, bytes)
      })
    },
  })
  #nextId = 1
  #close: () => Promise<void> = () => Promise.resolve()
  #policy: SitePolicy | undefined
  #face: HandedFace | undefined

  /** @param onEnd the node is gone, or has closed this outlet: there is nothing left to do */
  constructor(pipe: Duplex, onEnd: () => void) {
    this.#channel = new OutletChannel(
      pipe,
      "outlet",
      (frame) => {
        this.#hear(frame.header as OutletOrder, frame)
      },
      onEnd,
    )
  }

  /** A connection of which nothing has been read. */
  take(socket: Socket): void {
    this.#say({ op: "took" })
    if (this.#face === undefined) socket.destroy()
    else this.#face.take(socket)
  }

  #hear(order: OutletOrder, { bytes }: Frame): void {
    if (order.op === "answer") {
      this.#answered(order, bytes)
      return
    }
    if (order.op === "lot") {
      this.#lots.filled(order.pair, order.lot, bytes)
      return
    }
    const { id } = order
    this.#change(order).then(
      (ended) => {
        this.#say({ op: "done", id, ended })
      },
      (fault: unknown) => {
        this.#say({ op: "failed", id, fault: outletFault(fault) })
      },
    )
  }

  /** @returns how many connections ended because their certificates are revoked now */
  async #change(order: OutletChange): Promise<number> {
    switch (order.op) {
      case "start":
        await this.#start(order.setup)
        return 0
      case "policy":
        this.#policy = policyOf(order.policy)
        this.#lots.recall()
        return 0
      case "recall":
        this.#lots.recall()
        return 0
      case "renew":
        return this.#face?.renew(faceTlsOf(order.tls)) ?? 0
      case "close":
        await this.#close()
        return 0
    }
  }

  async #start(setup: OutletSetup): Promise<void> {
    const { tls, policy, saeIdentity, limits, maxSaeIdCount, auditFile, nth } = setup
    const first = policyOf(policy)
    this.#policy = first
    const trail = await AuditTrail.open(auditFile, Date.now)
    const lastHead = tellHeads(trail, this.#log, { outlet: nth })
    const methods = new OutletMethods({
      policy: () => this.#policy ?? first,
      audit: (record) => trail.appendText(deliveryText(record)),
      auditable: () => {
        trail.admit()
      },
      maxSaeIdCount,
      lots: this.#lots,
      ask: (question) => this.#ask(question),
      log: this.#log,
    })
    const ticking = setInterval(() => {
      this.#lots.tick()
    }, LOT_TICK_MS)
    this.#close = async () => {
      clearInterval(ticking)
      await this.#face?.close()
      this.#lots.close()
      await trail.close()
      lastHead()
    }
    const face = etsi014Face({
      ...{ tls: faceTlsOf(tls), saeIdentity, limits },
      policy: () => this.#policy ?? first,
      methods,
      log: this.#log,
    })
    this.#face = serveFace(face)
  }

  #ask(question: OutletQuestion): Promise<Answer> {
    const id = this.#nextId++
    return new Promise((resolve) => {
      this.#asked.set(id, resolve)
      this.#say({ op: "ask", id, question })
    })
  }

  #answered(order: Extract<OutletOrder, { readonly op: "answer" }>, bytes: Uint8Array): void {
    const { op: _, id, ...answer } = order
    const waiting = this.#asked.get(id)
    this.#asked.delete(id)
    if (waiting === undefined) return
    const body = unmovedBuffer(bytes.length)
    body.set(bytes)
    waiting({ ...answer, ...(bytes.length > 0 && { body }) })
  }

  #say(news: OutletNews): void {
    this.#channel.send(news)
  }

  readonly #log: Log = {
    debug: this.#logAt("debug"),
    info: this.#logAt("info"),
    warn: this.#logAt("warn"),
    error: this.#logAt("error"),
  }

  #logAt(level: keyof Log): (facts: LogFacts, message: string) => void {
    return (facts, message) => {
      this.#say({ op: "log", level, facts: plainFacts(facts), message })
    }
  }
}

function policyOf(document: unknown): SitePolicy {
  return parsePolicy(document)
}

/** Errors have no members of their own that JSON would tell. */
function plainFacts(facts: LogFacts): LogFacts {
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [
      name,
      value instanceof Error ? told(value) : value,
    ]),
  )
}

function told(error: Error): LogFacts {
  const { name, message, stack } = error
  const cause = error instanceof QkdError ? error.cause : undefined
  return {
    ...{ name, message, stack },
    ...(cause instanceof Error && { cause: { name: cause.name, message: cause.message } }),
  }
}
