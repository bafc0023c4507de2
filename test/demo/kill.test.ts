// Processes of a demo under load are killed with SIGKILL, one after another, thirty times: the supervisor, the
// controller, nodes. Afterwards everything promised is there, both ends agree, and no key was given twice.

import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { createHash, randomInt } from "node:crypto"
import {
  type Demo,
  eventually,
  freshDir,
  type KeyContainer,
  removeDir,
  rest,
  ringOfFour,
  startDemo,
} from "../support/demo.js"
import { saeClient, type SaeClient } from "../support/https-client.js"

const ROUNDS = 30

/** What the outside knows of one key: only a digest of its bytes. */
interface Entry {
  readonly master: string
  readonly slave: string
  readonly digest: string
  /** `open`: answered by enc_keys, never fetched. `unsure`: a fetch was cut off. `done`: fetched. */
  state: "open" | "unsure" | "done"
}

interface NetworkView {
  nodes: { qkdnId: string; reach: string }[]
  links: { qkdlId: string; status: string }[]
  services: { serviceId: string; state: string }[]
}

const digestOf = (key: string): string => createHash("sha256").update(key).digest("hex")

function childrenOf(pid: number): number[] {
  try {
    return execFileSync("ps", ["-o", "pid=", "--ppid", String(pid)], { encoding: "utf8" })
      .trim()
      .split(/\s+/)
      .map(Number)
      .filter((n) => n > 0)
  } catch {
    return []
  }
}

describe("a network whose processes are killed thirty times under load", function () {
  this.timeout(300_000)
  const dir = freshDir()
  const ledger = new Map<string, Entry>()
  const clients = new Map<string, SaeClient>()
  let demo: Demo
  let topology: string

  before(async () => {
    topology = ringOfFour(dir, { lossDb: 6, skrBps: 20_000 })
    demo = await startDemo({ dir, topology })
    for (const sae of demo.file.saes) clients.set(sae.saeId, saeClient(sae))
  })
  after(async () => {
    for (const client of clients.values()) client.close()
    await demo.stop()
    removeDir(dir)
  })

  const urlOf = (sae: string, peer: string, method: string): string => {
    const site = demo.file.saes.find((s) => s.saeId === sae)?.node
    const node = demo.file.nodes.find((n) => n.name === site)
    return `${node?.etsi014 ?? ""}/api/v1/keys/${peer}/${method}`
  }
  const clientOf = (sae: string): SaeClient =>
    clients.get(sae) ?? assert.fail(`no client for ${sae}`)

  /** Fetches one key and holds the answer against the ledger. */
  const fetchKey = async (keyId: string, entry: Entry): Promise<void> => {
    const before_ = entry.state
    entry.state = "unsure"
    let answer
    try {
      answer = await clientOf(entry.slave).post(urlOf(entry.slave, entry.master, "dec_keys"), {
        key_IDs: [{ key_ID: keyId }],
      })
    } catch {
      return // cut off: it may or may not have been given
    }
    if (answer.status === 200) {
      assert.notEqual(before_, "done", `key ${keyId} was given twice`)
      const [key] = (JSON.parse(answer.body) as KeyContainer).keys
      assert.equal(key?.key_ID, keyId)
      assert.equal(digestOf(key.key), entry.digest, `key ${keyId} differs between its ends`)
      entry.state = "done"
    } else if (answer.status === 400) {
      assert.notEqual(before_, "open", `key ${keyId} was promised and is gone: ${answer.body}`)
      entry.state = "done"
    } else {
      entry.state = before_
    }
  }

  it("T3: keeps every promise and gives no key twice", async () => {
    const first = (await rest(demo, "GET", "/network")).body as NetworkView
    const ids = demo.file.saes.map((s) => s.saeId)
    let running = true
    let made = 0
    const worker = async (): Promise<void> => {
      while (running) {
        const master = ids[randomInt(ids.length)] ?? ""
        const slave = ids.filter((id) => id !== master)[randomInt(ids.length - 1)] ?? ""
        try {
          const enc = await clientOf(master).post(urlOf(master, slave, "enc_keys"), {
            number: 1 + randomInt(3),
          })
          if (enc.status === 200) {
            for (const key of (JSON.parse(enc.body) as KeyContainer).keys) {
              assert(!ledger.has(key.key_ID), "a key id came twice")
              ledger.set(key.key_ID, { master, slave, digest: digestOf(key.key), state: "open" })
              made += 1
            }
          }
        } catch (error) {
          if (error instanceof assert.AssertionError) throw error
          await new Promise((done) => setTimeout(done, 50))
        }
        // Some keys are fetched at once, some stay to be found after the last kill.
        const open = [...ledger].filter(([, e]) => e.state === "open")
        const some = open[randomInt(open.length + 1)]
        if (some !== undefined && randomInt(2) === 0) await fetchKey(some[0], some[1])
        await new Promise((done) => setTimeout(done, 5))
      }
    }
    const workers = Promise.all([worker(), worker(), worker()])

    for (let round = 0; round < ROUNDS; round += 1) {
      await new Promise((done) => setTimeout(done, 200 + randomInt(900)))
      const supervisor = demo.file.pid
      const victims = round % 10 === 9 ? [supervisor] : childrenOf(supervisor)
      const victim = victims[randomInt(victims.length)]
      if (victim === undefined) continue
      process.kill(victim, "SIGKILL")
      if (victim === supervisor) {
        demo = await startDemo({ dir, topology })
      }
    }
    const healed = await eventually(
      async () => {
        const network = (await rest(demo, "GET", "/network").catch(() => ({ body: undefined })))
          .body as NetworkView | undefined
        const well =
          network?.nodes.every((n) => n.reach === "connected") === true &&
          network.links.every((l) => l.status === "ACTIVE") &&
          network.services.every((s) => s.state === "active")
        return well ? network : undefined
      },
      "the network heals",
      60_000,
    )
    running = false
    await workers

    const idsOf = (things: { qkdnId?: string; qkdlId?: string }[]): string[] =>
      things.map((t) => t.qkdnId ?? t.qkdlId ?? "").sort()
    assert.deepEqual(idsOf(healed.nodes), idsOf(first.nodes), "the inventory of nodes")
    assert.deepEqual(idsOf(healed.links), idsOf(first.links), "the inventory of links")
    assert.equal(healed.services.length, 6, "one service a pair, none lost, none doubled")

    const open = [...ledger].filter(([, e]) => e.state === "open")
    assert(made > 100, `only ${made} keys were made under load`)
    for (const [keyId, entry] of open) await fetchKey(keyId, entry)
    assert.deepEqual(
      [...ledger].filter(([, e]) => e.state === "open").map(([id]) => id),
      [],
      "every open key could be fetched",
    )
    for (const [keyId, entry] of [...ledger].filter(([, e]) => e.state === "done"))
      await fetchKey(keyId, entry)
    console.log(
      `      ${made} keys under ${ROUNDS} kills, ${open.length} of them fetched after the last`,
    )
  })
})
