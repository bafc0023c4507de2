// A link whose keys come over ETSI 004: streams that a maker loses, Keyloom's own 004 as the maker, answers of all kinds.

import assert from "node:assert/strict"
import { createHash, randomUUID } from "node:crypto"
import { readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import etsi004 from "../../../plugins/etsi004/index.js"
import { readAnswer, StreamClient } from "../../../plugins/etsi004/stream-client.js"
import { blockIdOf, streamIdOf } from "../../../plugins/etsi004/stream-ids.js"
import { lendHost, type LentHost, type Host, QkdError } from "../../../src/plugin/index.js"
import type { ModuleTarget, QkdModule } from "../../../src/plugin/index.js"
import { isQkdError } from "../../errors-helper.js"
import { StreamSites } from "../../interop/etsi004-sites.js"
import { MakersLink } from "./bench.js"

const ON = { enabled: true, qkdlId: randomUUID() }

/** One end at work; of its blocks the digests are kept, by id. */
class End {
  readonly blocks = new Map<string, string>()
  twice = 0

  private constructor(
    readonly module: QkdModule,
    readonly lent: LentHost<Host>,
  ) {}

  static async open(target: ModuleTarget): Promise<End> {
    const lent = lendHost({ log: () => undefined })
    const module = await etsi004.open(target, lent.host)
    const end = new End(module, lent)
    void end.#read()
    await module.configure(ON)
    return end
  }

  async #read(): Promise<void> {
    for await (const { id, key } of this.module.keys) {
      if (this.blocks.has(id)) this.twice += 1
      this.blocks.set(
        id,
        key.use((bytes) => createHash("sha256").update(bytes).digest("hex")),
      )
      key.wipe()
    }
  }

  async close(): Promise<void> {
    await this.module.close()
    await this.lent.close()
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!condition()) {
    assert.ok(performance.now() < deadline, "it did not happen in time")
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function assertSame(a: End, b: End, least: number): void {
  assert.deepEqual([a.twice, b.twice], [0, 0])
  const shared = [...a.blocks].filter(([id]) => b.blocks.has(id))
  assert.ok(shared.length >= least, String(shared.length))
  for (const [id, digest] of shared) assert.equal(b.blocks.get(id), digest, id)
}

describe("a link behind a maker's ETSI 004 interface", function () {
  this.timeout(180_000)
  this.slow(10_000)

  for (const site of ["a", "b"] as const)
    it(`goes on with another stream, and no block id comes again, when the maker's site ${site} has lost the first`, async () => {
      const link = await MakersLink.start()
      const [a, b] = [await End.open(link.a), await End.open(link.b)]
      try {
        await until(() => a.blocks.size >= 5 && b.blocks.size >= 5)
        link.lose(site)
        const [sizeA, sizeB] = [a.blocks.size, b.blocks.size]
        await until(() => a.blocks.size >= sizeA + 30 && b.blocks.size >= sizeB + 30)
        assertSame(a, b, 20)
        const state = JSON.parse(readFileSync(path.join(link.dir, "state-a.json"), "utf8")) as {
          number: number
        }
        assert.ok(state.number >= 2)
      } finally {
        await a.close()
        await b.close()
        await link.close()
      }
    })

  it("is connected to no more once it is closed, also while it connects", async () => {
    const link = await MakersLink.start()
    const { options } = link.a
    const pem = (name: string): string => readFileSync(String(options[name]), "utf8")
    const client = new StreamClient({
      ...{ host: String(options["host"]), port: Number(options["port"]), timeoutMs: 5000 },
      ...{ certificatePem: pem("certFile"), privateKeyPem: pem("keyFile") },
      authorityPem: pem("caFile"),
    })
    const closed = isQkdError("operation-failed", "node-unreachable")
    try {
      const calling = client.call("CLOSE", { key_stream_id: randomUUID() })
      await new Promise(setImmediate)
      client.close()
      await assert.rejects(calling, closed)
      await assert.rejects(client.call("CLOSE", { key_stream_id: randomUUID() }), closed)
    } finally {
      await link.close()
    }
  })

  it("takes its keys from a network of ours as from any maker", async () => {
    const all = new StreamSites()
    await all.start()
    await all.sites.feed(24)
    const linkId = randomUUID()
    const target = (who: string, peer: string, end: "a" | "b"): ModuleTarget => {
      const file = (name: string): string => path.join(all.sites.folder, name)
      return {
        qkdiId: 1,
        options: {
          ...{ host: "127.0.0.1", port: all.portOf(end === "a" ? "A" : "B") },
          ...{ certFile: file(`${who}.pem`), keyFile: file(`${who}.key`), caFile: file("ca.pem") },
          ...{ source: who, destination: peer, linkId, end, stateFile: file(`${end}.json`) },
        },
      }
    }
    const a = await End.open(target("alice", "bob", "a"))
    let b = await End.open(target("bob", "alice", "b"))
    try {
      await until(() => a.blocks.size >= 20 && b.blocks.size >= 20)
      const before = new Map(b.blocks)
      await b.close()
      b = await End.open(target("bob", "alice", "b"))
      await until(() => b.blocks.size >= 20)
      for (const id of b.blocks.keys()) assert.ok(!before.has(id), "a block came again")
      for (const [id, digest] of before) b.blocks.set(id, digest)
      assertSame(a, b, 20)
    } finally {
      await a.close()
      await b.close()
      await all.close()
    }
  })

  it("does not begin where its state file is none: block ids might come again", async () => {
    const link = await MakersLink.start()
    try {
      writeFileSync(path.join(link.dir, "state-a.json"), "[]")
      const a = await End.open(link.a)
      const reasons: string[] = []
      void (async () => {
        for await (const { reason } of a.module.measurements) reasons.push(reason ?? "")
      })()
      await until(() => reasons.includes("the state file is none"))
      assert.equal(a.blocks.size, 0)
      await a.close()
    } finally {
      await link.close()
    }
  })

  it("has other ids for every link, stream and index, the same at both ends", () => {
    const [one, other] = [randomUUID(), randomUUID()]
    const streams = [1, 2, 3].flatMap((number) => [
      streamIdOf(one, number),
      streamIdOf(other, number),
    ])
    const blocks = streams.flatMap((ksid) => [0, 1, 11, 111].map((index) => blockIdOf(ksid, index)))
    assert.equal(new Set([...streams, ...blocks]).size, 6 + 24)
    assert.equal(streamIdOf(one, 1), streams[0])
  })

  for (const [what, line] of [
    ["no JSON", "status 0"],
    ["a list", "[]"],
    ["nothing of a call", "{}"],
    ["a status that is text", '{"status":"0"}'],
    ["a key that is cut off", '{"status":0,"index":0,"key_buffer":"c2VjcmV0c2VjcmV0'],
    ["a key that is a number", '{"status":0,"index":0,"key_buffer":7,"x":"c2VjcmV0"}'],
    ["a key that is no base64", '{"status":0,"index":0,"key_buffer":"c2VjcmV0c2VjcmV0!"}'],
    ["JSON that breaks after its key", '{"status":0,"key_buffer":"c2VjcmV0c2VjcmV0",}'],
  ] as const)
    it(`refuses an answer without telling of its key: ${what}`, () => {
      try {
        readAnswer(Buffer.from(line))
      } catch (error) {
        assert.ok(error instanceof QkdError)
        assert.equal(error.tag, "malformed-message")
        assert.ok(!`${error.message} ${String(error.cause)}`.includes("c2Vj"))
        return
      }
      assert.fail("it was taken")
    })

  it("takes answers however they are spaced, and leaves nothing of the key in the line", () => {
    const line = Buffer.from('{ "status": 0, "index": 3, "key_buffer" : "c2VjcmV0" }')
    const answer = readAnswer(line)
    assert.deepEqual([answer.status, answer.index], [0, 3])
    assert.equal(
      answer.key?.use((bytes) => Buffer.from(bytes).toString()),
      "secret",
    )
    assert.ok(!line.includes("c2Vj"))
  })
})
