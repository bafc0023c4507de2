// Keys as the xor of shares, each of which travels over a path of its own (THREATS R1). All but one share are drawn
// at random and the last makes the sum right, so that any of them, one missing, are uniform and say nothing of the
// key. Splits, collects and combines; knows no path, disk or clock.

import { QkdError } from "../errors.js"
import type { Consignment, RelayHeader } from "./relay-header.js"
import { Secret } from "./secret.js"
import { xorInto } from "./xor.js"

/** So many shares whose xor is `keys`, which is lent. The caller wipes them. */
export function splitIntoShares(
  keys: Secret,
  count: number,
  random: (bytes: number) => Uint8Array,
): Secret[] {
  const last = keys.slice(0, keys.lengthBytes)
  const drawn = Array.from({ length: count - 1 }, () => Secret.take(random(keys.lengthBytes)))
  last.use((sum) => {
    for (const share of drawn) {
      share.use((bytes) => {
        xorInto(sum, bytes)
      })
    }
  })
  return [...drawn, last]
}

/** The keys. @throws RangeError without a share, or when their lengths differ. */
export function combineShares(shares: readonly Secret[]): Secret {
  const [first, ...others] = shares
  if (first === undefined) throw new RangeError("no share")
  const keys = first.slice(0, first.lengthBytes)
  keys.use((sum) => {
    for (const share of others) {
      share.use((bytes) => {
        xorInto(sum, bytes)
      })
    }
  })
  return keys
}

/** A share that has come, its source's signature found right. */
export interface ArrivedShare {
  readonly header: RelayHeader
  readonly keys: Secret
  /** Of its path, this node's own hop included. */
  readonly epsilon: number | undefined
}

/** The shares of one batch of keys, until they are complete or their time is up. */
export class ShareCollection {
  readonly #shares = new Map<number, ArrivedShare>()

  get shares(): ArrivedShare[] {
    return Array.from(this.#shares.values()).sort((a, b) => indexOf(a.header) - indexOf(b.header))
  }

  get isComplete(): boolean {
    const [first] = this.#shares.values()
    return first?.header.share?.count === this.#shares.size
  }

  /**
   * Takes a share in; true when it is new. The same again changes nothing and is wiped by the caller.
   *
   * @throws QkdError `data-exists` when it contradicts what is here; app-tag `policy` when its path meets another's
   */
  add(share: ArrivedShare): boolean {
    const { header, keys } = share
    const held = this.#shares.get(indexOf(header))
    if (held !== undefined) {
      if (held.header.transferId === header.transferId && sameBytes(held.keys, keys)) return false
      throw new QkdError("data-exists", "the same share was given twice and differs")
    }
    for (const other of this.#shares.values()) {
      if (!sameWhole(other.header, header))
        throw new QkdError("data-exists", "the shares are not of the same keys")
      const shared = sharedRelay(other.header.nodes, header.nodes)
      if (shared !== undefined)
        throw new QkdError("access-denied", `two shares passed ${shared}`, { appTag: "policy" })
      if (other.header.pathQkdlId === header.pathQkdlId)
        throw new QkdError("access-denied", "two shares took one path", { appTag: "policy" })
    }
    this.#shares.set(indexOf(header), share)
    return true
  }

  wipe(): void {
    for (const { keys } of this.#shares.values()) keys.wipe()
    this.#shares.clear()
  }
}

/** A node that is on both paths and no end of them; `nodes` begin with the source. */
export function sharedRelay(one: readonly string[], other: readonly string[]): string | undefined {
  return one.slice(1).find((node) => other.slice(1).includes(node))
}

function indexOf({ share }: Consignment): number {
  return share?.index ?? 0
}

function sameWhole(a: Consignment, b: Consignment): boolean {
  return (
    a.share?.groupId === b.share?.groupId &&
    a.share?.count === b.share?.count &&
    a.appId === b.appId &&
    a.source === b.source &&
    a.destination === b.destination &&
    a.masterSaeId === b.masterSaeId &&
    a.keySizeBits === b.keySizeBits &&
    a.ttlS === b.ttlS &&
    a.extensions === b.extensions &&
    a.slaveSaeIds.join("\n") === b.slaveSaeIds.join("\n") &&
    a.keyIds.join() === b.keyIds.join()
  )
}

function sameBytes(a: Secret, b: Secret): boolean {
  return a.use((x) => b.use((y) => Buffer.compare(x, y) === 0))
}
