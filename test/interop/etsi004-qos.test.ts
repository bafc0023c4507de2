// QoS and status of ETSI GS QKD 004 V2.1.1, by a client on Python's standard library, of two sites with real key
// managers. Each line of a table is a check of its own.

import assert from "node:assert/strict"
import { QkdError } from "../../src/errors.js"
import { assertChunk, StreamSites } from "./etsi004-sites.js"
import type { Answer, Qos } from "./etsi004-sites.js"

describe("ETSI GS QKD 004: what a stream promises, and what calls are told", function () {
  this.slow(1500)
  const all = new StreamSites()
  const { network } = all.sites

  before(async () => {
    // The pair of amy and ben has a rate of its own; the others take what there is.
    network.apps = network.apps.map((app) =>
      app.serverAppId === "amy" && app.clientAppIds.includes("ben")
        ? { ...app, qos: { ttlS: 3600, minBps: 10_000, maxBps: 100_000 } }
        : app,
    )
    await all.start()
    await all.sites.feed(24)
  })
  after(() => all.close())

  describe("QoS", () => {
    const NO_QOS = {
      ...{ chunkBytes: 0, maxBps: 0, minBps: 0, jitterBps: 0 },
      ...{ priority: 0, timeoutMs: 0, ttlS: 0, metadataMimetype: "" },
    }
    const DEFAULTS: Required<Qos> = {
      key_chunk_size: 32,
      max_bps: 0,
      min_bps: 0,
      jitter: 0,
      priority: 0,
      timeout: 5000,
      ttl: 86_400,
      metadata_mimetype: "",
    }

    it("is the node's to choose where it is left open, and told", async () => {
      const { qos, key_stream_id: ksid = "" } = await all.open("alice", "bob", undefined, {})
      assert.deepEqual(qos, DEFAULTS)
      await all.shut("alice", ksid)
    })

    for (const bytes of [8, 9, 31, 33, 64, 100, 256, 511, 512])
      it(`Key_chunk_size: chunks of ${bytes} bytes`, async () => {
        const ksid = await all.both("alice", "bob", { key_chunk_size: bytes })
        const [one, other] = [await all.get("alice", ksid, 1), await all.get("bob", ksid, 1)]
        assertChunk(one, 1, bytes)
        assert.deepEqual(one, other)
        await all.shutBoth(ksid)
      })

    const proposals: readonly [string, Qos, Qos][] = [
      ["a chunk above what the site allows", { key_chunk_size: 513 }, { key_chunk_size: 512 }],
      ["a chunk below what the site allows", { key_chunk_size: 7 }, { key_chunk_size: 8 }],
      ["a chunk beyond all measure", { key_chunk_size: 0xffff_ffff }, { key_chunk_size: 512 }],
      ["a rate that nobody has reserved", { min_bps: 1 }, { min_bps: 0 }],
      ["a call that waits for an hour", { timeout: 3_600_000 }, { timeout: 60_000 }],
      ["chunks that are kept for a year", { ttl: 31_536_000 }, { ttl: 604_800 }],
      ["a delivery more even than chunks are", { jitter: 1 }, { jitter: 256 }],
      [
        "metadata of another type",
        { metadata_mimetype: "application/xml" },
        { metadata_mimetype: "application/json" },
      ],
    ]
    for (const [what, asked, proposed] of proposals)
      it(`is refused with a counter proposal that holds (7): ${what}`, async () => {
        const refused = await all.open("alice", "bob", undefined, { timeout: 2000, ...asked })
        assert.equal(refused.status, 7)
        assert.equal(refused.key_stream_id, undefined)
        const [[name, value] = ["", 0]] = Object.entries(proposed)
        assert.equal(refused.qos?.[name as keyof Qos], value)
        const taken = await all.open("alice", "bob", undefined, refused.qos)
        assert.equal(taken.status, 1)
        assert.deepEqual(taken.qos, refused.qos)
        await all.shut("alice", taken.key_stream_id ?? "")
      })

    it("Min_bps is what the controller has reserved for the pair, shared by its streams", async () => {
      const open = (min_bps: number): Promise<Answer> =>
        all.open("amy", "ben", undefined, { min_bps, timeout: 2000 })
      const first = await open(6000)
      assert.deepEqual([first.status, first.qos?.min_bps], [1, 6000])
      const second = await open(6000)
      assert.deepEqual([second.status, second.qos?.min_bps], [7, 4000])
      await all.shut("amy", first.key_stream_id ?? "")
      const third = await open(10_000)
      assert.equal(third.status, 1)
      await all.shut("amy", third.key_stream_id ?? "")
    })

    it("of two streams opened at the same moment one has it, the other what is left", async () => {
      const { streams } = all.sites.network.manager(0)
      const app = all.sites.parts("A").desk.find("amy", "ben")
      assert.ok(app !== undefined)
      const asked = { ...NO_QOS, minBps: 6000, timeoutMs: 2000 }
      const opening = { saeId: "amy", peerSaeId: "ben", app, asked, waitMs: 2000 }
      const order = { ...opening, minChunkBytes: 8, maxChunkBytes: 1024 }
      const opened = await Promise.all([streams.open(order), streams.open(order)])
      assert.deepEqual(
        opened.map(({ status, qos }) => [status, qos.minBps]),
        [
          [1, 6000],
          [7, 4000],
        ],
      )
      await all.shut("amy", opened[0].ksid)
    })

    it("Max_bps is not above the pair's, and is the pair's where it is left open", async () => {
      const above = await all.open("amy", "ben", undefined, { max_bps: 100_001 })
      assert.deepEqual([above.status, above.qos?.max_bps], [7, 100_000])
      const open = await all.open("amy", "ben", undefined, {})
      assert.deepEqual([open.status, open.qos?.max_bps], [1, 100_000])
      await all.shut("amy", open.key_stream_id ?? "")
    })

    it("Max_bps bounds what an end draws (2), which bounds nobody else", async () => {
      const ksid = await all.both("alice", "bob", { max_bps: 25, timeout: 3000 })
      assert.equal((await all.get("alice", ksid)).status, 0)
      assert.deepEqual(await all.get("alice", ksid), { status: 2 })
      assert.equal((await all.get("bob", ksid)).status, 0)
      await all.shutBoth(ksid)
    })

    it("Max_bps holds a call back until its chunk is due", async () => {
      const ksid = await all.both("alice", "bob", { max_bps: 2560, timeout: 10_000 })
      for (let index = 0; index < 13; index++) assertChunk(await all.get("alice", ksid), index)
      await all.shutBoth(ksid)
    })

    it("TTL ends what was not read: the next is another, the same at both ends", async () => {
      const ksid = await all.both("alice", "bob", { ttl: 1 })
      assertChunk(await all.get("bob", ksid, 1), 1)
      const madeMs = performance.now()
      await network.until(() => performance.now() > madeMs + 1100)
      const one = await all.get("alice", ksid, 0)
      assert.equal(one.status, 0)
      assert.ok((one.index ?? 0) > 1, String(one.index))
      // On a busy machine a chunk may end between the two ends' calls.
      for (let tries = 0; ; tries++) {
        const here = await all.get("alice", ksid)
        const there = await all.get("bob", ksid, here.index)
        if (here.index !== there.index && tries < 20) continue
        assert.deepEqual(there, here)
        break
      }
      await all.shutBoth(ksid)
    })

    it("the second to open may leave all to the first, or ask for less", async () => {
      const first: Qos = { key_chunk_size: 48, max_bps: 90_000, ttl: 600, timeout: 2000 }
      const { key_stream_id: ksid = "" } = await all.open("alice", "bob", undefined, first)
      const second = await all.open("bob", "alice", ksid, { max_bps: 50_000, timeout: 4000 })
      assert.equal(second.status, 0)
      assert.deepEqual(second.qos, {
        ...{ ...DEFAULTS, key_chunk_size: 48 },
        ...{ max_bps: 50_000, ttl: 600, timeout: 4000 },
      })
      await all.shutBoth(ksid)
    })

    for (const [what, asked] of [
      ["other chunks", { key_chunk_size: 64 }],
      ["a greater rate", { max_bps: 90_001 }],
      ["a rate reserved", { min_bps: 1 }],
      ["chunks kept longer", { ttl: 601 }],
    ] as const)
      it(`the second to open is told the stream's, and may open with it (7): ${what}`, async () => {
        const first: Qos = { key_chunk_size: 48, max_bps: 90_000, ttl: 600, timeout: 2000 }
        const { key_stream_id: ksid = "" } = await all.open("alice", "bob", undefined, first)
        const refused = await all.open("bob", "alice", ksid, { timeout: 2000, ...asked })
        assert.equal(refused.status, 7)
        const { key_chunk_size, max_bps, min_bps, ttl } = refused.qos ?? DEFAULTS
        assert.deepEqual([key_chunk_size, max_bps, min_bps, ttl], [48, 90_000, 0, 600])
        assert.equal((await all.open("bob", "alice", ksid, refused.qos)).status, 0)
        await all.shutBoth(ksid)
      })

    it("Metadata: what is known of a chunk, where a type was agreed on and there is room", async () => {
      const qos = { metadata_mimetype: "application/json" }
      const ksid = await all.both("alice", "bob", qos)
      const { metadata } = await all.get("alice", ksid, 0, {}, { metadata: { size: 4096 } })
      assert.equal(metadata?.size, Buffer.byteLength(metadata?.buffer ?? "", "utf8"))
      const told = JSON.parse(metadata.buffer ?? "{}") as Record<string, number>
      assert.deepEqual(Object.keys(told), ["age_ms", "path_links", "disjoint_paths"])
      assert.equal(told["path_links"], 1)
      assert.equal((await all.get("alice", ksid, 1)).metadata, undefined)
      await all.shutBoth(ksid)
      const plain = await all.both("alice", "bob")
      const none = await all.get("alice", plain, 0, {}, { metadata: { size: 0 } })
      assert.deepEqual([none.status, none.metadata], [0, undefined])
      await all.shutBoth(plain)
    })
  })

  describe("status", () => {
    it("1 connected, the peer is not yet; 3 GET_KEY before it is; 0 from then on", async () => {
      const { status, key_stream_id: ksid = "" } = await all.open("alice", "bob")
      assert.equal(status, 1)
      assert.deepEqual(await all.get("alice", ksid, 0), { status: 3 })
      assert.equal((await all.open("bob", "alice", ksid)).status, 0)
      assertChunk(await all.get("alice", ksid, 0), 0)
      await all.shutBoth(ksid)
    })

    it("2 for an index far beyond what will be made soon, at once", async () => {
      const ksid = await all.both("alice", "bob", { timeout: 60_000 })
      assert.deepEqual(await all.get("alice", ksid, 1_000_000), { status: 2 })
      await all.shutBoth(ksid)
    })

    for (const peer of ["mallory", "nobody/é"])
      it(`4 where there is no such application: ${peer}`, async () => {
        assert.deepEqual(await all.open("alice", peer), { status: 4 })
      })

    it("4 where the site policy lets no keys be made any more", async () => {
      const ksid = await all.both("alice", "bob", { timeout: 1500 })
      const [faults] = network.faults
      assert.ok(faults !== undefined)
      faults.allowsEnd = () => false
      let last: Answer = { status: 0 }
      for (let read = 0; last.status === 0 && read < 300; read++)
        last = await all.get("alice", ksid)
      delete faults.allowsEnd
      assert.deepEqual(last, { status: 4 })
      await all.shutBoth(ksid)
    })

    it("5 for an id that is in use: by the caller, by others here, by others there", async () => {
      const ksid = await all.both("alice", "bob")
      for (const [who, peer] of [
        ["alice", "bob"],
        ["bob", "alice"],
        ["alice", "ben"],
        ["amy", "bob"],
        ["amy", "ben"],
        ["ben", "amy"],
        ["alice", "amy"],
      ] as const)
        assert.deepEqual(await all.open(who, peer, ksid), { status: 5 }, `${who} ${peer}`)
      await all.assertSame(ksid, 0)
      await all.shutBoth(ksid)
    })

    for (const [appTag, status] of [
      ["timeout", 6],
      ["no-path", 4],
      ["policy", 4],
      ["node-unreachable", 4],
    ] as const)
      it(`${status} where the controller's answer to the first opening is ${appTag}`, async () => {
        const desk = {
          find: () => undefined,
          request: () => Promise.reject(new QkdError("operation-failed", "no", { appTag })),
        }
        await all.serve("A", { desk })
        assert.deepEqual(await all.open("alice", "bob", undefined, {}, { connection: appTag }), {
          status,
        })
        await all.serve("A")
      })

    it("7 where the controller has no such rate, with a proposal without one", async () => {
      const desk = {
        find: () => undefined,
        request: () =>
          Promise.reject(new QkdError("resource-denied", "no", { appTag: "no-capacity" })),
      }
      await all.serve("A", { desk })
      const how = { connection: "no capacity" }
      const refused = await all.open("alice", "bob", undefined, { min_bps: 9 }, how)
      assert.deepEqual([refused.status, refused.qos?.min_bps], [7, 0])
      await all.serve("A")
    })

    it("8 where there is less room than metadata need, with their size; the chunk stays", async () => {
      const ksid = await all.both("alice", "bob", { metadata_mimetype: "application/json" })
      const small = await all.get("alice", ksid, 0, {}, { metadata: { size: 3 } })
      assert.deepEqual([small.status, small.key_buffer], [8, undefined])
      const size = (small.metadata?.size ?? 0) + 10
      assertChunk(await all.get("alice", ksid, 0, {}, { metadata: { size } }), 0)
      await all.shutBoth(ksid)
    })

    it("2 when the link has no key left, at both ends; and chunks come again with link keys", async () => {
      const qos = { key_chunk_size: 512, timeout: 1500 }
      const ksid = await all.both("alice", "bob", qos)
      const read = async (who: string): Promise<number> => {
        let last: Answer = { status: 0 }
        let count = -1
        for (; last.status === 0 && count < 5000; count++) last = await all.get(who, ksid)
        assert.deepEqual(last, { status: 2 })
        return count
      }
      // A chunk that was on its way when one end's time ran out is there for both a moment later.
      const had = { alice: 0, bob: 0 }
      for (let more = 1; more > 0; ) {
        const [alice, bob] = [await read("alice"), await read("bob")]
        had.alice += alice
        had.bob += bob
        more = alice + bob
      }
      assert.equal(had.alice, had.bob)
      await all.sites.feed(8)
      const deadline = performance.now() + 60_000
      let again: Answer = { status: 2 }
      while (again.status !== 0 && performance.now() < deadline)
        again = await all.get("alice", ksid)
      assertChunk(again, had.alice, 512)
      assert.deepEqual(await all.get("bob", ksid, again.index), again)
      await all.shutBoth(ksid)
    })
  })
})
