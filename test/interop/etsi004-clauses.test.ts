// ETSI GS QKD 004 V2.1.1 call by call, by a client on Python's standard library, of two sites with real key managers.
// Each line of a table is a check of its own. QoS and status: etsi004-qos.test.ts.

import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { writeFileSync } from "node:fs"
import path from "node:path"
import { createAuthority, issueSaeCertificate, saeUri, validFor } from "../../src/transport/pki.js"
import { assertChunk, StreamSites } from "./etsi004-sites.js"
import type { Answer, Told } from "./etsi004-sites.js"

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const NO_STREAM = { message: "no such key stream", path: "/data/key_stream_id" }

describe("ETSI GS QKD 004 by its calls", function () {
  this.slow(1500)
  const all = new StreamSites()

  before(async () => {
    await all.start()
    await all.sites.feed(24)
  })
  after(() => all.close())

  describe("transport (left open by the standard; decision 0057)", () => {
    it("is TLS 1.3, a call a line of JSON and so its answer, in the order of the calls", async () => {
      const call = JSON.stringify({ command: "CLOSE", data: { key_stream_id: randomUUID() } })
      const { answers, tls } = await all.ask("alice", `${call}\n\r\n ${call}`, { answers: 2 })
      assert.equal(tls, "TLSv1.3")
      assert.deepEqual(answers, [{ error: NO_STREAM }, { error: NO_STREAM }])
    })

    it("takes a call that comes in pieces", async () => {
      const call = JSON.stringify({ command: "CLOSE", data: { key_stream_id: randomUUID() } })
      const { answers } = await all.ask("alice", `${call}\n${call}`, { answers: 2, pieces: 1 })
      assert.deepEqual(answers, [{ error: NO_STREAM }, { error: NO_STREAM }])
    })

    for (const [what, who, how] of [
      ["no certificate", null, {}],
      ["TLS 1.2 where the site does not allow it", "alice", { tls12: true }],
    ] as const)
      it(`ends the connection: ${what}`, async () => {
        const { answers } = await all.ask(who, { command: "CLOSE", data: {} }, how)
        assert.deepEqual(answers, [])
      })

    it("ends the connection of a certificate that another authority issued", async () => {
      const other = createAuthority("another", validFor(1))
      const pair = issueSaeCertificate(other, "alice", validFor(1))
      writeFileSync(path.join(all.sites.folder, "forged.pem"), pair.certificatePem)
      writeFileSync(path.join(all.sites.folder, "forged.key"), pair.privateKeyPem, { mode: 0o600 })
      assert.deepEqual((await all.ask("forged", { command: "CLOSE", data: {} })).answers, [])
    })

    it("knows no SAE of another site, says nothing of streams to it, and ends the connection", async () => {
      const told = await all.ask(
        "bob",
        { command: "CLOSE", data: {} },
        { site: "A", ends: true, connection: "bob at A" },
      )
      assert.deepEqual(told.answers, [{ error: { message: "not an SAE of this site" } }])
      assert.equal(told.ended, true)
    })

    const broken: readonly [string, string][] = [
      ["no JSON", "{"],
      ["nothing but a word", "CLOSE"],
      ["a member twice", '{"command":"CLOSE","command":"CLOSE","data":{}}'],
      ["text after the object", '{"command":"CLOSE","data":{}} {}'],
      ["bytes that are not UTF-8", '{"command":"\udcff"}'],
      ["lists without end", "[".repeat(3000)],
      ["a call without measure", `{"command":"${"x".repeat(9000)}"}`],
    ]
    for (const [what, call] of broken)
      it(`answers with the fault and ends the connection: ${what}`, async () => {
        const how = { ends: true, connection: what }
        const told: Told = await all.ask("alice", call, how)
        assert.equal(typeof told.answers[0]?.error?.message, "string")
        assert.equal(told.answers[0]?.status, undefined)
        assert.equal(told.ended, true)
      })

    const ksid = randomUUID()
    const pair = { source: "alice", destination: "bob" }
    const refused: readonly [string, unknown, string][] = [
      ["a list", [], "/"],
      ["null", "null", "/"],
      ["no command", { data: {} }, "/command"],
      ["another command", { command: "OPEN", data: {} }, "/command"],
      ["a command in small letters", { command: "get_key", data: {} }, "/command"],
      ["a command that is a number", { command: 1, data: {} }, "/command"],
      ["no data", { command: "GET_KEY" }, "/data"],
      ["data that is a list", { command: "GET_KEY", data: [] }, "/data"],
      ["an unknown member", { command: "CLOSE", data: { key_stream_id: ksid }, id: 1 }, "/id"],
      ...(
        [
          ["an unknown member of OPEN_CONNECT", { ...pair, key_stream: ksid }, "/data/key_stream"],
          ["a member in another case", { ...pair, QoS: {} }, "/data/QoS"],
          ["no source", { destination: "bob" }, "/data/source"],
          ["no destination", { source: "alice" }, "/data/destination"],
          ["an empty destination", { ...pair, destination: "" }, "/data/destination"],
          ["a destination that is a number", { ...pair, destination: 7 }, "/data/destination"],
          ["a destination with a line end", { ...pair, destination: "b\nb" }, "/data/destination"],
          ["the caller as both", { ...pair, destination: "alice" }, "/data/destination"],
          ["two others", { source: "amy", destination: "bob" }, "/data/source"],
          ["a stream id that is no UUID", { ...pair, key_stream_id: "1" }, "/data/key_stream_id"],
          ["a stream id that is a number", { ...pair, key_stream_id: 1 }, "/data/key_stream_id"],
          ["QoS that is a list", { ...pair, qos: [] }, "/data/qos"],
          ["an unknown member of QoS", { ...pair, qos: { bps: 1 } }, "/data/qos/bps"],
          ["a negative size", { ...pair, qos: { key_chunk_size: -1 } }, "/data/qos/key_chunk_size"],
          ["a rate as text", { ...pair, qos: { max_bps: "1" } }, "/data/qos/max_bps"],
          ["a rate that is not whole", { ...pair, qos: { min_bps: 0.5 } }, "/data/qos/min_bps"],
          ["a rate that is null", { ...pair, qos: { min_bps: null } }, "/data/qos/min_bps"],
          ["more than 32 bits", { ...pair, qos: { ttl: 2 ** 32 } }, "/data/qos/ttl"],
          [
            "a type that is a number",
            { ...pair, qos: { metadata_mimetype: 1 } },
            "/data/qos/metadata_mimetype",
          ],
          [
            "a type of 257 bytes",
            { ...pair, qos: { metadata_mimetype: "x".repeat(257) } },
            "/data/qos/metadata_mimetype",
          ],
        ] as const
      ).map(([what, data, at]): [string, unknown, string] => [
        what,
        { command: "OPEN_CONNECT", data },
        at,
      ]),
      ...(
        [
          ["no stream", {}, "/data/key_stream_id"],
          ["an empty stream", { key_stream_id: "" }, "/data/key_stream_id"],
          ["an index as text", { key_stream_id: ksid, index: "0" }, "/data/index"],
          ["a negative index", { key_stream_id: ksid, index: -1 }, "/data/index"],
          ["an index beyond 32 bits", { key_stream_id: ksid, index: 2 ** 32 }, "/data/index"],
          ["metadata that is text", { key_stream_id: ksid, metadata: "" }, "/data/metadata"],
          ["metadata without size", { key_stream_id: ksid, metadata: {} }, "/data/metadata/size"],
          [
            "an unknown member of metadata",
            { key_stream_id: ksid, metadata: { size: 1, type: "" } },
            "/data/metadata/type",
          ],
          ["an unknown member of GET_KEY", { key_stream_id: ksid, size: 1 }, "/data/size"],
        ] as const
      ).map(([what, data, at]): [string, unknown, string] => [
        `${what} (GET_KEY)`,
        { command: "GET_KEY", data },
        at,
      ]),
      [
        "an unknown member of CLOSE",
        { command: "CLOSE", data: { key_stream_id: ksid, now: true } },
        "/data/now",
      ],
    ]
    for (const [what, call, at] of refused)
      it(`refuses, names the place, and goes on: ${what}`, async () => {
        const [answer] = (await all.ask("alice", call)).answers
        assert.deepEqual([answer?.status, answer?.error?.path], [undefined, at])
      })
  })

  describe("OPEN_CONNECT", () => {
    for (const [first, second, where] of [
      ["alice", "bob", "the site that makes the keys first"],
      ["bob", "alice", "the other site first"],
    ] as const)
      it(`gives an id, status 1 until the peer opens with it, then 0: ${where}`, async () => {
        const opened = await all.open(first, second)
        assert.equal(opened.status, 1)
        const ksid = opened.key_stream_id ?? ""
        assert.match(ksid, UUID)
        const met = await all.open(second, first, ksid)
        assert.deepEqual([met.status, met.key_stream_id], [0, ksid])
        await all.assertSame(ksid, 0)
        await all.shutBoth(ksid)
      })

    for (const [first, second] of [
      ["alice", "bob"],
      ["bob", "alice"],
    ] as const)
      it(`takes an id that both have agreed on: ${first} first`, async () => {
        const ksid = randomUUID()
        assert.equal((await all.open(first, second, ksid)).status, 1)
        assert.equal((await all.open(second, first, ksid.toUpperCase())).status, 0)
        await all.assertSame(ksid, 0)
        await all.shutBoth(ksid)
      })

    it("takes both at the same time, fifty times over", async () => {
      for (let round = 0; round < 50; round++) {
        const ksid = randomUUID()
        const both = await Promise.all([
          all.open("alice", "bob", ksid),
          all.open("bob", "alice", ksid),
        ])
        for (const { status } of both) assert.ok(status === 0 || status === 1, String(status))
        assert.ok(
          both.some(({ status }) => status === 0),
          "once both have been answered, the later knows of the other",
        )
        // Nobody is told any more that the peer is not there (3).
        const [one, other] = await Promise.all([all.get("alice", ksid, 0), all.get("bob", ksid, 0)])
        assert.equal(one.status, 0)
        assert.deepEqual(one, other)
        await all.shutBoth(ksid)
      }
    })

    it("takes the same source and destination from both ends, ids as they are or as URNs", async () => {
      const ksid = randomUUID()
      const data = { source: saeUri("alice"), destination: saeUri("carol/é"), key_stream_id: ksid }
      const call = { command: "OPEN_CONNECT", data }
      assert.equal((await all.one("alice", call)).status, 1)
      assert.equal((await all.one("carol/é", call)).status, 0)
      await all.assertSame(ksid, 0, ["alice", "carol/é"])
      await all.shutBoth(ksid, ["alice", "carol/é"])
    })

    it("takes an empty id as none", async () => {
      const data = { source: "alice", destination: "bob", key_stream_id: "" }
      const { status, key_stream_id: ksid = "" } = await all.one("alice", {
        command: "OPEN_CONNECT",
        data,
      })
      assert.equal(status, 1)
      await all.shut("alice", ksid)
    })

    it("joins two SAEs of one site as well", async () => {
      const ksid = await all.both("alice", "amy")
      for (const index of [0, 1, 2]) await all.assertSame(ksid, index, ["alice", "amy"])
      await all.shutBoth(ksid, ["alice", "amy"])
    })

    it("keeps streams of one pair apart", async () => {
      const [one, two] = [await all.both("alice", "bob"), await all.both("bob", "alice")]
      const [a, b] = [await all.get("alice", one, 0), await all.get("alice", two, 0)]
      assert.notEqual(a.key_buffer, b.key_buffer)
      assert.deepEqual(await all.get("bob", two, 0), b)
      assert.deepEqual(await all.get("bob", one, 0), a)
      await all.shutBoth(one)
      await all.shutBoth(two)
    })
  })

  describe("GET_KEY", () => {
    let ksid = ""
    beforeEach(async () => {
      ksid = await all.both("alice", "bob")
    })
    afterEach(() => all.shutBoth(ksid))

    it("gives both ends the same bits for the same index, whoever asks first", async () => {
      for (let index = 0; index < 12; index++)
        await all.assertSame(ksid, index, index % 2 === 0 ? ["alice", "bob"] : ["bob", "alice"])
    })

    it("reads on where no index is named, each end at its own pace", async () => {
      const alices: Answer[] = []
      for (let index = 0; index < 20; index++) {
        alices.push(await all.get("alice", ksid))
        assertChunk(alices[index] ?? {}, index)
      }
      for (let index = 0; index < 20; index++)
        assert.deepEqual(await all.get("bob", ksid), alices[index])
      assert.equal(new Set(alices.map(({ key_buffer }) => key_buffer)).size, 20)
    })

    it("gives a chunk once an end: an index that was read gives the next, and says which", async () => {
      const first = await all.get("alice", ksid, 0)
      const again = await all.get("alice", ksid, 0)
      assertChunk(again, 1)
      assert.notEqual(again.key_buffer, first.key_buffer)
      assert.deepEqual(await all.get("bob", ksid, 0), first)
      assert.deepEqual(await all.get("bob", ksid, 0), again)
    })

    it("skips to an index, and what was skipped stays", async () => {
      const third = await all.get("alice", ksid, 2)
      assertChunk(third, 2)
      assertChunk(await all.get("alice", ksid), 0)
      assertChunk(await all.get("alice", ksid), 1)
      assertChunk(await all.get("alice", ksid), 3)
      assert.deepEqual(await all.get("bob", ksid, 2), third)
    })

    it("holds with forty calls of both ends at once: each index once, the same bits", async () => {
      const read = async (who: string): Promise<Map<number, string>> => {
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, at) =>
            all.get(who, ksid, undefined, { connection: `${who} ${at % 8}` }),
          ),
        )
        for (const { status } of answers) assert.equal(status, 0)
        return new Map(answers.map(({ index = -1, key_buffer = "" }) => [index, key_buffer]))
      }
      const [alices, bobs] = await Promise.all([read("alice"), read("bob")])
      assert.deepEqual([alices.size, bobs.size], [20, 20])
      assert.deepEqual([...alices].sort(), [...bobs].sort())
    })

    it("goes on over another connection of the same SAE", async () => {
      assertChunk(await all.get("alice", ksid, undefined, { connection: "another" }), 0)
      assertChunk(await all.get("alice", ksid), 1)
    })

    it("tells the audit trail of each chunk before it leaves, and of no bits", async () => {
      const { key_buffer = "" } = await all.get("alice", ksid, 0)
      const record = all.audited.at(-1)
      assert.equal(record?.method, "get_key")
      assert.deepEqual([record.saeId, record.peerSaeId], ["alice", "bob"])
      assert.deepEqual([record.keyStreamId, record.index, record.keySizeBits], [ksid, 0, 256])
      assert.ok(!JSON.stringify(all.audited).includes(key_buffer))
    })

    for (const who of ["amy", "ben", "carol/é"])
      it(`says of others' streams what it says of none: ${who}`, async () => {
        for (const id of [ksid, randomUUID()]) {
          assert.deepEqual(await all.get(who, id, 0), { error: NO_STREAM })
          assert.deepEqual(await all.shut(who, id), { error: NO_STREAM })
        }
        await all.assertSame(ksid, 0)
      })

    it("T1: gives no chunk by ETSI 014, whatever id is named", async () => {
      await all.get("alice", ksid, 0)
      const [id] = all.audited.at(-1)?.keyIds ?? []
      for (const [who, master] of [
        ["alice", "bob"],
        ["amy", "bob"],
        ["ben", "alice"],
      ] as const) {
        const told = await all.sites.ask({ who, target: `${master}/dec_keys?key_ID=${id ?? ""}` })
        assert.ok(told.status === 400 || told.status === 401, told.body)
      }
    })
  })

  describe("CLOSE", () => {
    it("ends one end; the other reads what is stored, then is told that nobody is there (3)", async () => {
      const ksid = await all.both("alice", "bob")
      const kept = [await all.get("alice", ksid, 0), await all.get("alice", ksid, 1)]
      assert.deepEqual(await all.shut("alice", ksid), { status: 0 })
      assert.deepEqual(await all.get("alice", ksid), { error: NO_STREAM })
      assert.deepEqual(await all.get("bob", ksid, 0), kept[0])
      assert.deepEqual(await all.get("bob", ksid, 1), kept[1])
      let last: Answer = { status: 0 }
      for (let read = 0; last.status === 0 && read < 300; read++) last = await all.get("bob", ksid)
      assert.deepEqual(last, { status: 3 })
      await all.shut("bob", ksid)
    })

    it("is not there twice", async () => {
      const { key_stream_id: ksid = "" } = await all.open("alice", "bob")
      assert.deepEqual(await all.shut("alice", ksid), { status: 0 })
      assert.deepEqual(await all.shut("alice", ksid), { error: NO_STREAM })
    })

    it("leaves the id to a new stream once both are through, with other bits", async () => {
      const ksid = await all.both("alice", "bob")
      const before = await all.get("alice", ksid, 0)
      await all.shut("alice", ksid)
      assert.equal((await all.open("alice", "bob", ksid)).status, 5, "bob still has the old one")
      await all.shut("bob", ksid)
      const deadline = performance.now() + 60_000
      let again: Answer = {}
      while (again.status !== 1 && performance.now() < deadline)
        again = await all.open("alice", "bob", ksid)
      assert.equal(again.status, 1)
      assert.equal((await all.open("bob", "alice", ksid)).status, 0)
      const after = await all.get("alice", ksid, 0)
      assertChunk(after, 0)
      assert.notEqual(after.key_buffer, before.key_buffer)
      assert.deepEqual(await all.get("bob", ksid, 0), after)
      await all.shutBoth(ksid)
    })
  })
})
