// Makes end keys: draws them, hands them to a transfer for each site that has slaves, and keeps them only when every
// far end has stored them. Keys of a group go to each site once, over a path of its own: a leg. One leg that fails
// voids them all.

import { QkdError } from "../errors.js"
import { uuidFrom, uuidsFrom } from "../keys/bytes.js"
import type { Consignment } from "../keys/relay-header.js"
import { RELAY_LIMITS } from "../keys/relay-header.js"
import { backingsOf, farEndOf } from "../keys/relay-rules.js"
import { Secret } from "../keys/secret.js"
import type { KeyManagerLimits } from "./key-manager-options.js"
import type { Carried, KeyTransfers } from "./key-transfers.js"
import type { LinkTable } from "./link-table.js"

export interface KeyMakerOptions {
  readonly links: LinkTable
  readonly transfers: KeyTransfers
  readonly random: (bytes: number) => Uint8Array
  readonly limits: KeyManagerLimits
}

/** Slaves of one site, reached over the path of the association that joins one of them to the master. */
export interface TransferLeg {
  readonly appId: string
  readonly slaveSaeIds: readonly string[]
}

export interface TransferOrder {
  readonly masterSaeId: string
  /** Each to another site; none where the keys stay here. */
  readonly legs: readonly TransferLeg[]
  readonly count: number
  readonly keySizeBits: number
  /** How long they may wait at the far ends, where that is less than their associations allow. */
  readonly ttlS?: number
  /** Keys that another domain has made; drawn where absent. Lent. */
  readonly given?: GivenKeys
}

export interface GivenKeys {
  readonly keyIds: readonly string[]
  /** All keys, one after the other. */
  readonly keys: Secret
  /** Optional extensions that go on with them. */
  readonly extensions?: string
}

/** Keys that every far end has stored. */
export interface MadeBatch {
  readonly keyIds: readonly string[]
  readonly keySizeBits: number
  /** All keys, one after the other. */
  readonly keys: Secret
  readonly legs: readonly MadeLeg[]
}

export interface MadeLeg {
  readonly offer: Consignment
  readonly carried: Carried
}

/** Key bytes in one message: small enough that pads of tiny blocks still fit its header. */
const MESSAGE_BYTES = 1 << 15
/** The same where each hop adds a ciphertext of that size: as many as a path may have fit a frame. */
const COMBINED_BYTES = 3072
/** How often one request follows its association to another path. */
const MAX_MOVES = 2

export class KeyMaker {
  readonly #options: KeyMakerOptions

  constructor(options: KeyMakerOptions) {
    this.#options = options
  }

  /** The links that back the association now, joined by spaces; undefined without one. */
  pathOf(appId: string): string | undefined {
    return this.#options.transfers.pathOf(appId)
  }

  /**
   * When an association was moved to another path meanwhile, fresh keys are made over that one: what failed on
   * the old path is void and never sent again. The caller wipes the keys.
   *
   * @throws QkdError as `KeyManager.makeKeys`.
   */
  async make(order: TransferOrder): Promise<MadeBatch[]> {
    checkAmount(order.count, order.keySizeBits, this.#options.limits.pool.maxHeldBytes)
    for (let moves = 0; ; moves += 1) {
      const paths = this.#pathsOf(order)
      try {
        return await this.#makeOver(order)
      } catch (fault) {
        // Given keys are never sent twice: nobody could tell which of two batches holds them.
        if (
          order.given !== undefined ||
          moves >= MAX_MOVES ||
          paths === this.#pathsOf(order) ||
          !isOfPath(fault)
        )
          throw fault
      }
    }
  }

  /** Takes back keys of which none was handed out. */
  voidBatch({ legs }: MadeBatch): void {
    const { links, transfers } = this.#options
    for (const { offer } of legs) if (offer.destination !== links.qkdnId) transfers.voidWhole(offer)
  }

  #pathsOf({ legs }: TransferOrder): string {
    return legs.map(({ appId }) => this.pathOf(appId) ?? "").join()
  }

  async #makeOver(order: TransferOrder): Promise<MadeBatch[]> {
    const { transfers } = this.#options
    const { keySizeBits, legs } = order
    const drawn = this.#batchesOf(order)
    try {
      const sent = drawn.flatMap(({ keyIds, keys }) =>
        legs.map((leg) => ({ keys, offer: this.#offerOf(order, leg, keyIds) })),
      )
      const outcomes = await Promise.allSettled(
        sent.map(({ keys, offer }) => transfers.transfer(offer, keys)),
      )
      const arrived = sent.flatMap(({ keys, offer }, at) => {
        const outcome = outcomes[at]
        return outcome?.status === "fulfilled" ? [{ keys, offer, carried: outcome.value }] : []
      })
      const fault = outcomes.find((outcome) => outcome.status === "rejected")
      if (fault !== undefined) {
        // Those that failed have been voided already.
        for (const { offer } of arrived) transfers.voidWhole(offer)
        throw fault.reason
      }
      return drawn.map(({ keyIds, keys }) => {
        return { keyIds, keySizeBits, keys, legs: arrived.filter((one) => one.keys === keys) }
      })
    } catch (cause) {
      for (const { keys } of drawn) keys.wipe()
      throw cause
    }
  }

  /** Ids and bytes, as many in one as a message carries. */
  #batchesOf(order: TransferOrder): GivenKeys[] {
    const { random } = this.#options
    const { count, keySizeBits, given } = order
    const [most, bytes] = [this.#keysPerMessage(order), keySizeBits / 8]
    return Array.from({ length: Math.ceil(count / most) }, (_, i) => {
      const [from, size] = [i * most, Math.min(most, count - i * most)]
      if (given !== undefined) {
        const keyIds = given.keyIds.slice(from, from + size)
        return { keyIds, keys: given.keys.slice(from * bytes, size * bytes) }
      }
      // In one draw: of a single key, two cost more than the bytes.
      const drawn = random(size * (16 + bytes))
      const keyIds = uuidsFrom(Uint8Array.from(drawn.subarray(0, size * 16)), size)
      return { keyIds, keys: Secret.take(drawn.subarray(size * 16)) }
    })
  }

  /** Where the destination combines, a message grows with every hop. */
  #keysPerMessage({ legs, keySizeBits }: TransferOrder): number {
    const combined = legs.some(
      ({ appId }) => this.#options.links.app(appId)?.relayScheme === "destination-combines",
    )
    const most = combined ? COMBINED_BYTES : MESSAGE_BYTES
    return Math.max(1, Math.min(1024, Math.floor(most / (keySizeBits / 8))))
  }

  #offerOf(
    { masterSaeId, keySizeBits, ttlS = Infinity, given }: TransferOrder,
    { appId, slaveSaeIds }: TransferLeg,
    keyIds: readonly string[],
  ): Consignment {
    const { links, random, limits } = this.#options
    const app = links.app(appId)
    if (app === undefined) throw noPath(`no association ${appId} here`)
    const [entry] = backingsOf(links, app)
    if (entry === undefined) throw noPath(`association ${appId} has no backing link here`)
    return {
      transferId: uuidFrom(random(16)),
      appId,
      pathQkdlId: entry.qkdlId,
      source: links.qkdnId,
      destination: farEndOf(links, entry),
      masterSaeId,
      slaveSaeIds,
      keyIds,
      keySizeBits,
      ttlS: Math.min(ttlS, app.qos.ttlS || limits.defaultTtlS),
      ...(given?.extensions !== undefined && { extensions: given.extensions }),
    }
  }
}

/** Faults that another path may not have. */
function isOfPath(fault: unknown): boolean {
  const appTag = fault instanceof QkdError ? fault.appTag : undefined
  return appTag === "no-path" || appTag === "pool-empty" || appTag === "timeout"
}

/** @throws QkdError `invalid-value`, `too-big`, or app-tag `pool-empty` beyond what a link ever holds */
export function checkAmount(count: number, keySizeBits: number, mostBytes: number): void {
  if (!Number.isInteger(count) || count < 1)
    throw new QkdError("invalid-value", "the number of keys is a positive integer")
  if (!Number.isInteger(keySizeBits) || keySizeBits < 8 || keySizeBits % 8 !== 0)
    throw new QkdError("invalid-value", "size shall be a multiple of 8")
  if (keySizeBits / 8 > RELAY_LIMITS.bytes)
    throw new QkdError("too-big", `keys have at most ${RELAY_LIMITS.bytes * 8} bits`)
  // No link ever holds more: refused before memory is taken for it (THREATS T4).
  if ((count * keySizeBits) / 8 > mostBytes)
    throw new QkdError("resource-denied", "a link's stock is less than these keys together", {
      appTag: "pool-empty",
    })
}

function noPath(message: string): QkdError {
  return new QkdError("operation-failed", message, { appTag: "no-path" })
}
