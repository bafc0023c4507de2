// Keys out of lots (decision 0086): two sites with real key managers, two outlets each, and SAEs that ask all the time.

import assert from "node:assert/strict"
import https from "node:https"
import { existsSync, readFileSync } from "node:fs"
import path from "node:path"
import { verifyAuditTrail } from "../../src/node/audit-check.js"
import type { DeliveryRecord } from "../../src/node/delivery-record.js"
import { auditTrails } from "../../src/node/outlet-trails.js"
import { TwoSites } from "../interop/etsi014-sites.js"
import type { Keys, Site } from "../interop/etsi014-sites.js"

const KEY_BITS = 256

/** SAEs of one site, each asking again as soon as it is answered. */
class Crowd {
  readonly keys = new Map<string, string>()
  readonly twice: string[] = []
  readonly refused = new Map<number, number>()
  /** Called with the ids of each answer, before anything else happens. */
  onKeys: (keyIds: readonly string[]) => void = () => undefined
  readonly #agents: https.Agent[] = []
  #stopped = false
  readonly #askers: Promise<void>[] = []

  constructor(
    readonly sites: TwoSites,
    readonly site: Site,
  ) {}

  begin(connections: number, target = "bob/enc_keys"): void {
    for (let nth = 0; nth < connections; nth++) {
      const agent = this.#agentOf("alice")
      this.#askers.push(this.#askOn(agent, target))
    }
  }

  async #askOn(agent: https.Agent, target: string): Promise<void> {
    while (!this.#stopped) {
      const [status, text] = await this.ask(agent, target)
      if (status !== 200) {
        this.refused.set(status, (this.refused.get(status) ?? 0) + 1)
        await new Promise((done) => setTimeout(done, 5))
        continue
      }
      const { keys } = JSON.parse(text) as Keys
      this.onKeys(keys.map(({ key_ID }) => key_ID))
      for (const { key_ID, key } of keys) {
        if (this.keys.has(key_ID)) this.twice.push(key_ID)
        this.keys.set(key_ID, key)
      }
      // Not so fast that the link is empty before a test is over.
      await new Promise((done) => setTimeout(done, 2))
    }
  }

  ask(agent: https.Agent, target: string, body?: object): Promise<readonly [number, string]> {
    return new Promise((resolve) => {
      const request = https.request(
        {
          ...{ agent, host: "127.0.0.1", port: this.sites.ports[this.site] },
          path: `/api/v1/keys/${target}`,
          ...(body && { method: "POST", headers: { "content-type": "application/json" } }),
        },
        (incoming) => {
          let text = ""
          incoming.setEncoding("utf8").on("data", (more: string) => (text += more))
          incoming.once("end", () => {
            resolve([incoming.complete ? (incoming.statusCode ?? 0) : 0, text])
          })
          incoming.once("error", () => {
            resolve([0, ""])
          })
        },
      )
      request.once("error", () => {
        resolve([0, ""])
      })
      request.end(body && JSON.stringify(body))
    })
  }

  #agentOf(saeId: string): https.Agent {
    const file = (name: string): string => readFileSync(path.join(this.sites.folder, name), "utf8")
    const agent = new https.Agent({
      ...{ cert: file(`${saeId}.pem`), key: file(`${saeId}.key`), ca: file("ca.pem") },
      ...{ keepAlive: true, maxSockets: 1 },
    })
    this.#agents.push(agent)
    return agent
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.#askers)
    for (const agent of this.#agents) agent.destroy()
  }

  /** What bob is given for these ids at the other site. */
  async fetched(): Promise<Map<string, string>> {
    const found = new Map<string, string>()
    const ids = Array.from(this.keys.keys())
    for (let at = 0; at < ids.length; at += 128) {
      const body = { key_IDs: ids.slice(at, at + 128).map((key_ID) => ({ key_ID })) }
      const told = await this.sites.ask({ who: "bob", target: "alice/dec_keys", body })
      assert.equal(told.status, 200, told.body)
      for (const { key_ID, key } of (JSON.parse(told.body) as Keys).keys) found.set(key_ID, key)
    }
    return found
  }
}

async function until(so: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 60_000
  while (!(await so())) {
    if (Date.now() > end) throw new Error("not so within a minute")
    await new Promise((done) => setTimeout(done, 20))
  }
}

describe("keys at outlets", function () {
  this.timeout(180_000)
  let sites: TwoSites
  let audited: DeliveryRecord[]
  let crowd: Crowd

  async function open(qos: object = {}): Promise<void> {
    audited = []
    sites = new TwoSites({ durable: false, limits: { stock: { maxKeys: 4096 }, sweepMs: 100 } }, 2)
    sites.network.apps = sites.network.apps.map((app) => ({ ...app, qos }))
    await sites.start({
      audit: (record) => {
        audited.push(record)
      },
    })
    await sites.feed(96)
    crowd = new Crowd(sites, "A")
  }

  afterEach(() => sites.close())

  const manager = (): ReturnType<TwoSites["network"]["manager"]> => sites.network.manager(0)
  const appId = (): string =>
    sites.network.apps.find(
      ({ serverAppId, clientAppIds: [client] }) => serverAppId === "alice" && client === "bob",
    )?.appId ?? assert.fail()

  function trail(nth: number): string {
    const file = sites.auditFile("A").replace(/\.log$/, `-outlet-${nth}.log`)
    return existsSync(file) ? readFileSync(file, "utf8") : ""
  }
  const linesAt = (nth: number): number => trail(nth).split("\n").length - 1
  const bothGive = (lines: number): Promise<void> =>
    until(() => linesAt(1) >= lines && linesAt(2) >= lines)

  it("come out of lots, none twice over all outlets, and are the same at both ends", async () => {
    await open()
    crowd.begin(4)
    await bothGive(300)
    await crowd.stop()
    assert.deepEqual(crowd.twice, [])
    assert.equal(new Set(crowd.keys.values()).size, crowd.keys.size)
    assert.deepEqual(await crowd.fetched(), crowd.keys)
  })

  it("are counted as those that the node gives itself; what nobody asks for goes back and is given to others", async () => {
    await open()
    crowd.begin(4)
    await bothGive(100)
    await crowd.stop()
    const given = BigInt(crowd.keys.size * KEY_BITS)
    await until(() => manager().deliveredBits(appId()) === given)
    assert.equal(manager().supply(appId()).suppliedBits, Number(given))
    // All that is ready stands at the node again, and the node gives it.
    await until(() => manager().stockedKeys * KEY_BITS === manager().supply(appId()).readyBits)
    const ready = manager().stockedKeys
    const order = { masterSaeId: "alice", slaves: [{ saeId: "bob", appId: appId() }] }
    const more = manager().readyKeys({ ...order, count: ready, keySizeBits: KEY_BITS })
    assert.equal(more?.length, ready)
    for (const { keyId, key } of more) {
      assert.equal(crowd.keys.has(keyId), false, "given by an outlet and by the node")
      crowd.keys.set(
        keyId,
        key.use((bytes) => Buffer.from(bytes).toString("base64")),
      )
    }
    assert.deepEqual(await crowd.fetched(), crowd.keys)
  })

  it("are lost with an outlet that is killed, unless it gave them; none is given again, and others go on", async () => {
    await open()
    crowd.begin(4)
    await bothGive(150)
    const [victim = 0] = sites.served.get("A")?.pids ?? []
    process.kill(victim, "SIGKILL")
    await until(() => sites.served.get("A")?.serving === 1)
    await until(() => sites.served.get("A")?.serving === 2)
    // Those whose connections it had are at the other one now.
    crowd.begin(4)
    const [first, second] = [linesAt(1), linesAt(2)]
    await until(() => linesAt(1) > first + 50 && linesAt(2) > second + 50)
    await crowd.stop()
    assert.deepEqual(crowd.twice, [])
    assert.deepEqual(await crowd.fetched(), crowd.keys)
    assert.deepEqual(
      [...crowd.refused.keys()].filter((status) => status !== 0),
      [],
    )
  })

  it("I3: stand in a trail of their outlet before they leave, and the trails of all outlets verify", async () => {
    await open()
    const missing: string[] = []
    let looked = 0
    crowd.onKeys = (keyIds) => {
      if (linesAt(1) + linesAt(2) > 600) return
      const all = trail(1) + trail(2)
      const node = new Set(audited.flatMap((record) => record.keyIds))
      missing.push(...keyIds.filter((keyId) => !all.includes(keyId) && !node.has(keyId)))
      looked += 1
    }
    crowd.begin(4)
    await bothGive(150)
    await crowd.stop()
    assert.ok(looked > 200)
    assert.deepEqual(missing, [])
    const [, ...trails] = await auditTrails(sites.auditFile("A"))
    assert.equal(trails.length, 2)
    let lines = 0
    for (const file of trails) lines += verifyAuditTrail(readFileSync(file, "utf8")).lines
    assert.equal(lines + audited.length, crowd.keys.size)
  })

  it("T4: stay within max_bandwidth over all outlets together", async () => {
    const maxBps = 200 * KEY_BITS
    await open({ maxBps })
    const began = performance.now()
    crowd.begin(8)
    await until(() => (crowd.refused.get(503) ?? 0) > 200)
    await crowd.stop()
    const seconds = (performance.now() - began) / 1000
    // A burst of ten seconds, and what has come since.
    assert.ok(crowd.keys.size <= (10 + seconds) * 200, `${crowd.keys.size} keys in ${seconds} s`)
    assert.ok(linesAt(1) + linesAt(2) > 0, "some came out of lots")
    assert.ok(crowd.keys.size >= 0.9 * 10 * 200, `only ${crowd.keys.size}`)
  })

  it("are given no more once a change that ends them is in force", async () => {
    await open()
    crowd.begin(4)
    await bothGive(100)
    const { apps } = sites.network
    sites.network.apps = []
    manager().configure(sites.network.configOf(0))
    await sites.served.get("A")?.inForce()
    const before = crowd.keys.size
    const known = new Set(crowd.keys.keys())
    await until(() => (crowd.refused.get(400) ?? 0) > 50)
    await crowd.stop()
    // Answers that were on their way: at most one on each connection.
    const late = [...crowd.keys.keys()].filter((keyId) => !known.has(keyId))
    assert.ok(crowd.keys.size - before <= 4, `${late.length} keys after the change`)
    sites.network.apps = apps
  })
})
