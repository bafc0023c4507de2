// The relay's part in sharing links out: holds each neighbour, and each path through it, to what the controller gave
// them (`src/keys/transit-book.ts`, THREATS T4). What is refused is counted at the link that it would have used, and
// told once for each path and neighbour until it has been quiet for a while.

import { QkdError } from "../errors.js"
import { TAG_KEY_BYTES } from "../keys/one-time-mac.js"
import { consignmentBytes, payloadBytes } from "../keys/relay-header.js"
import type { RelayHeader } from "../keys/relay-header.js"
import { oppositeHop } from "../keys/relay-rules.js"
import { TransitBook } from "../keys/transit-book.js"
import type { LinkRoom, Passage, Passing, TransitTerms } from "../keys/transit-book.js"
import type { VirtLinkConfig } from "../model/link.js"
import type { KeyManagerAlarm } from "./key-manager-options.js"
import type { LinkKeeper } from "./link-keeper.js"
import type { LinkTable } from "./link-table.js"

export interface TransitRatesOptions {
  readonly links: LinkTable
  readonly tagFailures: number
  readonly steadyMs: () => number
  /** What the applications of this site leave of a link. */
  readonly room: (keeper: LinkKeeper) => LinkRoom
  readonly onAlarm: (alarm: KeyManagerAlarm) => void
}

/** A path that was given no rate is told when it was refused so often lately: who only comes too late asks again less often. */
const PERSISTENT = 20
/** Told again when nothing was refused for so long before. */
const QUIET_MS = 60_000
/** Paths and neighbours remembered as told. */
const MAX_TOLD = 4096

export class TransitRates {
  readonly #options: TransitRatesOptions
  readonly #book = new TransitBook()
  /** When a path of a neighbour was last refused and how often since it was quiet, the latest last. */
  readonly #refused = new Map<string, { readonly atMs: number; readonly times: number }>()

  constructor(options: TransitRatesOptions) {
    this.#options = options
  }

  /** Links or paths have changed. */
  configured(): void {
    const { links, steadyMs } = this.#options
    const paths = links
      .paths()
      .flatMap((path) => [...this.#way(path, path.prevHop), ...this.#way(path, path.nextHops[0])])
    this.#book.configure(paths, steadyMs())
  }

  /** Bits of this link that are promised to paths that only pass here. */
  reservedBits(qkdlId: string): number {
    return this.#book.reservedBits(qkdlId, this.#options.steadyMs())
  }

  /**
   * Whether a genuine message may go on over this link.
   *
   * @returns takes it back: nothing was sent after all
   * @throws QkdError app-tag `over-rate`: more than its path was given, and others need what is left
   */
  admit(header: RelayHeader, keeper: LinkKeeper): () => void {
    const { steadyMs, room } = this.#options
    const passing: Passing = {
      pathQkdlId: header.pathQkdlId,
      sender: header.sender,
      qkdlId: keeper.qkdlId,
      keyBits: 8 * consignmentBytes(header),
      linkBits: 8 * (payloadBytes(header) + TAG_KEY_BYTES),
    }
    const passage: Passage | undefined = this.#book.admit(passing, room(keeper), steadyMs())
    if (passage !== undefined)
      return () => {
        this.#book.refund(passing, passage, steadyMs())
      }
    keeper.countRefused(passing.keyBits)
    this.#tell(header)
    throw new QkdError("resource-denied", "more than the path was given, of what others need", {
      appTag: "over-rate",
    })
  }

  #way(path: VirtLinkConfig, sender: string | undefined): TransitTerms[] {
    const { links, tagFailures } = this.#options
    // Ends have one hop only: what they send is their applications' matter.
    if (sender === undefined || path.prevHop === undefined || path.nextHops[0] === undefined)
      return []
    const keeper = links.usableFor(oppositeHop(path, sender), tagFailures)
    if (keeper === undefined) return []
    const { qkdlId: pathQkdlId, bandwidthBps: promisedBps } = path
    const { qkdlId } = keeper
    return [{ pathQkdlId, sender, qkdlId, ...(promisedBps !== undefined && { promisedBps }) }]
  }

  #tell({ pathQkdlId, sender, qkdlId }: RelayHeader): void {
    const entry = this.#options.links.link(pathQkdlId)
    const hasRate = entry?.type === "VIRT" && (entry.bandwidthBps ?? 0) > 0
    const now = this.#options.steadyMs()
    const name = `${sender} ${pathQkdlId}`
    const last = this.#refused.get(name)
    const times = last === undefined || now - last.atMs >= QUIET_MS ? 1 : last.times + 1
    this.#refused.delete(name)
    this.#refused.set(name, { atMs: now, times })
    for (const oldest of this.#refused.keys()) {
      if (this.#refused.size <= MAX_TOLD) break
      this.#refused.delete(oldest)
    }
    if (times !== (hasRate ? 1 : PERSISTENT)) return
    this.#options.onAlarm({
      kind: "path-over-rate",
      qkdlId,
      qkdnId: sender,
      pathQkdlId,
      message: `${sender} sends more over path ${pathQkdlId} than it was given: the excess is refused`,
    })
  }
}
