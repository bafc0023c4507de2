// A relay node that alters what it forwards, with right tags (THREATS R2): found by the next honest node, which
// names it, and by the destination at the latest; nothing of it is ever handed out.

import assert from "node:assert/strict"
import type { QkdError } from "../../src/errors.js"
import { flipBit, recover, takeOver } from "./bad-relay.js"
import { KeyMesh, SQUARE } from "./key-mesh.js"
import type { MeshShape } from "./key-mesh.js"

/** 0 - 1 - 2 - 3. */
const ROW: MeshShape = {
  nodes: 4,
  links: [
    [0, 1],
    [1, 2],
    [2, 3],
  ],
  paths: [[0, 1, 2, 3]],
}
const SIGNATURE_BITS = 512

describe("a relay that alters keys (R2)", function () {
  this.timeout(180_000)
  let net: KeyMesh
  async function mesh(shape: MeshShape, terms: KeyMesh["terms"] = {}): Promise<void> {
    // What is looked at is who is named: on a slow machine, too, before any time is up.
    net = new KeyMesh(shape, { limits: { transferTimeoutMs: 60_000 } })
    net.terms = terms
    await net.start()
    await net.feed(8, 65_536)
  }
  afterEach(async () => {
    recover()
    await net.close()
  })

  const alarms = (node: number): string[] =>
    (net.alarms[node] ?? []).map(
      ({ kind, qkdnId, qkdlId }) =>
        `${kind} ${net.sites.findIndex((s) => s.qkdnId === qkdnId)} ${qkdlId}`,
    )

  /** One key of eight bits for each bit that the bad node changes: none may come through. */
  async function eachBit(bad: number, bits: number): Promise<void> {
    let bit = 0
    takeOver(net.id(bad), (cargo, id) => flipBit(bit++)(cargo, id))
    const outcomes: string[] = []
    for (let at = 0; at < bits; at += 40) {
      const some = Array.from({ length: Math.min(40, bits - at) }, () => net.make(1, 8))
      for (const one of await Promise.allSettled(some))
        outcomes.push(one.status === "fulfilled" ? "made" : String((one.reason as QkdError).appTag))
    }
    assert.equal(bit, bits)
    assert.deepEqual(
      outcomes,
      Array.from({ length: bits }, () => "no-path"),
    )
  }

  it("R2: is named by the next node, whichever bit of keys or signature it changes, at every hop", async () => {
    await mesh(ROW)
    for (const bad of [1, 2]) {
      const bits = 8 + SIGNATURE_BITS
      await eachBit(bad, bits)
      const found = Array.from(
        { length: bits },
        () => `keys-altered ${bad} ${net.linkIds[bad] ?? ""}`,
      )
      assert.deepEqual(alarms(bad + 1).splice(0), found)
      // The source hears of it too, from whoever found it.
      const told = `keys-altered ${bad + 1} ${net.pathIds[0] ?? ""}`
      assert.deepEqual(
        alarms(0),
        Array.from({ length: bits }, () => told),
      )
      for (const list of net.alarms) list.length = 0
      assert.equal(net.manager(3).waitingKeys, 0)
    }
    recover()
    const [made, taken] = await net.exchange(3)
    assert.deepEqual(made, taken)
    assert.deepEqual(net.alarms.flat(), [])
  })

  it("R2: is found at the destination, and its path named, where no relay takes the keys out", async () => {
    await mesh(ROW, { relayScheme: "destination-combines" })
    const [made, taken] = await net.exchange(3)
    assert.deepEqual(made, taken)
    for (const bad of [1, 2]) {
      const bits = 8 + SIGNATURE_BITS
      await eachBit(bad, bits)
      const path = net.pathIds[0] ?? ""
      assert.deepEqual(
        alarms(3),
        Array.from({ length: bits }, () => `keys-altered 2 ${path}`),
      )
      assert.deepEqual(
        alarms(0),
        Array.from({ length: bits }, () => `keys-altered 3 ${path}`),
      )
      for (const list of net.alarms) list.length = 0
    }
    assert.equal(net.manager(3).waitingKeys, 0)
  })

  it("R2: spoils every key of which it has a share, and its path alone is named", async () => {
    await mesh(SQUARE, { keyCombination: "all" })
    for (const [bad, path] of [
      [1, 0],
      [2, 1],
    ] as const) {
      takeOver(net.id(bad), flipBit(3))
      await assert.rejects(net.make(2), { appTag: "no-path" })
      const pathId = net.pathIds[path] ?? ""
      assert.deepEqual(
        net.alarms[3]?.map(({ kind, pathQkdlId, qkdnId }) => [kind, pathQkdlId, qkdnId]),
        [["keys-altered", pathId, net.id(bad)]],
      )
      // Said over both paths, and signed: a bad path can neither hide it nor blame the other.
      const told = net.alarms[0] ?? []
      assert.ok(told.length > 0)
      for (const alarm of told)
        assert.deepEqual([alarm.kind, alarm.pathQkdlId], ["keys-altered", pathId])
      for (const list of net.alarms) list.length = 0
      assert.equal(net.manager(3).waitingKeys, 0)
    }
    recover()
    const [made, taken] = await net.exchange(5)
    assert.deepEqual(made, taken)
  })

  it("R2: is named by its path when it swallows its share instead", async () => {
    await mesh(SQUARE, { keyCombination: "all" })
    takeOver(net.id(2), () => "drop")
    await assert.rejects(net.make(1), { appTag: "no-path" })
    for (const node of [0, 3])
      assert.deepEqual(
        net.alarms[node]?.map(({ kind, pathQkdlId }) => [kind, pathQkdlId]),
        [["share-missing", net.pathIds[1]]],
      )
    assert.equal(net.manager(3).waitingKeys, 0)
  })
})
