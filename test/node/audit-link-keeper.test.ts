// One end of a link whose disk is slow while its connection and configuration change.

import assert from "node:assert/strict"
import { randomBytes, randomUUID } from "node:crypto"
import { setImmediate as turn } from "node:timers/promises"
import { DEFAULT_POOL_LIMITS } from "../../src/keys/pool-step.js"
import { Secret } from "../../src/keys/secret.js"
import { VolatileStore } from "../../src/node/key-store.js"
import type { StoreOp } from "../../src/node/key-store.js"
import { LinkKeeper } from "../../src/node/link-keeper.js"

const [LOW, HIGH] = ["00000001-0000-4000-8000-000000000000", "00000002-0000-4000-8000-000000000000"]

/** A disk whose writes wait for `release` once it is `slow`. */
class SlowStore extends VolatileStore {
  slow = false
  release: () => void = () => undefined

  override async commit(ops: readonly StoreOp[], options: { quiet?: boolean } = {}): Promise<void> {
    const done = super.commit(ops, options)
    if (this.slow) await new Promise<void>((resolve) => (this.release = resolve))
    await done
  }
}

describe("one end of a link on a slow disk", () => {
  it("does not say on a new start what it meant to say before the link went down", async () => {
    const store = new SlowStore(
      () => 0,
      (bytes) => randomBytes(bytes),
    )
    const keeper = new LinkKeeper({
      qkdlId: randomUUID(),
      qkdnId: LOW,
      peer: HIGH,
      store,
      limits: DEFAULT_POOL_LIMITS,
      steadyMs: () => 0,
      onFault: (cause) => {
        throw cause
      },
    })
    const blockId = randomUUID()
    await keeper.add(blockId, Secret.take(randomBytes(1024)))
    const said: string[] = []
    keeper.connect(({ kind }) => said.push(`before: ${kind}`))
    keeper.receive({ kind: "sync" })
    keeper.receive({ kind: "inventory", items: [{ blockId, halves: ["theirs", "mine"] }] })
    await turn()
    store.slow = true
    // Now it opens its half: a write first, then the word.
    keeper.receive({ kind: "end" })
    keeper.disconnect()
    keeper.connect(({ kind }) => said.push(`after: ${kind}`))
    store.release()
    await turn()
    const before = said.lastIndexOf("before: end")
    assert.deepEqual(said.slice(0, before + 1), [
      "before: sync",
      "before: inventory",
      "before: end",
    ])
    // The half is announced once, as part of the new start.
    assert.deepEqual(said.slice(before + 1), [
      "after: sync",
      "after: open",
      "after: inventory",
      "after: end",
    ])
    store.slow = false
    keeper.voidAll()
  })
})
