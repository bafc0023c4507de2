// A relay holds its neighbours to what the controller gave their paths: real key managers, of which one is in the hands
// of somebody who sends as much as he can (THREATS T4).

import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import type { AppConfig } from "../../src/model/app.js"
import type { LinkConfig } from "../../src/model/link.js"
import type { EndKey, KeyManagerConfig } from "../../src/node/ports.js"
import { ByteWriter } from "../../src/keys/bytes.js"
import { decodeLinkRecord, encodeLinkRecord } from "../../src/node/records.js"
import { KeyMesh } from "./key-mesh.js"

/** Two sources, the relay, the far end. Every source has its link to the relay, which has one to the far end. */
const [GREEDY, MODEST, RELAY, FAR] = [0, 1, 2, 3]
type Source = number

interface Path {
  readonly source: Source
  /** What the controller gave it; the captured node has no maximum of its own. */
  readonly rateBps?: number
  readonly linkId: string
  readonly appId: string
  readonly saeId: string
}

class Star extends KeyMesh {
  readonly sent: Path[] = []

  constructor() {
    super(
      {
        nodes: 4,
        links: [
          [GREEDY, RELAY],
          [MODEST, RELAY],
          [RELAY, FAR],
        ],
        paths: [[GREEDY, RELAY, FAR]],
      },
      { limits: { transferTimeoutMs: 20_000 } },
    )
    for (const [index, faults] of this.faults.entries())
      faults.ownsSae = (sae) => sae.startsWith(`sae-${index}-`)
  }

  get outLink(): string {
    return this.linkIds[2] ?? ""
  }

  add(source: Source, rateBps?: number): Path {
    const [linkId, appId] = [source === RELAY ? this.outLink : randomUUID(), randomUUID()]
    const saeId = `sae-${source}-${this.sent.length}`
    const one = { source, linkId, appId, saeId, ...(rateBps !== undefined && { rateBps }) }
    this.sent.push(one)
    return one
  }

  override configOf(node: number): KeyManagerConfig {
    const { links, peers } = super.configOf(node)
    const physical = links.filter(({ type }) => type === "PHYS")
    const mine = this.sent.filter(
      ({ source }) => node === source || node === FAR || (node === RELAY && source !== RELAY),
    )
    const virtual = mine.flatMap((one): LinkConfig[] => {
      if (one.source === RELAY) return []
      const line = [one.source, RELAY, FAR]
      const [before, after] = [line[line.indexOf(node) - 1], line[line.indexOf(node) + 1]]
      return [
        {
          type: "VIRT",
          qkdlId: one.linkId,
          enabled: true,
          local: { qkdnId: this.id(one.source) },
          remote: { qkdnId: this.id(FAR) },
          nextHops: after === undefined ? [] : [this.id(after)],
          ...(before !== undefined && { prevHop: this.id(before) }),
          ...(one.rateBps !== undefined && { bandwidthBps: one.rateBps }),
        },
      ]
    })
    const apps = node === RELAY ? mine.filter(({ source }) => source === RELAY) : mine
    const own = this.sent.filter(({ source }) => node === source && source === RELAY)
    const all = node === RELAY ? own : apps
    return {
      links: [...physical, ...virtual],
      apps: all.map(
        (one): AppConfig => ({
          appId: one.appId,
          type: "CLIENT",
          serverAppId: one.saeId,
          clientAppIds: [`sae-${FAR}-0`],
          priority: 0,
          qos: {},
          backingQkdlIds: [one.linkId],
          localQkdnId: this.id(node),
          remoteQkdnId: this.id(node === FAR ? one.source : FAR),
        }),
      ),
      peers,
    }
  }

  ask({ source, appId, saeId }: Path, count = 1): Promise<EndKey[]> {
    return this.manager(source).makeKeys(appId, saeId, [`sae-${FAR}-0`], count, 256)
  }

  /** Fetches at the far end what was made, and says whether both have the same. */
  async works(path: Path, count = 1): Promise<void> {
    const made = await this.ask(path, count)
    const ids = made.map(({ keyId }) => keyId)
    const taken = await this.manager(FAR).takeKeys(`sae-${FAR}-0`, path.saeId, ids)
    const hexes = [made, taken].map((keys) =>
      keys.map(({ key }) => key.use((bytes) => Buffer.from(bytes).toString("hex"))),
    )
    assert.deepEqual(hexes[0], hexes[1])
  }

  /** As much as it can get, until it is refused even one key. @returns keys, and the refusal */
  async drain(path: Path): Promise<{ readonly keys: number; readonly refusal: unknown }> {
    let keys = 0
    for (const count of [16, 1]) {
      for (;;) {
        try {
          keys += (await this.ask(path, count)).length
        } catch (refusal) {
          if (count === 1) return { keys, refusal }
          break
        }
      }
    }
    return { keys, refusal: undefined }
  }

  get refusedBits(): bigint {
    return this.manager(RELAY).poolFigures(this.outLink)?.refusedBits ?? 0n
  }
}

describe("a relay with a captured neighbour", () => {
  let net: Star
  afterEach(() => net.close())

  /** Stock of the links of both sources, and of the one that they share. */
  const begin = async (paths: readonly (readonly [Source, number?])[]): Promise<Path[]> => {
    net = new Star()
    const added = paths.map(([source, rateBps]) => net.add(source, rateBps))
    await net.start()
    await net.feed(8, 4096)
    return added
  }

  it("T4: refuses what exceeds the rate of its path, in these words, and tells who it was, once", async () => {
    const [greedy, modest] = await begin([
      [GREEDY, 512],
      [MODEST, 2048],
    ])
    assert.ok(greedy !== undefined && modest !== undefined)
    const { keys, refusal } = await net.drain(greedy)
    assert.ok(keys * 256 >= 512 * 10, "a burst of ten seconds is its own")
    assert.equal((refusal as { appTag?: string }).appTag, "over-rate")
    assert.match(String(refusal), /holds the path to its rate/)
    await assert.rejects(net.ask(greedy, 16), { appTag: "over-rate" })
    assert.ok(net.refusedBits >= 256n * 17n, `${net.refusedBits} bits were counted`)
    const told = net.alarms[RELAY]?.filter(({ kind }) => kind === "path-over-rate")
    assert.deepEqual(
      told?.map(({ qkdnId, pathQkdlId, qkdlId }) => [qkdnId, pathQkdlId, qkdlId]),
      [[net.id(GREEDY), greedy.linkId, net.linkIds[0]]],
    )
  })

  it("T4: keeps the link for the others: a path with a rate, one without, and the relay's own SAE", async () => {
    const [greedy, promised, free, own] = await begin([[GREEDY], [MODEST, 2048], [MODEST], [RELAY]])
    assert.ok(greedy && promised && free && own)
    const { keys } = await net.drain(greedy)
    assert.ok(keys > 10, "what others do not need is the greedy one's too")
    for (let i = 0; i < 10; i++) await net.works(promised, 4)
    for (let i = 0; i < 4; i++) await net.works(free)
    await net.works(own, 16)
    await assert.rejects(net.ask(greedy, 16), { appTag: "pool-empty" })
    assert.ok((net.alarms[RELAY] ?? []).every(({ qkdnId }) => qkdnId === net.id(GREEDY)))
  })

  it("T4: keeps another service through the same neighbour from being starved by the greedy one", async () => {
    const [greedy, promised, free] = await begin([[GREEDY], [GREEDY, 1024], [GREEDY]])
    assert.ok(greedy && promised && free)
    const { refusal } = await net.drain(greedy)
    assert.equal((refusal as { appTag?: string }).appTag, "pool-empty")
    assert.match(String(refusal), /keeps what is left on the path for others/)
    for (let i = 0; i < 10; i++) await net.works(promised, 4)
    await net.works(free, 8)
  })

  it("T4: gives the path its rate again as time goes on", async () => {
    const [greedy, modest] = await begin([
      [GREEDY, 2560],
      [MODEST, 512],
    ])
    assert.ok(greedy && modest)
    await net.drain(greedy)
    await assert.rejects(net.ask(greedy, 16), { appTag: "over-rate" })
    // Three keys at once are made up for in less than half a second.
    const end = performance.now() + 60_000
    for (;;) {
      try {
        await net.works(greedy, 3)
        break
      } catch (refusal) {
        assert.equal((refusal as { appTag?: string }).appTag, "over-rate")
        assert.ok(performance.now() < end, "it never was")
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
  })

  it("T4: holds nobody back on a link that is used by one path alone", async () => {
    const [only] = await begin([[GREEDY, 256]])
    assert.ok(only)
    const { keys, refusal } = await net.drain(only)
    assert.equal((refusal as { appTag?: string }).appTag, "pool-empty")
    assert.ok(keys * 256 > 20 * 256 * 10, `${keys} keys`)
    assert.equal(net.refusedBits, 0n)
  })
})

describe("what a link's store counts", () => {
  it("has what was refused, and is read from a store that does not have it yet", () => {
    const counted = { generatedBits: 1n, consumedBits: 2n, authenticationBits: 3n, relayedBits: 4n }
    const record = { peer: "p", ...counted, refusedBits: 5n, expiredBits: 0n }
    assert.deepEqual(decodeLinkRecord(encodeLinkRecord(record)), record)
    const earlier = new ByteWriter(64).text("p").u64(1n).u64(2n).u64(3n).u64(4n).finish()
    assert.deepEqual(decodeLinkRecord(earlier), { ...record, refusedBits: 0n })
  })
})
