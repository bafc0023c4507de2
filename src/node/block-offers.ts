// Blocks that the far ends of links hold and that never came here, as the key managers told each other. A module whose
// maker hands keys out by id is told of them, and once more when it was opened anew.

import { RecentIds } from "../keys/recent-ids.js"

/** More than a module has on its way, less than matters in memory. */
const MAX_IDS = 4096

export class BlockOffers {
  readonly #byLink = new Map<string, RecentIds>()

  add(qkdlId: string, blockIds: readonly string[]): void {
    const known = this.#byLink.get(qkdlId)
    const ids = known ?? new RecentIds(MAX_IDS)
    if (known === undefined) this.#byLink.set(qkdlId, ids)
    for (const id of blockIds) ids.add(id)
  }

  /** It has come. */
  came(qkdlId: string, blockId: string): void {
    this.#byLink.get(qkdlId)?.delete(blockId)
  }

  /** Oldest first. */
  of(qkdlId: string): readonly string[] {
    return this.#byLink.get(qkdlId)?.all() ?? []
  }

  /** Links that are no longer configured. */
  keepOnly(qkdlIds: ReadonlySet<string>): void {
    for (const qkdlId of this.#byLink.keys()) if (!qkdlIds.has(qkdlId)) this.#byLink.delete(qkdlId)
  }
}
