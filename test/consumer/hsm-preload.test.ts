// Maker and taker against each other without token and network: a clock that can be moved, faults at every step.

import assert from "node:assert/strict"
import { writeFileSync } from "node:fs"
import path from "node:path"
import fc from "fast-check"
import { HsmIndex } from "../../src/consumer/hsm-index.js"
import { type MessageKinds, readMessage } from "../../src/consumer/hsm-messages.js"
import { QkdError } from "../../src/errors.js"
import { isQkdError } from "../errors-helper.js"
import { removeDir } from "../support/demo.js"
import { World } from "./hsm-world.js"

describe("preloading", () => {
  let world: World

  beforeEach(() => {
    world = new World()
  })
  afterEach(async () => {
    await world.close()
    removeDir(world.dir)
  })

  it("goes on from wherever it was broken off, losing no key it called ready", async function () {
    this.timeout(180_000)
    const anyCrashes = fc.array(fc.nat(150), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(anyCrashes, fc.constantFrom(3, 70), async (crashes, count) => {
        const one = new World()
        one.count = count
        try {
          const ever = new Set<string>()
          for (const after of [...crashes, Infinity]) {
            await one.restart()
            one.fuse.left = after
            try {
              await one.maker.round()
              await one.maker.round()
            } catch (fault) {
              assert.ok(after !== Infinity, `no fault without a crash: ${String(fault)}`)
            }
            one.fuse.left = Infinity
            for (const { keyId, state } of one.indexes.a.all())
              if (state === "ready") ever.add(keyId)
            for (const keyId of ever) assert.equal(one.indexes.a.get(keyId)?.state, "ready")
          }
          await one.restart()
          await one.maker.round()
          one.check()
          assert.deepEqual(one.states("a"), { ready: count })
          assert.deepEqual(one.states("b"), { ready: count })
        } finally {
          await one.close()
        }
      }),
      { numRuns: 15 },
    )
  })

  it("fills to the target what was broken off above the low watermark, then rests above it", async () => {
    world.count = 100
    world.lowWatermark = 10
    world.maxTokenKeys = 200
    await world.restart()
    for (let after = 120; (world.states("a")["ready"] ?? 0) <= 10; after += 20) {
      await world.restart()
      world.fuse.left = after
      await world.maker.round().catch(() => undefined)
    }
    world.fuse.left = Infinity
    assert.ok((world.states("a")["ready"] ?? 0) < 100, "it was broken off")
    await world.maker.round()
    assert.deepEqual(world.states("a"), { ready: 100 })
    world.indexes.a.claim("b", world.nowMs)
    await world.maker.round()
    assert.deepEqual(world.states("a"), { ready: 99, used: 1 })
    await world.restart()
    await world.maker.round()
    assert.deepEqual(world.states("a"), { ready: 100, used: 1 })
    world.check()
  })

  it("has messages about the same keys answered one after the other, others at once", async () => {
    world.count = 1
    await world.restart()
    let offer: MessageKinds["offer"]["ask"] | undefined
    let twice: Promise<unknown[]> | undefined
    world.meddle = (kind, message) => {
      if (kind !== "offer") return message
      offer = message as MessageKinds["offer"]["ask"]
      // The peer was killed and says it again while the first is still being answered.
      const again = { ...offer, nonce: "1".repeat(64) }
      twice = Promise.all([world.taker.answer("offer", again), world.taker.answer("offer", again)])
      return message
    }
    await world.maker.round()
    for (const answer of (await twice) ?? []) {
      assert.deepEqual((answer as MessageKinds["offer"]["answer"]).missing, [])
    }
    assert.deepEqual(world.states("b"), { ready: 1 })
    world.check()
  })

  it("waits for the disk twice a batch at each end: when keys are on their way, and when they are ready", async () => {
    const writes = { a: 0, b: 0 }
    for (const end of ["a", "b"] as const) {
      const index = world.indexes[end]
      const [put, change] = [index.put.bind(index), index.change.bind(index)]
      index.put = (keys) => {
        writes[end]++
        put(keys)
      }
      index.change = (...what) => {
        const changed = change(...what)
        if (changed.length > 0) writes[end]++
        return changed
      }
    }
    await world.maker.round()
    assert.deepEqual(writes, { a: 2, b: 2 })
    assert.deepEqual(world.states("a"), { ready: 3 })
    world.check()
  })

  it("proves in a later round, without a start, keys whose offer or confirmation was not answered", async () => {
    for (const lost of ["offer", "confirm"] as const) {
      world.count += 3
      await world.restart()
      world.lineLost = lost
      await assert.rejects(world.maker.round(), /the line is cut/)
      world.lineLost = undefined
      const taken = [...world.tokens.b.held.keys()]
      assert.equal(taken.length, world.count)
      await world.maker.round()
      assert.deepEqual([...world.tokens.b.held.keys()], taken, "none was fetched anew")
      assert.deepEqual(world.states("a"), { ready: world.count })
      assert.deepEqual(world.states("b"), { ready: world.count })
      world.check()
    }
  })

  it("ends unused keys at both ends when their time is over, and keeps used ones", async () => {
    await world.maker.round()
    const used = world.indexes.a.claim("b", world.nowMs)
    world.nowMs += 60_000
    assert.throws(
      () => world.indexes.a.claim("b", world.nowMs),
      isQkdError("resource-denied", "pool-empty"),
    )
    await world.maker.round()
    assert.deepEqual(world.states("a"), { ready: 3, used: 1 })
    assert.deepEqual(world.states("b"), { ready: 3, used: 1 })
    assert.equal(world.indexes.b.get(used.keyId)?.state, "used")
    world.check()
  })

  it("never calls a key ready whose bytes differ, and says so", async () => {
    world.wrong.add(1)
    await world.maker.round()
    await world.maker.round()
    assert.ok(world.alarms.includes("keys-differ"))
    assert.deepEqual(world.states("a"), { ready: 3 })
    world.check()
  })

  it("T2: is not led astray by proofs that are reflected, crossed or stale", async () => {
    const heard: Record<string, string>[] = []
    world.meddle = (kind, message) => {
      if (kind !== "confirm") return message
      const confirm = message as MessageKinds["confirm"]["ask"]
      heard.push({ ...confirm.proofs })
      const [first, second] = Object.keys(confirm.proofs)
      if (first === undefined || second === undefined) return message
      const crossed = {
        [first]: confirm.proofs[second] ?? "",
        [second]: confirm.proofs[first] ?? "",
      }
      return { ...confirm, proofs: crossed }
    }
    await assert.rejects(world.maker.round(), /none of 3 keys is the same at both ends/)
    assert.equal(world.states("b")["ready"], undefined)
    world.meddle = (kind, message) => {
      const confirm = message as MessageKinds["confirm"]["ask"]
      return kind === "confirm" ? { ...confirm, nonce: "0".repeat(64) } : message
    }
    await assert.rejects(world.maker.round(), isQkdError("operation-failed"))
    assert.equal(world.states("a")["ready"], undefined)
    await assert.rejects(
      world.taker.answer("offer", {
        from: "c",
        to: "b",
        nonce: "0".repeat(64),
        hybrid: false,
        keys: [],
      }),
      isQkdError("access-denied"),
    )
    assert.ok(heard.length > 0)
  })

  it("mixes each key with an ML-KEM secret where both want it, and goes on after crashes", async () => {
    world.hybrid = world.takerHybrid = true
    for (const after of [4, 9, 14, Infinity]) {
      await world.restart()
      world.fuse.left = after
      await world.maker.round().catch(() => undefined)
    }
    await world.restart()
    await world.maker.round()
    assert.deepEqual(world.states("a"), { ready: 3 })
    world.check()
    assert.ok(!world.alarms.includes("keys-differ"))
    for (const [keyId, { bytes }] of world.tokens.a.held) {
      assert.ok(!world.made.get(keyId)?.equals(bytes), "what is in the token is not the QKD key")
    }
  })

  it("calls no key ready where one end mixes and the other does not", async () => {
    world.hybrid = true
    await world.restart()
    await assert.rejects(world.maker.round(), /none of 3 keys/)
    assert.ok(world.alarms.includes("hybrid-differs"))
    world.hybrid = false
    world.takerHybrid = true
    await world.restart()
    await assert.rejects(world.maker.round(), /none of 3 keys/)
    assert.equal(world.states("b")["ready"], undefined)
  })

  it("drops keys that a kill left in a token without their value", async () => {
    for (const end of ["a", "b"] as const) {
      await world.maker.round()
      const [key] = world.indexes[end].all()
      assert.ok(key)
      world.indexes[end].put([{ ...key, state: "importing" }])
      const held = world.tokens[end].held.get(key.keyId)
      assert.ok(held)
      world.tokens[end].held.set(key.keyId, { ...held, bytes: Buffer.alloc(0) })
      await world.restart()
      assert.ok(!world.tokens[end].held.has(key.keyId))
    }
    world.nowMs += 3_600_001
    await world.maker.round()
    world.check()
  })

  it("drops keys that the peer has lost with its token", async () => {
    await world.maker.round()
    world.tokens.b.held.clear()
    await world.restart()
    await world.maker.round()
    assert.ok(world.alarms.includes("keys-lost-at-peer"))
    assert.equal(world.states("a")["ready"], 3)
    for (const { keyId } of world.indexes.a.all()) assert.ok(world.tokens.b.held.has(keyId))
  })

  it("stops at the token's capacity, with an alarm", async () => {
    world.maxTokenKeys = 2
    await world.restart()
    await world.maker.round()
    await world.maker.round()
    assert.deepEqual(world.states("a"), { ready: 2 })
    assert.ok(world.alarms.includes("token-capacity"))
  })

  it("says which index cannot be opened, and whose it may be", () => {
    const file = path.join(world.dir, "a-file")
    writeFileSync(file, "")
    assert.throws(
      () => new HsmIndex(path.join(file, "index")),
      (error: unknown) =>
        error instanceof QkdError &&
        error.tag === "access-denied" &&
        /cannot open the index \S+a-file.index \(does it belong to the service's user\?\)/.test(
          error.message,
        ),
    )
  })

  it("refuses messages of another shape, with the path to the fault", () => {
    const offer = {
      from: "a",
      to: "b",
      nonce: "0".repeat(64),
      hybrid: false,
      keys: [{ keyId: "x", expiresAtMs: 1 }],
    }
    assert.throws(
      () => readMessage("offer", "ask", Buffer.from(JSON.stringify(offer))),
      (error: unknown) => error instanceof QkdError && error.path === "/keys/0/keyId",
    )
    assert.throws(
      () =>
        readMessage("offer", "ask", Buffer.from(JSON.stringify({ ...offer, keys: [], more: 1 }))),
      isQkdError("malformed-message"),
    )
  })
})
