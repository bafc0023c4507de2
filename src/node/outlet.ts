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
import type { Answer } from "./etsi014-answer.js"
import { etsi014Face } from "./etsi014.js"
import type { Etsi014Methods } from "./etsi014-methods.js"
import type { Etsi014Target } from "./etsi014-request.js"
import { serveFace } from "./http-face.js"
import type { HandedFace } from "./http-face.js"
import type { Log, LogFacts } from "./log.js"
import { OutletChannel } from "./outlet-channel.js"
import { faceTlsOf, outletFault } from "./outlet-messages.js"
import type { OutletNews, OutletOrder, OutletQuestion, OutletSetup } from "./outlet-messages.js"

export class Outlet {
  readonly #channel: OutletChannel
  readonly #asked = new Map<number, (answer: Answer) => void>()
  #nextId = 1
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
  async #change(order: Exclude<OutletOrder, { readonly op: "answer" }>): Promise<number> {
    switch (order.op) {
      case "start":
        this.#start(order.setup)
        return 0
      case "policy":
        this.#policy = policyOf(order.policy)
        return 0
      case "renew":
        return this.#face?.renew(faceTlsOf(order.tls)) ?? 0
      case "close":
        await this.#face?.close()
        return 0
    }
  }

  #start({ tls, policy, saeIdentity, limits }: OutletSetup): void {
    const first = policyOf(policy)
    this.#policy = first
    const face = etsi014Face({
      ...{ tls: faceTlsOf(tls), saeIdentity, limits },
      policy: () => this.#policy ?? first,
      methods: this.#methods,
      log: this.#log,
    })
    this.#face = serveFace(face)
  }

  readonly #methods: Etsi014Methods = {
    get: (saeId, { method, saeId: peerSaeId, query }: Etsi014Target) =>
      this.#ask({ saeId, method, peerSaeId, ...(query !== undefined && { query }) }),
    post: (saeId, { method, saeId: peerSaeId }, text) =>
      this.#ask({ saeId, method, peerSaeId, text }),
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

  readonly #log: Log = Object.fromEntries(
    (["debug", "info", "warn", "error"] as const).map((level) => [
      level,
      (facts: LogFacts, message: string) => {
        this.#say({ op: "log", level, facts: plainFacts(facts), message })
      },
    ]),
  ) as unknown as Log
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
