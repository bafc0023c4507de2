// Key managers in a row: the same keys at both ends, in both directions, each once.

import assert from "node:assert/strict"
import { randomBytes, randomUUID } from "node:crypto"
import { Secret } from "../../src/keys/secret.js"
import { KeyNetwork, saeOf } from "./key-network.js"

let net: KeyNetwork
async function network(
  count: number,
  blocks = 8,
  blockBytes = 4096,
  options: ConstructorParameters<typeof KeyNetwork>[1] = {},
): Promise<KeyNetwork> {
  net = new KeyNetwork(count, options)
  await net.start()
  if (blocks > 0) await net.feed(blocks, blockBytes)
  return net
}

describe("key managers in a row", () => {
  afterEach(async () => {
    await net.close()
  })

  for (const count of [2, 3, 5]) {
    it(`give the same keys at both ends of ${count - 1} links, in both directions at once`, async () => {
      await network(count, 16, 4096)
      const rounds = await Promise.all(
        Array.from({ length: 20 }, (_, i) => net.exchange(1 + (i % 3), 256, i % 2 === 1)),
      )
      const all = rounds.flatMap(([made, taken]) => {
        assert.deepEqual(made, taken)
        return made
      })
      assert.equal(new Set(all).size, all.length, "no key came twice")
      assert.equal(
        all.every((key) => key.length === 64),
        true,
      )
      assert.deepEqual(net.alarms, [])
    })
  }

  it("make pads from very small blocks, a message from several of them", async () => {
    await network(3, 200, 64)
    const [made, taken] = await net.exchange(8)
    assert.deepEqual(made, taken)
    assert.equal(made.length, 8)
    const [long, same] = await net.exchange(1, 4096)
    assert.deepEqual(long, same)
  })

  it("relay a batch of 128 keys, and batches that need several messages", async () => {
    await network(3, 8, 65_536)
    const [made, taken] = await net.exchange(128)
    assert.deepEqual(made, taken)
    const [many, same] = await net.exchange(300, 2048)
    assert.equal(many.length, 300)
    assert.deepEqual(many, same)
  })

  it("count each link bit once, pads and tags apart, alike at both ends", async () => {
    await network(3, 4, 4096)
    await net.exchange(2)
    await net.exchange(1, 256, true)
    for (const [link, id] of net.links.entries()) {
      const a = net.manager(link).poolFigures(id)
      const b = net.manager(link + 1).poolFigures(id)
      const alike = { ...a, relayedBits: 0n }
      assert.deepEqual(alike, { ...b, relayedBits: 0n })
      // The node in the middle made none of them, and delivered none.
      assert.deepEqual([a?.relayedBits, b?.relayedBits], link === 0 ? [0n, 768n] : [768n, 0n])
      assert.deepEqual(alike, {
        // Two messages: a tag each, and the signature of their source beside the keys.
        stockBits: 4 * 4096 * 8 - 3 * 256 - 2 * (256 + 512),
        generatedBits: BigInt(4 * 4096 * 8),
        consumedBits: 768n,
        authenticationBits: 1536n,
        relayedBits: 0n,
        refusedBits: 0n,
        expiredBits: 0n,
      })
    }
    assert.equal(net.first.deliveredBits(net.appId), 768n)
    assert.equal(net.last.deliveredBits(net.appId), 768n)
    // All of the stock but what the other end has open for its own use, and a tag.
    const deliverable = net.first.deliverableCount(net.appId, 256)
    assert.ok(deliverable > 400 && deliverable < 506, `${deliverable}`)
  })

  it("say pool-empty when the link has too little, and go on when blocks come", async () => {
    await network(2, 1, 128)
    const [a, b] = net.saes
    await assert.rejects(net.first.makeKeys(net.appId, a, [b], 4, 256), { appTag: "pool-empty" })
    await net.feed(4, 1024)
    const [made, taken] = await net.exchange(4)
    assert.deepEqual(made, taken)
  })

  it("share the link's capacity: one end sends with what is the other's at first", async () => {
    await network(2, 16, 512)
    let made = 0
    await assert.rejects(
      async () => {
        for (; made < 200; made++) await net.exchange(1)
      },
      { appTag: "pool-empty" },
    )
    // 8,192 bytes, 64 a key with its tag: without grants there would be 64 keys.
    assert.ok(made > 110, `${made} keys`)
  })

  it("say pool-empty when a link in the middle has too little, and void nothing else", async () => {
    await network(4, 0)
    await net.feedLink(0, 8, 1024)
    await net.feedLink(2, 8, 1024)
    const [a, b] = net.saes
    await assert.rejects(net.first.makeKeys(net.appId, a, [b], 1, 256), { appTag: "pool-empty" })
    assert.equal(net.last.waitingKeys, 0)
    await net.feedLink(1, 8, 1024)
    const [made, taken] = await net.exchange(1)
    assert.deepEqual(made, taken)
  })

  it("T2: hand out each key once, to the SAE it was made for, from the master that made it", async () => {
    await network(2)
    const [a, b] = net.saes
    const made = await net.first.makeKeys(net.appId, a, [b], 3, 256)
    const ids = made.map(({ keyId }) => keyId)
    const missing = { tag: "data-missing" }
    const denied = { tag: "access-denied" }
    await assert.rejects(net.last.takeKeys(b, a, [...ids, randomUUID()]), missing)
    await assert.rejects(net.last.takeKeys(b, "another-master", ids), denied)
    await assert.rejects(net.last.takeKeys("not-ours", a, ids), denied)
    await assert.rejects(net.last.takeKeys(b, a, [ids[0] ?? "", ids[0] ?? ""]), missing)
    assert.equal((await net.last.takeKeys(b, a, ids.slice(0, 1))).length, 1)
    await assert.rejects(net.last.takeKeys(b, a, ids), missing, "all or none")
    const rest = await net.last.takeKeys(b, a, ids.slice(1).reverse())
    assert.deepEqual(
      rest.map(({ keyId }) => keyId),
      ids.slice(1).reverse(),
    )
    await assert.rejects(net.last.takeKeys(b, a, ids.slice(1)), missing)
    assert.equal(net.last.waitingKeys, 0)
  })

  it("T3: give a key to one of two requests at the same moment", async () => {
    await network(2)
    const [a, b] = net.saes
    const made = await net.first.makeKeys(net.appId, a, [b], 1, 256)
    const ids = made.map(({ keyId }) => keyId)
    const outcomes = await Promise.allSettled([1, 2, 3].map(() => net.last.takeKeys(b, a, ids)))
    assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1)
  })

  it("park keys whose association is about to be configured, and refuse those whose is not", async () => {
    await network(3, 8, 4096, { limits: { parkMs: 300 } })
    const config = net.configOf(2)
    net.last.configure({ ...config, apps: [] })
    const pending = net.exchange(1)
    setTimeout(() => {
      net.last.configure(config)
    }, 100)
    const [made, taken] = await pending
    assert.deepEqual(made, taken)
    net.last.configure({ ...config, apps: [] })
    await assert.rejects(net.exchange(1), { appTag: "no-path" })
    assert.equal(net.last.waitingKeys, 0)
  })

  it("refuse SAEs that are not of the site or not of the association", async () => {
    await network(2)
    const [a, b] = net.saes
    const policy = { appTag: "policy" }
    await assert.rejects(net.first.makeKeys(net.appId, "stranger", [b], 1, 256), policy)
    await assert.rejects(net.first.makeKeys(net.appId, a, ["stranger"], 1, 256), {
      tag: "access-denied",
    })
    await assert.rejects(net.first.makeKeys(net.appId, a, [a], 1, 256), { tag: "access-denied" })
    await assert.rejects(net.first.makeKeys(randomUUID(), a, [b], 1, 256), { appTag: "no-path" })
    await assert.rejects(net.first.makeKeys(net.appId, a, [b], 0, 256), { tag: "invalid-value" })
    await assert.rejects(net.first.makeKeys(net.appId, a, [b], 1, 255), { tag: "invalid-value" })
  })

  it("R3: keep the policy at every hop", async () => {
    await network(4)
    const policy = { appTag: "policy" }
    const [source, relay, , destination] = net.faults
    assert.ok(source && relay && destination)
    relay.refusesPath = () => "not on my watch"
    await assert.rejects(net.exchange(1), policy)
    delete relay.refusesPath
    relay.maxHops = 1
    await assert.rejects(net.exchange(1), policy)
    delete relay.maxHops
    destination.allowsEnd = () => false
    await assert.rejects(net.exchange(1), policy)
    delete destination.allowsEnd
    // The source sees the whole path only when the keys have arrived: then they are voided.
    source.refusesPath = ({ nodes }) =>
      nodes.includes(net.site(2).qkdnId) ? "avoided node" : undefined
    await assert.rejects(net.exchange(1), policy)
    await net.until(() => net.last.waitingKeys === 0)
    delete source.refusesPath
    const [made, taken] = await net.exchange(1)
    assert.deepEqual(made, taken)
  })

  it("R3: do not let a controller lead keys round in a circle", async () => {
    await network(3)
    // The relay is told to send on to where it came from.
    const config = net.configOf(1)
    const virt = { ...net.virt(1), nextHops: [net.site(0).qkdnId] }
    net.manager(1).configure({
      ...config,
      links: config.links.map((link) => (link.type === "VIRT" ? virt : link)),
    })
    await assert.rejects(net.exchange(1), (error: { appTag?: string }) =>
      ["policy", "no-path"].includes(error.appTag ?? ""),
    )
  })

  it("drop keys whose time is over", async () => {
    await network(2, 4, 1024)
    const [a, b] = net.saes
    const app = { ...net.app(0), qos: { ttlS: 1 } }
    net.first.configure({ ...net.configOf(0), apps: [app] })
    const made = await net.first.makeKeys(net.appId, a, [b], 2, 256)
    assert.equal(net.last.waitingKeys, 2)
    await net.until(() => net.last.waitingKeys === 0)
    const ids = made.map(({ keyId }) => keyId)
    await assert.rejects(net.last.takeKeys(b, a, ids), { tag: "data-missing" })
  })

  it("use the one of parallel links that the path names, else the one with most in stock", async () => {
    await network(3, 8, 4096)
    const [link = ""] = net.links
    const second = randomUUID()
    const configure = (nextQkdlId?: string): void => {
      for (const index of [0, 1]) {
        const config = net.configOf(index)
        const parallel = { ...net.phys(0, index), qkdlId: second }
        const links = [...config.links, parallel].map((one) =>
          one.type === "VIRT" && index === 0 && nextQkdlId !== undefined
            ? { ...one, nextQkdlId }
            : one,
        )
        net.manager(index).configure({ ...config, links })
      }
    }
    const used = (id: string): bigint => net.first.poolFigures(id)?.consumedBits ?? -1n
    configure(second)
    await assert.rejects(net.exchange(1), { appTag: "pool-empty" })
    for (let i = 0; i < 4; i++) {
      const id = randomUUID()
      const bytes = randomBytes(1024)
      for (const manager of [net.first, net.manager(1)])
        await manager.addLinkKey(second, id, Secret.take(Buffer.from(bytes)))
    }
    await net.until(() => (net.first.poolFigures(second)?.stockBits ?? 0) === 4 * 8192)
    await net.exchange(2)
    assert.deepEqual([used(link), used(second)], [0n, 512n])
    configure()
    await net.exchange(2)
    assert.deepEqual([used(link), used(second)], [512n, 512n])
  })

  it("void a pool rather than use it towards another neighbour", async () => {
    await network(3, 4, 1024)
    const [link] = net.links
    const config = net.configOf(1)
    const moved = config.links.map((one) =>
      one.qkdlId === link && one.type === "PHYS"
        ? { ...one, remote: { qkdnId: net.site(2).qkdnId } }
        : one,
    )
    assert.ok((net.manager(1).poolFigures(link ?? "")?.stockBits ?? 0) > 0)
    net.manager(1).configure({ ...config, links: moved })
    assert.equal(net.manager(1).poolFigures(link ?? "")?.stockBits, 0)
    net.manager(1).configure(config)
    await net.until(() => net.first.poolFigures(link ?? "")?.stockBits === 0)
  })

  it("take a block once, and none for a link that is not configured", async () => {
    await network(2, 0)
    const id = randomUUID()
    const bytes = randomBytes(64)
    const [link = ""] = net.links
    const give = (): Promise<void> =>
      net.first.addLinkKey(link, id, Secret.take(Buffer.from(bytes)))
    await Promise.all([give(), give()])
    await give()
    assert.equal(net.first.poolFigures(link)?.generatedBits, 512n)
    const stray = Secret.take(Buffer.from(bytes))
    await assert.rejects(net.first.addLinkKey(randomUUID(), id, stray), { tag: "data-missing" })
    assert.equal(stray.wiped, true)
    await assert.rejects(net.first.addLinkKey(link, "no-uuid", Secret.take(Buffer.from(bytes))), {
      tag: "invalid-value",
    })
    assert.equal(saeOf(net.site(0)), net.saes[0])
  })
})
