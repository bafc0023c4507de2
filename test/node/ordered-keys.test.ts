// Keys that a controller has ordered ahead of any request: up to its mark, no faster than the promised rate, kept over a
// change of path. Real key managers in a row; the pace by a clock that is moved.

import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import type { AppConfig } from "../../src/model/app.js"
import type { LinkConfig } from "../../src/model/link.js"
import { OrderedKeys } from "../../src/node/ordered-keys.js"
import { decodeAppRecord, encodeAppRecord } from "../../src/node/records.js"
import { hexOf, KeyNetwork } from "./key-network.js"

const KEY = 256

describe("keys ordered ahead", () => {
  let net: KeyNetwork

  const begin = async (sites: number, stock = {}): Promise<void> => {
    net = new KeyNetwork(sites, { limits: { stock: { maxKeys: 64, ...stock }, sweepMs: 50 } })
    await net.start()
    await net.feed(8, 4096)
  }
  afterEach(() => net.close())

  /** As the controller tells it: at the first site, for its SAE as master. */
  const order = (keys: number, more: { minBps?: number; backing?: string } = {}): void => {
    const { minBps = 1e6, backing } = more
    for (const index of [0, 1, 2].slice(0, net.links.length + 1)) {
      const config = net.configOf(index)
      const links = config.links.flatMap((link): LinkConfig[] =>
        link.type === "VIRT" && backing !== undefined
          ? [link, { ...link, qkdlId: backing }]
          : [link],
      )
      const apps = config.apps.map((app) => ({
        ...app,
        qos: { ...app.qos, minBps },
        ...(backing === undefined ? {} : { backingQkdlIds: [backing] }),
        ...(index === 0 ? { ordered: { keySizeBits: KEY, untilBits: keys * KEY } } : {}),
      }))
      net.manager(index).configure({ ...config, links, apps })
    }
  }
  const make = (count: number): ReturnType<typeof net.first.makeKeys> =>
    net.first.makeKeys(net.appId, net.saes[0], [net.saes[1]], count, KEY)

  it("are ready at both ends up to the mark, though nobody ever asked, and are what is handed out", async () => {
    await begin(3)
    order(100)
    await net.until(() => net.first.supply(net.appId).readyBits === 100 * KEY)
    assert.equal(net.last.waitingKeys, 100, "more than a stock by demand would have")
    const made = await make(10)
    assert.deepEqual(net.first.supply(net.appId), { suppliedBits: 10 * KEY, readyBits: 90 * KEY })
    const ids = made.map(({ keyId }) => keyId)
    assert.deepEqual(hexOf(await net.last.takeKeys(net.saes[1], net.saes[0], ids)), hexOf(made))
    assert.equal(net.last.supply(net.appId).suppliedBits, 0, "whoever fetches is no master")
    order(120)
    await net.until(() => net.first.supply(net.appId).readyBits === 110 * KEY)
  })

  it("stay when their association moves to another path, and once the order is over", async () => {
    await begin(3)
    order(40)
    await net.until(() => net.first.supply(net.appId).readyBits === 40 * KEY)
    order(40, { backing: randomUUID() })
    assert.equal(net.first.supply(net.appId).readyBits, 40 * KEY)
    net.configureAll()
    assert.equal(net.first.supply(net.appId).readyBits, 40 * KEY)
    assert.equal((await make(40)).length, 40)
  })

  it("are no more than the site allows", async () => {
    await begin(2, { maxOrderedKeys: 30 })
    order(100)
    await net.until(() => net.first.supply(net.appId).readyBits === 30 * KEY)
    await make(5)
    await net.until(() => net.first.supply(net.appId).readyBits === 30 * KEY)
    assert.equal(net.first.supply(net.appId).suppliedBits, 5 * KEY)
  })
})

describe("how many ordered keys are due", () => {
  const app = (minBps: number, keys: number): AppConfig => ({
    appId: "app",
    type: "CLIENT",
    serverAppId: "far",
    clientAppIds: ["near"],
    priority: 0,
    qos: { minBps },
    backingQkdlIds: ["link"],
    ordered: { keySizeBits: KEY, untilBits: keys * KEY },
  })
  const id = { appId: "app", masterSaeId: "near", slaveSaeId: "far", keySizeBits: KEY }

  it("follows the promised rate, catches up on five seconds at most, and ends at the mark", () => {
    let [nowMs, ready, free] = [0, 0, 1e9]
    const ordered = new OrderedKeys({
      ownsSae: (saeId) => saeId === "near",
      suppliedBits: () => 0n,
      readyBits: () => ready,
      freeBits: () => free,
      steadyMs: () => nowMs,
      maxKeys: 1000,
    })
    ordered.configure([app(4 * KEY, 50)])
    assert.deepEqual(ordered.shelves, [id], "the site's own SAE is the master, whichever end asked")
    assert.equal(ordered.wanted(id), 0)
    nowMs += 1000
    assert.equal(ordered.wanted(id), 4)
    ordered.made(id, 4)
    ready += 4 * KEY
    assert.equal(ordered.wanted(id), 0)
    nowMs += 60_000
    assert.equal(ordered.wanted(id), 20)
    free = 7 * KEY
    assert.equal(ordered.wanted(id), 7, "what others are promised is theirs")
    free = 1e9
    ready = 48 * KEY
    assert.equal(ordered.wanted(id), 2)
    ordered.configure([app(0, 50)])
    nowMs += 60_000
    assert.equal(ordered.wanted(id), 0, "without a promised rate none are made")
    assert.equal(ordered.wanted({ ...id, keySizeBits: 128 }), 0)
  })
})

describe("the record of an application", () => {
  it("is read as it was written, also from before masters were counted apart", () => {
    const record = { deliveredBits: 7n, suppliedBits: 5n, maximumBits: 1.5 }
    assert.deepEqual(decodeAppRecord(encodeAppRecord(record)), record)
    const old = encodeAppRecord(record).subarray(0, 16)
    assert.deepEqual(decodeAppRecord(old), { ...record, suppliedBits: 0n })
  })
})
