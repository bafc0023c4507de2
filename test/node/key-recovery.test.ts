// What a restart, a broken connection, a restored backup and a stolen disk do to the keys.

import assert from "node:assert/strict"
import { randomBytes, randomUUID } from "node:crypto"
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import path from "node:path"
import { Secret } from "../../src/keys/secret.js"
import { hexOf, KeyNetwork } from "./key-network.js"

let net: KeyNetwork
async function network(count: number, blocks = 8, blockBytes = 4096): Promise<void> {
  net = new KeyNetwork(count)
  await net.start()
  await net.feed(blocks, blockBytes)
}

const stock = (link: number, end: number): number =>
  net.manager(link + end).poolFigures(net.links[link] ?? "")?.stockBits ?? -1

async function agree(): Promise<void> {
  await net.until(() =>
    net.links.every((_, link) => stock(link, 0) === stock(link, 1) && stock(link, 0) >= 0),
  )
}

function disk(folder: string): Buffer {
  return Buffer.concat(
    readdirSync(folder).map((name) => {
      const file = path.join(folder, name)
      return statSync(file).isDirectory() ? disk(file) : readFileSync(file)
    }),
  )
}

describe("keys after trouble", () => {
  afterEach(async () => {
    await net.close()
  })

  it("go on after a node in the middle restarts, with all but what it had open", async () => {
    await network(3)
    await net.exchange(3)
    const before = stock(0, 0)
    await net.restart(1)
    await agree()
    await net.until(() => stock(0, 0) > before - 4 * 4096 * 8)
    const [made, taken] = await net.exchange(4)
    assert.deepEqual(made, taken)
    const figures = net.manager(1).poolFigures(net.links[0] ?? "")
    assert.equal(figures?.generatedBits, BigInt(8 * 4096 * 8))
    assert.equal(figures.consumedBits, 7n * 256n)
  })

  it("that were not fetched are there again after the restart, once", async () => {
    await network(2)
    const [a, b] = net.saes
    const made = await net.first.makeKeys(net.appId, a, [b], 3, 256)
    const ids = made.map(({ keyId }) => keyId)
    const [one] = await net.last.takeKeys(b, a, ids.slice(0, 1))
    assert.deepEqual(hexOf(one === undefined ? [] : [one]), hexOf(made.slice(0, 1)))
    await net.restart(1)
    assert.equal(net.last.waitingKeys, 3)
    await assert.rejects(net.last.takeKeys(b, a, ids), { tag: "data-missing" })
    assert.deepEqual(hexOf(await net.last.takeKeys(b, a, ids.slice(1))), hexOf(made.slice(1)))
    await net.restart(1)
    assert.equal(net.last.waitingKeys, 0)
    await assert.rejects(net.last.takeKeys(b, a, ids.slice(1)), { tag: "data-missing" })
  })

  it("D2: are not handed out after a restart before a neighbour has confirmed the store", async () => {
    await network(2)
    const [a, b] = net.saes
    const made = await net.first.makeKeys(net.appId, a, [b], 1, 256)
    const ids = made.map(({ keyId }) => keyId)
    await net.first.close()
    await net.last.close()
    await net.startOne(1)
    net.last.configure(net.configOf(1))
    const unsure = { tag: "resource-denied", appTag: "node-unreachable" }
    await assert.rejects(net.last.takeKeys(b, a, ids), unsure)
    await assert.rejects(net.last.takeKeys(b, a, [randomUUID()]), unsure)
    await net.startOne(0)
    net.first.configure(net.configOf(0))
    await net.connected()
    assert.deepEqual(hexOf(await net.last.takeKeys(b, a, ids)), hexOf(made))
  })

  it("fail at once while the neighbour is away, and come again with it", async () => {
    await network(2)
    await net.last.close()
    await net.until(() => net.first.connectedPeers().length === 0)
    const [a, b] = net.saes
    assert.equal(net.first.deliverableCount(net.appId, 256), 0)
    await assert.rejects(net.first.makeKeys(net.appId, a, [b], 1, 256), { appTag: "no-path" })
    await net.startOne(1)
    net.last.configure(net.configOf(1))
    await net.connected()
    await agree()
    const [made, taken] = await net.exchange(1)
    assert.deepEqual(made, taken)
  })

  it("that only one end received are dropped at both after the restart", async () => {
    await network(2, 2, 1024)
    const before = stock(0, 0)
    await net.first.addLinkKey(net.links[0] ?? "", randomUUID(), Secret.take(randomBytes(1024)))
    assert.equal(stock(0, 0), before)
    await net.restart(0)
    await agree()
    assert.ok(stock(0, 0) <= before)
  })

  for (const restored of [0, 1]) {
    it(`D2: from a backup restored at end ${restored} are refused: nothing of it is served`, async () => {
      await network(2)
      const [a, b] = net.saes
      const old = await net.first.makeKeys(net.appId, a, [b], 2, 256)
      const ids = old.map(({ keyId }) => keyId)
      await net.manager(restored).close()
      const backup = `${net.dir(restored)}-backup`
      cpSync(net.dir(restored), backup, { recursive: true })
      await net.startOne(restored)
      net.manager(restored).configure(net.configOf(restored))
      await net.connected()
      await agree()
      // Spent after the backup was taken.
      await net.last.takeKeys(b, a, ids)
      await net.exchange(2)
      // Long enough for the neighbours to hear of it.
      await new Promise((resolve) => setTimeout(resolve, 600))
      await net.manager(restored).close()
      rmSync(net.dir(restored), { recursive: true })
      cpSync(backup, net.dir(restored), { recursive: true })
      rmSync(backup, { recursive: true })
      await net.startOne(restored)
      net.manager(restored).configure(net.configOf(restored))
      if (restored === 1) {
        // Before anybody was asked, and after.
        await assert.rejects(net.last.takeKeys(b, a, ids))
      }
      await net.until(() => net.alarms.some(({ kind }) => kind === "store-rolled-back"))
      await net.until(() => net.manager(restored).connectedPeers().length === 1)
      await net.connected()
      await assert.rejects(net.last.takeKeys(b, a, ids))
      await agree()
      assert.equal(stock(0, 0), 0)
      // And the network heals with fresh keys.
      await net.feed(4, 4096)
      const [made, taken] = await net.exchange(2)
      assert.deepEqual(made, taken)
    })
  }

  it("D1: do not lie readable on the disk, neither link keys nor end keys", async () => {
    await network(2)
    const [a, b] = net.saes
    const block = randomBytes(256)
    for (const one of [net.first, net.last])
      await one.addLinkKey(
        net.links[0] ?? "",
        "00000000-0000-4000-8000-00000000000a",
        Secret.take(Buffer.from(block)),
      )
    const made = await net.first.makeKeys(net.appId, a, [b], 3, 256)
    const canaries: Buffer[] = [block.subarray(0, 32), block.subarray(128, 160)]
    for (const { key } of made) key.use((bytes) => canaries.push(Buffer.from(bytes)))
    canaries.push(net.site(1).sealing)
    for (const dir of [net.dir(0), net.dir(1)]) {
      const raw = disk(dir)
      for (const canary of canaries) {
        for (const text of [canary, canary.toString("hex"), canary.toString("base64")])
          assert.equal(raw.includes(text), false)
      }
    }
    // The control: they are found where they do lie.
    writeFileSync(path.join(net.dir(1), "leak"), canaries[2] ?? "")
    assert.equal(disk(net.dir(1)).includes(canaries[2] ?? ""), true)
  })
})
