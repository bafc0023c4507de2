// What a crash, a restored index or a replaced token left: token and index made to agree again.

import { asQkdError } from "../errors.js"
import type { HsmIndex, IndexedKey } from "./hsm-index.js"
import type { Watch } from "./hsm-ports.js"
import type { HsmToken } from "./hsm-token.js"

/** @returns how many keys stand in both */
export async function reconcile(index: HsmIndex, token: HsmToken, watch: Watch): Promise<number> {
  const swept = await token.sweep()
  if (swept > 0) watch.note("half-made-destroyed", { count: swept })
  const inToken = new Map((await token.keys()).map((key) => [key.keyId, key]))
  for (const { keyId, peer, way } of inToken.values()) {
    const entry = index.get(keyId)
    // A key that the index does not know: of an import that was given up, or the index is an old one.
    if (entry?.peer === peer && entry.way === way) continue
    watch.note("orphan-destroyed", { peer, keyId })
    await token.destroy(keyId)
    inToken.delete(keyId)
  }
  for (const entry of index.all()) {
    const there = inToken.has(entry.keyId) && (await isWhole(token, entry, watch))
    if (there) await settle(index, token, entry)
    else lose(index, entry, watch)
  }
  return inToken.size
}

/** A token may write an object in steps, its value last; one that was cut off in between proves nothing, and goes. */
async function isWhole(token: HsmToken, entry: IndexedKey, watch: Watch): Promise<boolean> {
  if (entry.state !== "importing") return true
  try {
    await token.prove(entry.keyId, [Buffer.alloc(1)])
    return true
  } catch (error) {
    if (asQkdError(error).appTag === "node-unreachable") throw error
    watch.note("half-made-destroyed", { peer: entry.peer, keyId: entry.keyId })
    await token.destroy(entry.keyId)
    return false
  }
}

async function settle(index: HsmIndex, token: HsmToken, entry: IndexedKey): Promise<void> {
  // Only from what it was: a token that came back is looked through while the service, or a command, goes on.
  if (entry.state === "importing") {
    index.change([entry.keyId], ["importing"], (key) => ({ ...key, state: "imported" }))
  }
  if (entry.state === "used" && entry.way === "out" && entry.spent !== true) {
    await token.spend(entry.keyId)
    index.change([entry.keyId], ["used"], (key) => ({ ...key, spent: true }))
  }
  if (entry.state === "retiring" && entry.way === "in") {
    await token.destroy(entry.keyId)
    index.remove([entry.keyId])
  }
}

function lose(index: HsmIndex, entry: IndexedKey, watch: Watch): void {
  const { keyId, peer, way, state } = entry
  if (state === "used" || (way === "in" && state === "ready")) {
    watch.alarm("key-lost-in-token", { peer, keyId, way, state })
  }
  if (way === "out" && state !== "used") {
    // The peer may have it: it is told to destroy it.
    index.change([keyId], [state], (key) => ({ ...key, state: "retiring" }))
  } else if (state !== "used" && !(way === "in" && state === "ready")) index.remove([keyId])
}
