// A filling announced to the network's controller as a bulk order, so that the key for it is made ahead and others are
// scheduled around it. Optional: without a controller, or when it says no, keys come as the key manager gives them.

import { asQkdError } from "../errors.js"
import type { OrderDesk, PlacedOrder, Watch } from "./hsm-ports.js"

export interface HsmOrdersSetting {
  readonly peer: string
  readonly fromSaeId: string
  readonly toSaeId: string
  readonly keySizeBits: number
  /** From its order to the deadline. */
  readonly fillWithinMs: number
}

export interface HsmOrdersPorts {
  readonly desk: OrderDesk
  readonly watch: Watch
  readonly now: () => number
}

/** What `status` shows. */
export interface OrderStatus extends Partial<PlacedOrder> {
  /** Why the controller could not be asked, or said no. */
  readonly fault?: string
}

export class HsmOrders {
  readonly #setting: HsmOrdersSetting
  readonly #ports: HsmOrdersPorts
  #placed: PlacedOrder | undefined
  #fault: string | undefined
  #asking: Promise<void> | undefined

  constructor(setting: HsmOrdersSetting, ports: HsmOrdersPorts) {
    this.#setting = setting
    this.#ports = ports
  }

  get status(): OrderStatus | undefined {
    if (this.#placed === undefined && this.#fault === undefined) return undefined
    return { ...this.#placed, ...(this.#fault === undefined ? {} : { fault: this.#fault }) }
  }

  /** Once a round, before it. Never rejects: filling does not depend on it. @param lacking keys that are to be made */
  tend(lacking: number): Promise<void> {
    this.#asking ??= this.#ask(lacking).finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #ask(lacking: number): Promise<void> {
    const { peer } = this.#setting
    try {
      if (this.#placed !== undefined && isOpen(this.#placed)) {
        const known = await this.#ports.desk.look(this.#placed.orderId)
        this.#take(known)
      }
      // After a restart it goes on with what was ordered before.
      if (this.#placed === undefined && lacking > 0) {
        const { fromSaeId, toSaeId } = this.#setting
        this.#take(await this.#ports.desk.find(fromSaeId, toSaeId))
      }
      const isFree = this.#placed === undefined || !isOpen(this.#placed)
      if (isFree && lacking > 0) this.#take(await this.#place(lacking))
      this.#fault = undefined
    } catch (error) {
      const { message } = asQkdError(error)
      if (message !== this.#fault)
        this.#ports.watch.alarm("order-failed", { peer, reason: message })
      this.#fault = message
    }
  }

  #place(keys: number): Promise<PlacedOrder> {
    const { fromSaeId, toSaeId, keySizeBits, fillWithinMs } = this.#setting
    const { desk, now } = this.#ports
    const deadlineMs = now() + fillWithinMs
    return desk.place({ fromSaeId, toSaeId, keySizeBits, keys, deadlineMs })
  }

  #take(order: PlacedOrder | undefined): void {
    const { peer } = this.#setting
    const { watch } = this.#ports
    const before = this.#placed
    this.#placed = order
    if (order === undefined) return
    const { orderId, state, keys, late } = order
    if (before?.orderId !== orderId) watch.note("order-placed", { peer, orderId, keys })
    if (!isOpen(order)) watch.note("order-over", { peer, orderId, state })
    else if (late && before?.late !== true) {
      const forecast = order.forecast ?? "unknown"
      watch.alarm("order-late", { peer, orderId, forecast })
    }
  }
}

function isOpen({ state }: PlacedOrder): boolean {
  return state !== "completed" && state !== "cancelled"
}
