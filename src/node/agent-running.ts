// The agent's configuration between memory and disk: what is running with its creation times, and what a restart
// goes back to while a commit waits for its confirmation (RFC 6241 section 8.4.1). Judges nothing.

import type { UnconfirmedAbility } from "../netconf/backend.js"
import type { NetconfClock } from "../netconf/clock.js"
import type { JsonObject } from "../yang/json-text.js"
import type { ConfigStore, KeptConfig } from "./config-store.js"

export class RunningStore implements UnconfirmedAbility {
  readonly #store: ConfigStore
  readonly #clock: NetconfClock
  #kept: KeptConfig
  #before: KeptConfig | undefined
  /** `#before` is on disk as what a start goes back to; until then it is there as what is running. */
  #isBeforeWritten = false
  #appIds: readonly string[] = []

  /** @param kept as on disk, or the first of a new node, not yet written. */
  private constructor(store: ConfigStore, clock: NetconfClock, kept: KeptConfig) {
    this.#store = store
    this.#clock = clock
    this.#kept = kept
  }

  /**
   * Reads what there is. A commit that nobody confirmed is undone, durably.
   *
   * @param first what a new node starts with.
   * @returns the store, and whether it went back.
   * @throws QkdError when what is on disk cannot be read.
   */
  static async open(
    store: ConfigStore,
    clock: NetconfClock,
    first: () => JsonObject,
  ): Promise<{ readonly store: RunningStore; readonly wentBack: boolean }> {
    const stored = await store.load()
    const kept = stored?.before ?? stored ?? { running: first(), appCreatedAt: {} }
    const { running, appCreatedAt } = kept
    const wentBack = stored?.before !== undefined
    if (wentBack) await store.save({ running, appCreatedAt })
    return { store: new RunningStore(store, clock, { running, appCreatedAt }), wentBack }
  }

  get running(): JsonObject {
    return this.#kept.running
  }

  get appCreatedAt(): Readonly<Record<string, string>> {
    return this.#kept.appCreatedAt
  }

  /**
   * Durable when it resolves; when it rejects, everything is as before.
   *
   * @param appIds the applications in it: those not known yet are created now.
   */
  async save(running: JsonObject, appIds: readonly string[]): Promise<void> {
    const now = new Date(this.#clock.now()).toISOString()
    const known = (appId: string): string | undefined =>
      this.#kept.appCreatedAt[appId] ?? this.#before?.appCreatedAt[appId]
    const same =
      appIds.length === this.#appIds.length && appIds.every((id, i) => id === this.#appIds[i])
    const appCreatedAt = same
      ? this.#kept.appCreatedAt
      : Object.fromEntries(appIds.map((id) => [id, known(id) ?? now]))
    await this.#write({ running, appCreatedAt }, this.#before)
    this.#appIds = appIds
  }

  keep(before: JsonObject): Promise<void> {
    const { appCreatedAt } = this.#before ?? this.#kept
    const kept = { running: before, appCreatedAt }
    if (this.#before !== undefined || before !== this.#kept.running)
      return this.#write(this.#kept, kept)
    // A start finds just that now; the change to come is written together with the way back, in one flush.
    this.#before = kept
    return Promise.resolve()
  }

  async forget(): Promise<void> {
    if (this.#isBeforeWritten) await this.#write(this.#kept, undefined)
    else this.#before = undefined
  }

  async #write(kept: KeptConfig, before: KeptConfig | undefined): Promise<void> {
    await this.#store.save({ ...kept, ...(before !== undefined && { before }) })
    this.#kept = kept
    this.#before = before
    this.#isBeforeWritten = before !== undefined
  }
}
