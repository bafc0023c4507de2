// Whole nodes with outlets, as configured and run: what a controller, the site's officers and SAEs see of them.

import assert from "node:assert/strict"
import { createPrivateKey } from "node:crypto"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { signPolicy, type SignedPolicy } from "../../src/keys/policy-signature.js"
import { verifyAuditTrail } from "../../src/node/audit-check.js"
import { auditTrails } from "../../src/node/outlet-trails.js"
import { appAt, Line, linksOf } from "./node-line.js"

const APP = "6f1d9a54-11e4-4f0e-8a52-93f1c6d5a001"

const [OVER, LATER] = ["2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z"]

interface Keys {
  readonly keys: readonly { readonly key_ID: string; readonly key: string }[]
}

describe("two nodes with two outlets each", function () {
  this.timeout(180_000)
  let line: Line
  const ids = new Set<string>()

  before(async () => {
    line = await Line.open(["a", "b"])
    for (const { configFile } of line.files.nodes) {
      const config = JSON.parse(readFileSync(configFile, "utf8")) as Record<
        string,
        { etsi014: { outlets?: number } }
      >
      for (const node of Object.values(config)) node.etsi014.outlets = 2
      writeFileSync(configFile, JSON.stringify(config))
    }
    for (const name of ["a", "b"]) await line.start(name)
  })
  after(() => line.close())

  const configure = async (expiresAt: string): Promise<void> => {
    for (const [name, peer] of [
      ["a", "b"],
      ["b", "a"],
    ] as const) {
      const config = linksOf(line, name)
      const backing = config.links[0]?.qkdlId ?? ""
      const apps = [{ ...appAt(line, name, peer, APP, backing), expiresAt }]
      await line.configure(name, { ...config, apps })
    }
  }

  /** Asks until so many answers in a row came, 40 at a time. */
  async function ask(rounds: number): Promise<void> {
    for (let nth = 0; nth < rounds; nth++) {
      const told = await Promise.all(
        Array.from({ length: 8 }, () => line.call("a", "sae-b/enc_keys?number=4")),
      )
      for (const { status, body } of told) {
        if (status !== 200) continue
        for (const { key_ID } of (body as Keys).keys) {
          assert.equal(ids.has(key_ID), false, "a key twice")
          ids.add(key_ID)
        }
      }
    }
  }

  const trailLines = async (): Promise<number[]> =>
    (await auditTrails(path.join(line.dir, "nodes", "a", "state", "audit.log"))).map(
      (file) => verifyAuditTrail(readFileSync(file, "utf8")).lines,
    )

  it("deliver from their outlets, write what each gave in its trail, and count it", async () => {
    await configure(LATER)
    await line.until("keys are there", async () => {
      const { status } = await line.call("a", "sae-b/enc_keys")
      return status === 200
    })
    await line.until("both outlets have given keys by themselves", async () => {
      await ask(1)
      const [, first = 0, second = 0] = await trailLines()
      return first > 0 && second > 0
    })
    const [own = 0] = await trailLines()
    assert.ok(own > 0, "first requests are the node's")
    assert.equal((await line.call("a", "sae-b/status")).status, 200)
  })

  it("renew their certificates, and nobody is cut off", async () => {
    assert.equal(await line.node("a").renewTls(), 0)
    assert.equal((await line.call("a", "sae-b/enc_keys")).status, 200)
  })

  it("give no more keys of an association once the controller was told that it is over", async () => {
    await ask(3)
    await line.dropControllers()
    await configure(OVER)
    const given = await trailLines()
    const told = await Promise.all(
      Array.from({ length: 6 }, () => line.call("a", "sae-b/enc_keys")),
    )
    assert.deepEqual(
      told.filter(({ status }) => status === 200),
      [],
    )
    assert.deepEqual(await trailLines(), given)
    await configure(LATER)
  })

  it("obey a new site policy at every outlet as soon as it is in force", async () => {
    await line.until("keys come again", async () => {
      const { status } = await line.call("a", "sae-b/enc_keys")
      return status === 200
    })
    await ask(3)
    const file = path.join(line.dir, "nodes", "a", "policy.json")
    const { policy } = JSON.parse(readFileSync(file, "utf8")) as SignedPolicy
    const next = { ...policy, version: policy.version + 1, saes: [] }
    const officers = readdirSync(path.join(line.dir, "officers")).map((name) =>
      createPrivateKey(readFileSync(path.join(line.dir, "officers", name), "utf8")),
    )
    const signatures = officers.map((key) => signPolicy(next, key))
    writeFileSync(file, JSON.stringify({ policy: next, signatures }))
    assert.equal(await line.node("a").reloadPolicy(), true)
    const told = await Promise.all(
      Array.from({ length: 6 }, () => line.call("a", "sae-b/enc_keys")),
    )
    for (const { status } of told) assert.equal(status, 401)
  })
})
