// The men in the middle of the key plane's chaos test: they repeat, delay and reorder relay messages and what
// answers them, and report each message as its sender put it on the wire.

import type { Frame } from "../../src/node/relay-wire.js"
import { copyOf } from "../node/relay-proxy.js"
import type { RelayProxy, Tamper } from "../node/relay-proxy.js"

const MEDDLED: readonly Frame["kind"][] = ["relay", "ack", "nack", "void"]

export interface MeddlerReport {
  repeated: number
  delayed: number
  swapped: number
}

export class Meddler {
  readonly report: MeddlerReport = { repeated: 0, delayed: 0, swapped: 0 }
  /** Share of messages that each happens to. */
  repeatShare = 0
  delayShare = 0
  swapShare = 0
  readonly #onRelay: (frame: Frame) => void

  constructor(onRelay: (frame: Frame) => void) {
    this.#onRelay = onRelay
  }

  on(proxy: RelayProxy): Tamper {
    const held = new Map<string, Frame>()
    return (frame, from) => {
      if (frame.kind === "relay") this.#onRelay(frame)
      if (!MEDDLED.includes(frame.kind)) return { on: [frame] }
      const to = from === "dialler" ? "listener" : "dialler"
      const before = held.get(from)
      if (before !== undefined) {
        held.delete(from)
        this.report.swapped++
        return { on: [frame, before] }
      }
      const dice = Math.random()
      if (dice < this.repeatShare) {
        this.report.repeated++
        return { on: [frame, frame], back: frame.kind === "relay" ? [frame] : [] }
      }
      if (dice < this.repeatShare + this.delayShare) {
        this.report.delayed++
        const late = copyOf(frame)
        setTimeout(() => {
          proxy.inject(to, late)
        }, Math.random() * 4000)
        return { on: [] }
      }
      if (dice < this.repeatShare + this.delayShare + this.swapShare) {
        held.set(from, copyOf(frame))
        return { on: [] }
      }
      return { on: [frame] }
    }
  }
}
