// The key manager of a trusted site (ITU-T Y.3800 KM): makes one out of its options. What is delivered over which
// API is the delivery faces' matter.

import { randomBytes } from "node:crypto"
import { QkdError } from "../errors.js"
import type { KeyManagerOptions } from "./key-manager-options.js"
import { KeySite } from "./key-site.js"
import { VolatileStore } from "./key-store.js"
import type { KeyStore } from "./key-store.js"
import type { RunningKeyManager } from "./ports.js"
import { SealedStore } from "./sealed-store.js"
import { SteadyClock, SYSTEM_CLOCK } from "./steady-clock.js"

export type { RunningKeyManager } from "./ports.js"

/**
 * Opens the store, listens, and connects to neighbours once configured.
 *
 * @throws QkdError `access-denied` when the sealing key is another's, `in-use` when the port is taken,
 * `operation-failed` when the store is damaged.
 */
export async function createKeyManager(options: KeyManagerOptions): Promise<RunningKeyManager> {
  const clock = options.clock ?? SYSTEM_CLOCK
  const random = options.random ?? ((bytes: number) => randomBytes(bytes))
  // Once there is a steady time the store counts by it: a wall clock that jumps while the node runs must not reach
  // the disk, or every key would look expired after the next restart (THREATS I5).
  const time = { now: () => clock.now() }
  const store = await openStore(options, () => time.now(), random)
  const steady = new SteadyClock(clock, store.lastTimeMs)
  time.now = () => Math.floor(steady.steadyMs())
  const site = new KeySite(options, store, steady, random)
  try {
    await site.listen()
  } catch (cause) {
    await store.close()
    throw cause
  }
  return site
}

async function openStore(
  options: KeyManagerOptions,
  now: () => number,
  random: (bytes: number) => Uint8Array,
): Promise<KeyStore> {
  const { dir, sealingKey } = options
  if (dir === undefined) return new VolatileStore(now, random)
  if (sealingKey === undefined)
    throw new QkdError("invalid-value", "a key store in a folder needs a sealing key")
  return SealedStore.open({ dir, sealingKey, now, random })
}
