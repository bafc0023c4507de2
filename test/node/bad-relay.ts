// A relay node that has been taken over: it has its pads and its connections, makes right tags, and does with what
// it forwards as it likes. Everything else of it is the real node.

import type { Cargo } from "../../src/keys/relay-message.js"
import { RelaySender } from "../../src/node/relay-sender.js"

export type Doing = (cargo: Cargo, transferId: string) => "send" | "drop"

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own `this` below
const honest = RelaySender.prototype.send

/** Until `recover`: what `qkdnId` forwards goes through `doing` first. */
export function takeOver(qkdnId: string, doing: Doing): void {
  RelaySender.prototype.send = function (hop, offer, nodes, cargo, epsilon) {
    if (nodes.at(-1) === qkdnId && nodes.length > 1 && doing(cargo, offer.transferId) === "drop")
      return Promise.resolve()
    return honest.call(this, hop, offer, nodes, cargo, epsilon)
  }
}

export function recover(): void {
  RelaySender.prototype.send = honest
}

/** Changes one bit of what is forwarded. */
export function flipBit(bit: number): Doing {
  return ({ secret }) => {
    secret.use((bytes) => {
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    })
    return "send"
  }
}
