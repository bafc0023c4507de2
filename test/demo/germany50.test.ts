// A whole national network in one demo: 50 nodes, 88 links, 200 random pairs served.

import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { randomInt } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import {
  type Demo,
  freshDir,
  type KeyContainer,
  removeDir,
  rest,
  startDemo,
} from "../support/demo.js"
import { saeClient, type SaeClient } from "../support/https-client.js"

const PAIRS = 200
const MEMORY_LIMIT_BYTES = 1.5 * 1024 ** 3

/** Proportional set size of a process and all its descendants: what the group really takes. */
function groupMemoryBytes(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8")
  const own = Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? 0) * 1024
  let children: number[] = []
  try {
    children = execFileSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" })
      .trim()
      .split(/\s+/)
      .map(Number)
  } catch {
    // `ps` says no by its status
  }
  return (
    own + children.filter((n) => n > 0).reduce((sum, child) => sum + groupMemoryBytes(child), 0)
  )
}

describe("germany50, whole, on this machine", function () {
  this.timeout(240_000)
  const url = new URL("../../../shared/data/topologies/sndlib/germany50.json", import.meta.url)
  const dir = freshDir()
  const clients = new Map<string, SaeClient>()
  let demo: Demo | undefined
  let startedMs = 0

  before(async function () {
    if (!existsSync(url)) {
      console.log("      skipped: ../shared is not here")
      this.skip()
    }
    const before_ = Date.now()
    demo = await startDemo({ dir, topology: fileURLToPath(url), readyMs: 120_000 })
    startedMs = Date.now() - before_
  })
  after(async () => {
    for (const client of clients.values()) client.close()
    await demo?.stop()
    removeDir(dir)
  })

  it("has every link generating", async () => {
    assert(demo !== undefined)
    const { links, nodes } = (await rest(demo, "GET", "/network")).body as {
      links: { status: string }[]
      nodes: { reach: string }[]
    }
    assert.equal(nodes.length, 50)
    assert.equal(links.length, 88)
    assert.deepEqual(
      links.filter((l) => l.status !== "ACTIVE"),
      [],
    )
    console.log(`      up in ${(startedMs / 1000).toFixed(1)} s`)
  })

  it(`serves ${PAIRS} random pairs with equal keys at both ends`, async () => {
    assert(demo !== undefined)
    const { file } = demo
    const node = new Map(file.nodes.map((n) => [n.name, n]))
    const clientOf = (sae: (typeof file.saes)[number]): SaeClient => {
      const known = clients.get(sae.saeId) ?? saeClient(sae, 20_000)
      clients.set(sae.saeId, known)
      return known
    }
    const tookMs: number[] = []
    let waited = 0
    for (let i = 0; i < PAIRS; i += 1) {
      const master = file.saes[randomInt(file.saes.length)] ?? assert.fail()
      const others = file.saes.filter((s) => s !== master)
      const slave = others[randomInt(others.length)] ?? assert.fail()
      const startedAt = performance.now()
      const ask = (): ReturnType<SaeClient["post"]> =>
        clientOf(master).post(
          `${node.get(master.node)?.etsi014 ?? ""}/api/v1/keys/${encodeURIComponent(slave.saeId)}/enc_keys`,
          {},
        )
      let enc = await ask()
      // Norden to Wesel, 252 km, makes 594 bit/s: soon after the start it may not have a whole key yet.
      for (; enc.status === 503 && enc.body.includes("pool-empty") && waited < 20; waited += 1) {
        await new Promise((done) => setTimeout(done, 1000))
        enc = await ask()
      }
      tookMs.push(performance.now() - startedAt)
      assert.equal(enc.status, 200, `${master.saeId} -> ${slave.saeId}: ${enc.body}`)
      const [made] = (JSON.parse(enc.body) as KeyContainer).keys
      assert(made !== undefined)
      const dec = await clientOf(slave).post(
        `${node.get(slave.node)?.etsi014 ?? ""}/api/v1/keys/${encodeURIComponent(master.saeId)}/dec_keys`,
        {
          key_IDs: [{ key_ID: made.key_ID }],
        },
      )
      assert.equal(dec.status, 200, dec.body)
      assert.deepEqual((JSON.parse(dec.body) as KeyContainer).keys, [made])
    }
    tookMs.sort((a, b) => a - b)
    console.log(
      `      first keys: median ${(tookMs[PAIRS / 2] ?? 0).toFixed(0)} ms, 95 % ${(tookMs[PAIRS * 0.95] ?? 0).toFixed(0)} ms`,
    )
  })

  it("fits the whole process group into 1.5 GiB", () => {
    assert(demo !== undefined)
    const bytes = groupMemoryBytes(demo.file.pid)
    console.log(`      ${(bytes / 1024 ** 2).toFixed(0)} MiB`)
    assert(bytes < MEMORY_LIMIT_BYTES)
  })
})
