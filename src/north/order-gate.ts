// The controller as the REST face sees it while a YANG datastore stands beside it: orders wait while a session holds
// the lock on running (they are refused) or an edit is under way, and are answered once running shows them. What is
// ordered together is decided together. Everything else passes through.

import type {
  BulkOrderEvent,
  BulkVerdict,
  ControllerPort,
  Notice,
  OrderEvent,
  Rehearsal,
  Reply,
} from "../controller/ports.js"
import type { Event } from "../core/event.js"
import type { Network } from "../model/network.js"
import { judgeBulk, rehearse } from "./ports.js"

/** Runs work under the lock of the datastore; `NetworkBackend.ordered`. */
export type Ordered = <T>(work: () => Promise<T>) => Promise<T>

interface Waiting {
  readonly event: Event
  resolve(reply: Reply): void
  reject(error: unknown): void
}

export class OrderGate implements ControllerPort {
  readonly #controller: ControllerPort
  readonly #ordered: Ordered
  #waiting: Waiting[] = []

  constructor(controller: ControllerPort, ordered: Ordered) {
    this.#controller = controller
    this.#ordered = ordered
  }

  get epoch(): string {
    return this.#controller.epoch
  }

  network(): Network {
    return this.#controller.network()
  }

  lastSeq(): number {
    return this.#controller.lastSeq()
  }

  noticesSince(seq: number): readonly Notice[] | null {
    return this.#controller.noticesSince(seq)
  }

  onNotice(listener: (notice: Notice) => void): () => void {
    return this.#controller.onNotice(listener)
  }

  /** Changes nothing, so it waits for nobody. */
  rehearse(order: OrderEvent): Promise<Rehearsal> {
    return rehearse(this.#controller, order)
  }

  judgeBulk(order: BulkOrderEvent): BulkVerdict {
    return judgeBulk(this.#controller, order)
  }

  submit(event: Event): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ event, resolve, reject })
      if (this.#waiting.length === 1) void this.#open()
    })
  }

  /** One turn for all that wait when it comes. */
  async #open(): Promise<void> {
    let batch: readonly Waiting[] | undefined
    const take = (): readonly Waiting[] => {
      batch ??= this.#waiting.splice(0)
      return batch
    }
    try {
      const replies = await this.#ordered(() =>
        Promise.allSettled(take().map(({ event }) => this.#controller.submit(event))),
      )
      for (const [i, one] of take().entries()) {
        const reply = replies[i]
        if (reply?.status === "fulfilled") one.resolve(reply.value)
        else one.reject(reply?.reason)
      }
    } catch (error) {
      for (const one of take()) one.reject(error)
    }
  }
}
