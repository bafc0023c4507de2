// End keys relayed ahead of demand: two or three real key managers in a row, with a stock.

import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import type { LinkConfig } from "../../src/model/link.js"
import { hexOf, KeyNetwork } from "./key-network.js"

const STOCK = { maxKeys: 64, maxShelvesPerApp: 2 }

describe("end keys relayed ahead of demand", () => {
  let net: KeyNetwork

  let aheadMs: number
  const clock = {
    now: () => Date.now() + aheadMs,
    monotonicMs: () => performance.now() + aheadMs,
  }

  const begin = async (sites: number, stock = {}, more = {}): Promise<void> => {
    aheadMs = 0
    net = new KeyNetwork(sites, { limits: { stock: { ...STOCK, ...stock }, ...more }, clock })
    await net.start()
    await net.feed(8, 4096)
  }
  afterEach(() => net.close())

  const [ready, asked] = [256, 4]
  /** Asks twice, which is use and no chance, and waits until the stock has followed. */
  const warm = async (): Promise<void> => {
    await net.exchange(asked, ready)
    await net.exchange(asked, ready)
    await net.until(() => net.first.stockedKeys === 2 * asked)
  }
  const make = (count: number, bits = 256): ReturnType<typeof net.first.makeKeys> =>
    net.first.makeKeys(net.appId, net.saes[0], [net.saes[1]], count, bits)

  it("are handed out while the far end is away, and are there when it is back", async () => {
    await begin(3)
    await warm()
    await net.last.close()
    const made = await make(2 * asked)
    await net.startOne(2)
    net.configureAll()
    await net.connected()
    const ids = made.map(({ keyId }) => keyId)
    let taken: typeof made = []
    await net.untilDone(async () => {
      taken = await net.last.takeKeys(net.saes[1], net.saes[0], ids)
    })
    assert.deepEqual(hexOf(taken), hexOf(made))
  })

  it("are each given once, however many ask at once, and both ends have the same", async () => {
    await begin(2)
    await warm()
    const wanted = Array.from({ length: 150 }, (_, i) => 1 + (i % 5))
    const made = (await Promise.all(wanted.map((count) => make(count)))).flat()
    const ids = made.map(({ keyId }) => keyId)
    assert.equal(ids.length, 450)
    assert.equal(new Set(ids).size, ids.length)
    assert.equal(new Set(hexOf(made)).size, ids.length)
    for (let at = 0; at < ids.length; at += 50) {
      const some = ids.slice(at, at + 50)
      const taken = await net.last.takeKeys(net.saes[1], net.saes[0], some)
      assert.deepEqual(hexOf(taken), hexOf(made.slice(at, at + 50)))
    }
  })

  it("stay within their ceiling, and take at most half of what the link has left", async () => {
    await begin(2)
    await make(60)
    await new Promise((resolve) => setTimeout(resolve, 200))
    assert.equal(net.last.waitingKeys, 60, "nothing is made ahead for who asked once")
    await make(60)
    await net.until(() => net.last.waitingKeys - 120 >= 64)
    await new Promise((resolve) => setTimeout(resolve, 500))
    assert.equal(net.last.waitingKeys - 120, 64)
    await net.close()

    net = new KeyNetwork(2, { limits: { stock: { maxKeys: 4096 } } })
    await net.start()
    await net.feed(1, 8192)
    const link = net.links[0] ?? ""
    const left = (): number => net.first.poolFigures(link)?.stockBits ?? 0
    await make(20)
    await make(20)
    await net.until(() => net.last.waitingKeys > 41)
    assert.ok(left() > 16_384, `${left()} bits are left for others`)
  })

  it("are void when the association moves to another path", async () => {
    // No refill meanwhile.
    await begin(3, {}, { sweepMs: 60_000 })
    await warm()
    const moved = randomUUID()
    for (const index of [0, 1, 2]) {
      const config = net.configOf(index)
      const links = config.links.flatMap((link): LinkConfig[] =>
        link.type === "VIRT" ? [link, { ...link, qkdlId: moved }] : [link],
      )
      const apps = config.apps.map((app) => ({ ...app, backingQkdlIds: [moved] }))
      net.manager(index).configure({ ...config, links, apps })
    }
    await net.until(() => net.last.waitingKeys === 0)
    assert.equal((await make(1)).length, 1)
  })

  it("are not handed out once the site policy has turned against a node that saw them", async () => {
    await begin(3)
    await warm()
    const relay = net.site(1).qkdnId
    const fault = net.faults[0]
    if (fault !== undefined)
      fault.refusesPath = ({ nodes, next }) =>
        nodes.includes(relay) || next === relay ? "no more through there" : undefined
    await assert.rejects(make(1), { appTag: "policy" })
    await net.until(() => net.last.waitingKeys === 0)
  })

  it("are not handed out when they have grown too old", async () => {
    const never = 3_600_000
    // Only who asks looks at them; connections do not end for the time that is skipped.
    await begin(2, { maxAgeMs: 60_000 }, { sweepMs: never, pingMs: never })
    await warm()
    aheadMs += 60_000
    await make(1)
    // The old ones are void at the far end too: it has the one that was handed out, and a new stock.
    await net.until(
      () => net.first.stockedKeys === 2 * asked && net.last.waitingKeys === 2 * asked + 1,
    )
  })

  it("of sizes asked for lately only: whoever asks for many sizes keeps no more ready", async () => {
    await begin(2)
    for (const bits of [64, 72, 80, 88, 96, 104]) {
      await make(1, bits)
      await make(1, bits)
      await net.until(() => net.last.waitingKeys >= 2)
    }
    await net.until(() => net.last.waitingKeys <= 12 + 2 * 2)
  })

  it("are told in the application's statistics; a relay counts what it passes on, the ends do not", async () => {
    await begin(3)
    await warm()
    assert.equal(net.first.supply(net.appId).readyBits, 2 * asked * 256)
    assert.equal(net.first.deliveredBits(net.appId), BigInt(2 * asked * 256))
    const figures = (site: number, link: number): bigint | undefined =>
      net.manager(site).poolFigures(net.links[link] ?? "")?.relayedBits
    const passed = BigInt(4 * asked * 256)
    assert.deepEqual([figures(1, 0), figures(1, 1)], [passed, passed])
    assert.deepEqual([figures(0, 0), figures(2, 1)], [0n, 0n])
  })

  it("are wiped and void when the node stops", async () => {
    await begin(2)
    await warm()
    await net.first.close()
    await net.until(() => net.last.waitingKeys === 0)
  })
})
