// Nothing twice, nothing different, nothing lost: the key plane of four node programs while they are killed, cut off
// and set back (THREATS T3, D2, N6, I5). The long run is `bench/key-chaos.ts`.

import assert from "node:assert/strict"
import { randomInt, randomUUID } from "node:crypto"
import { setTimeout as pause } from "node:timers/promises"
import type { RelayHop } from "../../src/keys/relay-header.js"
import { Dice } from "../core/dice.js"
import { KeyChaos } from "./key-chaos.js"
import { KeyLedger } from "./key-ledger.js"

const SEED = randomInt(2 ** 31)

describe("four nodes that are killed, cut, set back and filled up", function () {
  this.timeout(240_000)
  let chaos: KeyChaos | undefined
  afterEach(async () => {
    await chaos?.close()
  })

  it(`T3, N6, D2, I5: give every key once to each of its SAEs, the same to both, and use no bit twice (seed ${SEED})`, async () => {
    chaos = await KeyChaos.start(new Dice(SEED), 2_000_000)
    await chaos.run(5000, ["kill", "connection", "outlet", "clock", "kill", "restore", "disk"], 300)
    await chaos.settle()
    const { ledger, report } = chaos
    assert.ok(ledger.report.fetched >= 4000, `only ${ledger.report.fetched} keys were fetched`)
    assert.ok(ledger.report.messages > 50)
    const { groupKeys, fetchedByMembers } = ledger.report
    assert.ok(groupKeys > 0, "no key of a group was had")
    assert.ok(fetchedByMembers > 0)
    // Links go on making key that nobody uses.
    while (chaos.erasures === 0) await pause(200)
    assert.equal(report.backupsRestored, 1)
    assert.ok(report.outletsKilled > 0)
    assert.equal(report.disksFull, chaos.hasSmallDisk ? 1 : 0)
  })
})

describe("the ledger that watches them", () => {
  const [id, other] = [randomUUID(), randomUUID()]
  const key = (): Buffer => Buffer.alloc(32, 7)
  let ledger: KeyLedger
  beforeEach(() => {
    ledger = new KeyLedger()
    ledger.handOut(id, key(), "m", "s")
  })

  it("notices a key that is given twice, differs, goes elsewhere, is gone, or was never promised", () => {
    assert.throws(() => {
      ledger.handOut(id, key(), "m", "s")
    }, /twice/)
    assert.throws(() => {
      ledger.fetch(id, Buffer.alloc(32, 8), "s")
    }, /differs/)
    assert.throws(() => {
      ledger.fetch(id, key(), "t")
    }, /another SAE/)
    assert.throws(() => {
      ledger.fetch(other, key(), "s")
    }, /never/)
    assert.throws(() => {
      ledger.missing([id], "s", () => false)
    }, /promised/)
    ledger.fetch(id, key(), "s")
    assert.throws(() => {
      ledger.fetch(id, key(), "s")
    }, /twice/)
  })

  it("has each member of a group fetch its keys once, and notices when one gets them twice, or others", () => {
    const shared = randomUUID()
    ledger.handOut(shared, key(), "m", "s", "t")
    ledger.fetch(shared, key(), "t")
    assert.deepEqual(ledger.waitingFor("s"), [id, shared])
    assert.deepEqual(ledger.waitingFor("t"), [])
    assert.throws(() => {
      ledger.fetch(shared, key(), "t")
    }, /twice to t/)
    assert.throws(() => {
      ledger.fetch(shared, Buffer.alloc(32, 8), "s")
    }, /differs/)
    assert.throws(() => {
      ledger.fetch(shared, key(), "m")
    }, /another SAE/)
    // Void for one member alone: the other one's is promised still.
    ledger.missing([shared], "s", () => true)
    assert.throws(() => {
      ledger.missing([shared], "t", () => false)
    }, /promised by m to t/)
    assert.deepEqual([ledger.report.groupKeys, ledger.report.fetchedByMembers], [1, 1])
  })

  it("notices a pad bit that is used twice", () => {
    const block = randomUUID()
    const hop = (offset: number): RelayHop =>
      ({
        qkdlId: "l",
        tagKey: [{ blockId: block, half: 0, offset, length: 32 }],
        pad: [{ blockId: block, half: 0, offset: offset + 32, length: 32 }],
      }) as unknown as RelayHop
    ledger.relayed(hop(0))
    ledger.relayed(hop(64))
    assert.throws(() => {
      ledger.relayed(hop(127))
    }, /was used before/)
  })
})
