// What a node does with end keys that have come to it as their destination: waits for the configuration that goes
// with them, collects shares until they are complete, stores the keys, and only then acknowledges, signed. Nothing
// of an incomplete batch is stored: it is wiped when its time is up, and the source never hears that it came.

import type { KeyObject } from "node:crypto"
import { asQkdError } from "../errors.js"
import type { QkdError } from "../errors.js"
import { sumEpsilon } from "../keys/epsilon.js"
import { wholeOf } from "../keys/relay-header.js"
import type { RelayHeader } from "../keys/relay-header.js"
import { checkDestination } from "../keys/relay-rules.js"
import { combineShares, ShareCollection } from "../keys/shares.js"
import type { ArrivedShare } from "../keys/shares.js"
import type { KeyDeposit } from "./border.js"
import type { KeyManagerAlarm, KeyManagerLimits } from "./key-manager-options.js"
import type { LinkTable } from "./link-table.js"
import type { Log } from "./log.js"
import { RelayAcks } from "./relay-acks.js"
import type { RelayPeer } from "./relay-peer.js"
import { encodeNack } from "./relay-wire.js"
import type { NackReason } from "./relay-wire.js"
import { signNack } from "./signing.js"

export interface RelayArrivalsOptions {
  readonly links: LinkTable
  readonly endKeys: () => KeyDeposit
  readonly peer: (qkdnId: string) => RelayPeer | undefined
  readonly signKey: KeyObject
  readonly limits: KeyManagerLimits
  readonly log: Log
  readonly onAlarm: (alarm: KeyManagerAlarm) => void
}

interface Parked {
  readonly share: ArrivedShare
  readonly timer: NodeJS.Timeout
}

interface Gathering {
  readonly shares: ShareCollection
  readonly source: string
  readonly timer: NodeJS.Timeout
}

const MAX_PARKED = 256
const MAX_GATHERING = 1024

export class RelayArrivals {
  readonly #options: RelayArrivalsOptions
  readonly #acks: RelayAcks
  readonly #parked = new Map<string, Parked>()
  /** By the transfer id of the keys as a whole. */
  readonly #gathering = new Map<string, Gathering>()

  /** Paths over which shares were missed lately. */
  readonly #silent = new Set<string>()

  constructor(options: RelayArrivalsOptions) {
    this.#options = options
    this.#acks = new RelayAcks(options.signKey, options.peer)
  }

  /** Keys, or a share of them, that are what their source signed. Taken over: wiped here. */
  take(share: ArrivedShare): Promise<void> {
    return this.#arrive(share, "park")
  }

  /** What came is not what its source has signed: nothing of that batch is taken. */
  altered(header: RelayHeader): void {
    const gathering = this.#end(header.share?.groupId)
    const others = gathering?.shares.shares.map((share) => share.header) ?? []
    gathering?.shares.wipe()
    for (const one of [header, ...others]) this.#refuse(one, "altered", [header.pathQkdlId])
  }

  /** The source takes back what may not even be stored yet. */
  drop(transferId: string, source: string): void {
    if (this.#gathering.get(transferId)?.source === source) this.#end(transferId)?.shares.wipe()
    for (const [id, { share }] of Array.from(this.#parked)) {
      if (share.header.source !== source || wholeOf(share.header).transferId !== transferId)
        continue
      this.#unpark(id)?.share.keys.wipe()
    }
  }

  /** The configuration has changed: what waited for it is looked at again. */
  configured(): void {
    for (const [transferId, { share }] of Array.from(this.#parked)) {
      // Their time runs on: nobody keeps keys here for ever by configuring something else now and then.
      if (this.#waits(share.header)) continue
      const parked = this.#unpark(transferId)
      if (parked !== undefined) void this.#arrive(parked.share, "refuse")
    }
  }

  close(): void {
    for (const transferId of Array.from(this.#parked.keys()))
      this.#unpark(transferId)?.share.keys.wipe()
    for (const groupId of Array.from(this.#gathering.keys())) this.#end(groupId)?.shares.wipe()
  }

  async #arrive(share: ArrivedShare, orElse: "park" | "refuse"): Promise<void> {
    const { header, keys } = share
    try {
      if (checkDestination(this.#options.links, header) === "wait") {
        if (orElse === "park" && this.#parked.size < MAX_PARKED) this.#park(share)
        else {
          keys.wipe()
          this.#refuse(header, "no-path")
        }
        return
      }
      if (header.share === undefined) await this.#store([share])
      else await this.#gather(share, header.share.groupId)
    } catch (cause) {
      keys.wipe()
      this.#fail(header, asQkdError(cause))
    }
  }

  async #gather(share: ArrivedShare, groupId: string): Promise<void> {
    if (this.#options.endKeys().isKnown(groupId)) {
      // Complete, or void: the source has its answer, or does not wait for one any more.
      share.keys.wipe()
      return
    }
    const gathering = this.#gathering.get(groupId) ?? this.#begin(groupId, share)
    if (gathering === undefined) {
      share.keys.wipe()
      this.#refuse(share.header, "busy")
      return
    }
    const { shares } = gathering
    this.#silent.delete(share.header.pathQkdlId)
    try {
      if (!shares.add(share)) {
        share.keys.wipe()
        return
      }
    } catch (cause) {
      // Whoever contradicts himself, or sends two shares over one node, gets nothing stored.
      const others = shares.shares.map(({ header }) => header)
      this.#end(groupId)?.shares.wipe()
      for (const header of others) this.#fail(header, asQkdError(cause))
      throw cause
    }
    if (!shares.isComplete) return
    this.#end(groupId)
    try {
      await this.#store(shares.shares)
    } catch (cause) {
      for (const { header } of shares.shares)
        if (header !== share.header) this.#fail(header, asQkdError(cause))
      throw cause
    } finally {
      shares.wipe()
    }
  }

  #begin(groupId: string, { header }: ArrivedShare): Gathering | undefined {
    if (this.#gathering.size >= MAX_GATHERING) return undefined
    const timer = setTimeout(() => {
      this.#incomplete(groupId)
    }, this.#options.limits.gatherMs)
    const gathering = { shares: new ShareCollection(), source: header.source, timer }
    this.#gathering.set(groupId, gathering)
    return gathering
  }

  /** Time is up: the paths over which nothing came are named, here and to the source. */
  #incomplete(groupId: string): void {
    const gathering = this.#end(groupId)
    const came = gathering?.shares.shares.map(({ header }) => header) ?? []
    gathering?.shares.wipe()
    const [first] = came
    if (first === undefined) return
    const paths = this.#options.links.app(first.appId)?.backingQkdlIds ?? []
    const missing = paths.filter((id) => !came.some(({ pathQkdlId }) => pathQkdlId === id))
    for (const pathQkdlId of missing) {
      // Once, until something comes over it again: a node that is down is one alarm, not one for each key.
      if (this.#silent.has(pathQkdlId)) continue
      this.#silent.add(pathQkdlId)
      this.#options.onAlarm({
        kind: "share-missing",
        qkdlId: pathQkdlId,
        pathQkdlId,
        message: `a share of keys from ${first.source} did not come over path ${pathQkdlId}`,
      })
    }
    for (const header of came) this.#refuse(header, "incomplete", missing)
  }

  /** Durably, then acknowledged over every path that carried them. */
  async #store(shares: readonly ArrivedShare[]): Promise<void> {
    const { endKeys, links } = this.#options
    const [first] = shares
    if (first === undefined) return
    // Most keys come whole: no copy of those.
    const keys = shares.length === 1 ? first.keys : combineShares(shares.map((share) => share.keys))
    const epsilon = sumEpsilon(shares.map((share) => share.epsilon))
    try {
      await endKeys().put(wholeOf(first.header), keys, {
        links: Math.max(...shares.map(({ header }) => header.nodes.length)),
        disjointPaths: shares.length,
        ...(epsilon !== undefined && { epsilon }),
      })
    } finally {
      keys.wipe()
      for (const share of shares) share.keys.wipe()
    }
    for (const { header, epsilon } of shares) {
      const nodes = [...header.nodes, links.qkdnId]
      this.#acks.add(header, { nodes, ...(epsilon !== undefined && { epsilon }) })
    }
  }

  #waits(header: RelayHeader): boolean {
    try {
      return checkDestination(this.#options.links, header) === "wait"
    } catch {
      return false
    }
  }

  #park(share: ArrivedShare): void {
    const { transferId } = share.header
    const timer = setTimeout(() => {
      const parked = this.#unpark(transferId)
      if (parked !== undefined) void this.#arrive(parked.share, "refuse")
    }, this.#options.limits.parkMs)
    this.#unpark(transferId)?.share.keys.wipe()
    this.#parked.set(transferId, { share, timer })
  }

  #unpark(transferId: string): Parked | undefined {
    const parked = this.#parked.get(transferId)
    clearTimeout(parked?.timer)
    this.#parked.delete(transferId)
    return parked
  }

  #end(groupId: string | undefined): Gathering | undefined {
    const gathering = groupId === undefined ? undefined : this.#gathering.get(groupId)
    clearTimeout(gathering?.timer)
    if (groupId !== undefined) this.#gathering.delete(groupId)
    return gathering
  }

  #fail(header: RelayHeader, error: QkdError): void {
    this.#options.log.info(
      { transferId: header.transferId, tag: error.tag, appTag: error.appTag },
      `relay: ${error.message}`,
    )
    this.#refuse(header, reasonOf(error))
  }

  /** @param paths at fault, which only the destination can tell: signed */
  #refuse(header: RelayHeader, reason: NackReason, paths: readonly string[] = []): void {
    const { links, peer, signKey } = this.#options
    const { transferId, pathQkdlId, source, destination, sender } = header
    const nack = {
      transferId,
      pathQkdlId,
      source,
      destination,
      qkdnId: links.qkdnId,
      reason,
      paths,
    }
    const signed = paths.length === 0 ? nack : { ...nack, signature: signNack(signKey, nack) }
    peer(sender)?.send("nack", encodeNack(signed))
  }
}

/** Why keys are not taken, in the words of the wire. */
export function reasonOf(error: QkdError): NackReason {
  if (error.appTag === "policy") return "policy"
  if (error.appTag === "pool-empty") return "pool-empty"
  if (error.appTag === "no-path") return "no-path"
  if (error.appTag === "over-rate") return "over-rate"
  return error.tag === "resource-denied" ? "busy" : "refused"
}
