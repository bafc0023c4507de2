// What a border node keeps of keys that cross, over time, faults and restarts: hand-overs and intakes on a store that
// survives them, and a neighbouring domain that says what it is told to.

import assert from "node:assert/strict"
import { randomBytes, randomUUID } from "node:crypto"
import { QkdError } from "../../src/errors.js"
import type { AckStatus } from "../../src/keys/border-records.js"
import type { Consignment } from "../../src/keys/relay-header.js"
import { Secret } from "../../src/keys/secret.js"
import type { Ack, DomainCarrier, GiveOutcome } from "../../src/node/border-ports.js"
import { Handovers } from "../../src/node/handovers.js"
import { Intakes } from "../../src/node/intakes.js"
import { VolatileStore } from "../../src/node/key-store.js"
import { SILENT } from "../../src/node/log.js"

class Neighbour implements DomainCarrier {
  readonly given: string[][] = []
  readonly voided: string[][] = []
  readonly told: { readonly url: string; readonly acks: readonly Ack[] }[] = []
  gives: GiveOutcome | Promise<GiveOutcome> = "relayed"
  voids: AckStatus | undefined = "voided"
  hears = true

  async give(
    _domain: string,
    parcel: { readonly keyIds: readonly string[] },
  ): Promise<GiveOutcome> {
    this.given.push([...parcel.keyIds])
    return this.gives
  }

  void(_d: string, _p: unknown, keyIds: readonly string[]): Promise<AckStatus | undefined> {
    this.voided.push([...keyIds])
    return Promise.resolve(this.voids)
  }

  acknowledge(_domain: string, url: string, acks: readonly Ack[]): Promise<boolean> {
    if (this.hears) this.told.push({ url, acks })
    return Promise.resolve(this.hears)
  }
}

const parties = { initiatorSaeId: "alice", targetSaeIds: ["bob"] }
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe("keys that a border node gives", () => {
  let nowMs = 0
  let store: VolatileStore
  let neighbour: Neighbour
  let handovers: Handovers
  const open = (): Handovers =>
    new Handovers({
      ...{ store, steadyMs: () => nowMs, carrier: () => neighbour, log: SILENT },
      domainOf: (saeId) => (saeId === "bob" ? "north" : undefined),
    })
  beforeEach(() => {
    nowMs = 1000
    store = new VolatileStore(() => nowMs, randomBytes)
    neighbour = new Neighbour()
    handovers = open()
  })
  const offer = (): Consignment => ({
    ...{ transferId: randomUUID(), appId: "a", pathQkdlId: "p", source: "s", destination: "d" },
    ...{ masterSaeId: "alice", slaveSaeIds: ["bob"], keyIds: [randomUUID()] },
    ...{ keySizeBits: 256, ttlS: 60 },
  })
  const keys = (): Secret => Secret.take(randomBytes(32))

  it("are given once, however often they come", async () => {
    const one = offer()
    await Promise.all([handovers.put(one, keys()), handovers.put(one, keys())])
    await handovers.put(one, keys())
    assert.deepEqual(neighbour.given, [one.keyIds])
    assert.equal(handovers.isKnown(one.transferId), true)
  })

  it("can be taken back over a restart by their source alone, and are given no more", async () => {
    const one = offer()
    await handovers.put(one, keys())
    handovers = open()
    assert.equal(await handovers.voidBatch(one.transferId, "another"), "unknown")
    assert.equal(await handovers.voidBatch(one.transferId, one.source), "voided")
    assert.deepEqual(neighbour.voided, [one.keyIds])
    await assert.rejects(handovers.put(one, keys()), { tag: "data-exists" })
    assert.equal(open().countOf("north"), 0)
  })

  it("do not leave when their source has taken them back before they came", async () => {
    const one = offer()
    assert.equal(await handovers.voidBatch(one.transferId, "another"), "unknown")
    await handovers.put(one, keys())
    const two = offer()
    assert.equal(await handovers.voidBatch(two.transferId, two.source), "unknown")
    await assert.rejects(handovers.put(two, keys()), { tag: "data-exists" })
    assert.deepEqual(neighbour.given, [one.keyIds])
  })

  it("are taken back after a restart that cut them off, until somebody answers", async () => {
    const one = offer()
    neighbour.gives = new Promise(() => undefined)
    void handovers.put(one, keys())
    await settle()
    neighbour.voids = undefined
    handovers = open()
    for (const [atMs, tries] of [
      [1000, 1],
      [1100, 1],
      [1500, 2],
      [1600, 2],
    ] as const) {
      nowMs = atMs
      await handovers.sweep()
      await settle()
      assert.equal(neighbour.voided.length, tries)
    }
    neighbour.voids = "key not present"
    nowMs = 60_000
    await handovers.sweep()
    await settle()
    assert.equal(handovers.countOf("north"), 0)
    assert.deepEqual(neighbour.voided.at(-1), one.keyIds)
  })

  it("are known one by one, which their source alone may ask for", async () => {
    const one = offer()
    await handovers.put(one, keys())
    const [keyId = ""] = one.keyIds
    assert.equal(handovers.hasKey(keyId, one.source), true)
    assert.equal(handovers.hasKey(keyId, "another"), false)
    assert.equal(handovers.hasKey(one.transferId, one.source), false)
  })

  it("are forgotten when their time is over, and nobody is told", async () => {
    await handovers.put(offer(), keys())
    nowMs += 60_000
    await handovers.sweep()
    assert.deepEqual([handovers.countOf("north"), open().countOf("north")], [0, 0])
    assert.deepEqual(neighbour.voided, [])
  })

  it("are taken back only after all attempts to give them are over", async () => {
    let relayed: (outcome: GiveOutcome) => void = () => undefined
    neighbour.gives = new Promise((resolve) => {
      relayed = resolve
    })
    const one = offer()
    const putting = assert.rejects(handovers.put(one, keys()))
    await settle()
    const taken = handovers.voidBatch(one.transferId, one.source)
    await settle()
    assert.deepEqual(neighbour.voided, [])
    relayed("relayed")
    await putting
    assert.equal(await taken, "voided")
    assert.deepEqual(neighbour.voided, [one.keyIds])
  })

  it("are too late to be taken back when the domain has handed them out", async () => {
    const one = offer()
    await handovers.put(one, keys())
    neighbour.voids = "failed to void"
    for (let times = 0; times < 2; times++)
      assert.equal(await handovers.voidBatch(one.transferId, one.source), "too-late")
    handovers = open()
    assert.equal(await handovers.voidBatch(one.transferId, one.source), "too-late")
    nowMs += 60_000
    await handovers.sweep()
    assert.equal(open().countOf("north"), 0)
  })
})

describe("keys that a border node takes", () => {
  let nowMs = 0
  let store: VolatileStore
  let neighbour: Neighbour
  let intakes: Intakes
  let forward: () => Promise<readonly Consignment[]>
  let taken: boolean
  const open = (watch: (offers: readonly Consignment[]) => void = () => undefined): Intakes =>
    new Intakes({
      ...{ store, steadyMs: () => nowMs, random: randomBytes, carrier: () => neighbour },
      forward: () => forward(),
      takeBack: (offers) => {
        watch(offers)
        return Promise.resolve(taken)
      },
      ...{ ttlS: 86_400, log: SILENT },
    })
  beforeEach(() => {
    nowMs = 1000
    taken = true
    store = new VolatileStore(() => nowMs, randomBytes)
    neighbour = new Neighbour()
    forward = () => Promise.resolve([])
    intakes = open()
  })
  const give = async (keyId: string, callbackUrl?: string): Promise<readonly Ack[]> => {
    const key = { keyId, key: Secret.take(Buffer.alloc(32, 7)) }
    const { acks } = await intakes.accept({
      ...{ domain: "north", ...parties, keys: [key], appIds: new Map() },
      ...(callbackUrl !== undefined && { callbackUrl }),
    })
    assert.ok(key.key.wiped)
    return acks
  }
  const statusOf = async (keyId: string): Promise<AckStatus | undefined> =>
    (await give(keyId))[0]?.status
  const takeBack = (keyId: string): Promise<AckStatus | undefined> =>
    intakes.void("north", parties, keyId, new Set([keyId]))

  it("have failed when a restart cut them off, and their domain hears of it until it has", async () => {
    const keyId = randomUUID()
    forward = () => new Promise(() => undefined)
    void give(keyId, "https://north/ack")
    await settle()
    neighbour.hears = false
    intakes = open()
    await intakes.sweep()
    await settle()
    assert.equal(neighbour.told.length, 0)
    neighbour.hears = true
    nowMs += 60_000
    await intakes.sweep()
    await settle()
    assert.deepEqual(
      neighbour.told.map(({ url, acks }) => [url, acks[0]?.status, acks[0]?.keyIds]),
      [["https://north/ack", "failed", [keyId]]],
    )
    forward = () => Promise.resolve([])
    assert.equal(await statusOf(keyId), "failed")
    nowMs += 60_000
    intakes = open()
    await intakes.sweep()
    await settle()
    assert.equal(neighbour.told.length, 1, "heard once")
  })

  it("stay failed for thirty days when a restart cut them off", async () => {
    const keyId = randomUUID()
    forward = () => new Promise(() => undefined)
    void give(keyId)
    await settle()
    intakes = open()
    nowMs += 2 * 86_400_000
    await intakes.sweep()
    forward = () => Promise.resolve([])
    assert.equal(await statusOf(keyId), "failed")
    nowMs += 29 * 86_400_000
    await intakes.sweep()
    assert.equal(open().countOf("north"), 0)
  })

  it("are relayed once over a restart", async () => {
    const keyId = randomUUID()
    assert.equal(await statusOf(keyId), "relayed")
    forward = () => Promise.reject(new QkdError("operation-failed", "twice"))
    assert.equal(await statusOf(keyId), "relayed")
    intakes = open()
    assert.equal(await statusOf(keyId), "relayed")
  })

  it("stay void over a restart, also those that the void overtook", async () => {
    const [one, two] = [randomUUID(), randomUUID()]
    await give(one)
    assert.equal(await takeBack(one), "voided")
    assert.equal(await takeBack(two), undefined)
    intakes = open()
    assert.deepEqual([await statusOf(one), await statusOf(two)], ["voided", "voided"])
    assert.equal(await takeBack(two), "voided")
  })

  it("are taken back one of several, over a restart, and the others stay relayed", async () => {
    const ids = [randomUUID(), randomUUID(), randomUUID()] as const
    const offered: string[][] = []
    intakes = open((offers) => offered.push(offers.map(({ transferId }) => transferId)))
    const all = async (): Promise<AckStatus[]> => {
      const given = ids.map((keyId) => ({ keyId, key: Secret.take(Buffer.alloc(32, 7)) }))
      const { acks } = await intakes.accept({
        ...{ domain: "north", ...parties, keys: given, appIds: new Map() },
      })
      const told = await acks
      return ids.map((id) => told.find(({ keyIds }) => keyIds.includes(id))?.status ?? "failed")
    }
    forward = () =>
      Promise.resolve([
        {
          ...{ transferId: randomUUID(), appId: "a", pathQkdlId: "p", source: "s" },
          ...{ destination: "d", masterSaeId: "alice", slaveSaeIds: ["bob"], keyIds: ids },
          ...{ keySizeBits: 256, ttlS: 60 },
        },
      ])
    assert.deepEqual(await all(), ["relayed", "relayed", "relayed"])
    assert.equal(await takeBack(ids[1]), "voided")
    assert.deepEqual(offered, [[ids[1]]], "asked for by its own id")
    assert.equal(intakes.countOf("north"), 3)
    for (let run = 0; run < 2; run++) {
      assert.deepEqual(await all(), ["relayed", "voided", "relayed"])
      assert.deepEqual(intakes.keysOf("north", parties), [ids[0], ids[2]])
      intakes = open()
    }
    taken = false
    assert.equal(await takeBack(ids[0]), "failed to void")
    taken = true
    assert.equal(await takeBack(ids[0]), "voided")
    assert.equal(await takeBack(ids[2]), "voided")
    assert.deepEqual(await all(), ["voided", "voided", "voided"])
  })

  it("are void when they are taken back on their way, unless somebody has them by then", async () => {
    for (const [isTaken, status] of [
      [true, "voided"],
      [false, "failed to void"],
    ] as const) {
      let arrive: (offers: readonly Consignment[]) => void = () => undefined
      forward = () =>
        new Promise((resolve) => {
          arrive = resolve
        })
      taken = isTaken
      const keyId = randomUUID()
      const acks = give(keyId)
      await settle()
      const voiding = takeBack(keyId)
      await settle()
      arrive([])
      assert.equal(await voiding, status)
      assert.equal((await acks)[0]?.status, isTaken ? "voided" : "relayed")
    }
  })

  it("are remembered for a day, void ones for thirty", async () => {
    const [one, two] = [randomUUID(), randomUUID()]
    await give(one)
    await give(two)
    await takeBack(two)
    nowMs += 2 * 86_400_000
    await intakes.sweep()
    assert.equal(intakes.countOf("north"), 1)
    nowMs += 29 * 86_400_000
    await intakes.sweep()
    assert.equal(open().countOf("north"), 0)
  })
})
