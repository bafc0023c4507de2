// A controller in the hands of an enemy, with its own credentials, at two whole nodes: it can refuse, flood and fall silent,
// and bind SAEs as it likes. What was granted serves on until it expires (THREATS C4), and what a node accepts is
// what its site's policy allows (C1, C2).

import assert from "node:assert/strict"
import { randomInt, randomUUID } from "node:crypto"
import { QkdError } from "../../src/errors.js"
import { nodeConfigToData } from "../../src/model/etsi015.js"
import type { AppConfig } from "../../src/model/app.js"
import type { NetconfClientSession } from "../../src/netconf/client.js"
import { encodeXml } from "../../src/yang/xml.js"
import { Dice } from "../core/dice.js"
import { schema } from "./agent-site.js"
import { appAt, Line, linksOf } from "./node-line.js"

const APP = "bbbbbbbb-0000-4000-8000-000000000001"
const SEED = randomInt(2 ** 31)

interface Keys {
  readonly keys: readonly { readonly key_ID: string; readonly key: string }[]
}

describe("a hostile controller", function () {
  this.timeout(180_000)
  let line: Line

  before(async () => {
    line = await Line.open(["a", "b"])
    for (const name of ["a", "b"]) await line.start(name)
    await grant()
    for (const name of ["a", "b"])
      await line.until("there is stock", async () =>
        (await line.state(name)).links.every(
          ({ performance }) => (performance.stockBits ?? 0) > 50_000,
        ),
      )
  })
  after(() => line.close())

  const direct = (): string => line.plan.links[0]?.qkdlId ?? ""

  async function grant(expiresAt?: string): Promise<void> {
    for (const [here, there] of [
      ["b", "a"],
      ["a", "b"],
    ] as const) {
      const app = appAt(line, here, there, APP, direct())
      const apps = [{ ...app, ...(expiresAt !== undefined && { expiresAt }) }]
      await line.configure(here, { ...linksOf(line, here), apps })
    }
  }

  /** A key to both SAEs, the same. */
  async function serves(): Promise<void> {
    const made = await line.call("a", "sae-b/enc_keys", { number: 2, size: 256 })
    assert.equal(made.status, 200, JSON.stringify(made.body))
    const { keys } = made.body as Keys
    const ids = keys.map(({ key_ID }) => ({ key_ID }))
    const taken = await line.call("b", "sae-a/dec_keys", { key_IDs: ids })
    assert.equal(taken.status, 200, JSON.stringify(taken.body))
    assert.deepEqual((taken.body as Keys).keys, keys)
  }

  const edit = (session: NetconfClientSession, apps: readonly AppConfig[]): Promise<void> => {
    const config = nodeConfigToData({ qkdnId: line.id("a"), links: [], apps, peers: [] })
    return session.editConfig("running", encodeXml(schema(), config))
  }

  it("C4: does not stop what was granted by locking, flooding, refusing, or leaving without a word", async () => {
    await serves()
    const session = await line.controller("a")
    await session.lock("running")
    await serves()
    const lie = { ...appAt(line, "a", "b", randomUUID(), direct()), serverAppId: "sae-x" }
    const flood = Array.from({ length: 100 }, () =>
      edit(session, [lie]).then(
        () => "accepted",
        () => "refused",
      ),
    )
    for (let i = 0; i < 5; i++) await serves()
    assert.deepEqual(new Set(await Promise.all(flood)), new Set(["refused"]))
    await line.dropControllers()
    for (let i = 0; i < 5; i++) await serves()
    // Nobody answers for a pair that was not granted: that one is told so, and the others serve on.
    const [unknown] = await Promise.all([line.call("a", "sae-x/enc_keys"), serves(), serves()])
    assert.notEqual(unknown.status, 200)
    await serves()
  })

  it("C4: is not needed after a restart either", async () => {
    await line.dropControllers()
    for (const name of ["a", "b"]) {
      await line.node(name).stop()
      await line.start(name)
    }
    await line.until("keys are made again", async () => {
      return (await line.call("a", "sae-b/enc_keys")).status === 200
    })
    await serves()
  })

  it(`C1, C2: gets nothing accepted that the site's policy does not allow: random bindings (seed ${SEED})`, async () => {
    const dice = new Dice(SEED)
    const session = await line.controller("a")
    const stranger = randomUUID()
    const saes = ["sae-a", "sae-b", "sae-x"] as const
    const nodes = [line.id("a"), line.id("b"), stranger] as const
    const seen = { accepted: 0, refused: 0 }
    for (let round = 0; round < 120; round++) {
      // Without a rate: some twenty of them would be promised all that the link makes.
      const honest = { ...appAt(line, "a", "b", randomUUID(), direct()), qos: {} }
      const change = (): boolean => dice.below(4) === 0
      const app: AppConfig = {
        ...honest,
        ...(change() && { serverAppId: dice.of(saes) }),
        ...(change() && { clientAppIds: [dice.of(saes)] }),
        ...(change() && { localQkdnId: dice.of(nodes) }),
        ...(change() && { remoteQkdnId: dice.of(nodes) }),
      }
      const outcome = await edit(session, [app]).then(
        () => undefined,
        (fault: unknown) => fault,
      )
      const parties = [app.serverAppId, ...app.clientAppIds].sort()
      const allowed =
        parties.join() === "sae-a,sae-b" &&
        app.localQkdnId === line.id("a") &&
        app.remoteQkdnId === line.id("b")
      if (outcome === undefined) assert.ok(allowed, JSON.stringify(app))
      else assert.ok(outcome instanceof QkdError && !allowed, JSON.stringify(app))
      seen[outcome === undefined ? "accepted" : "refused"]++
    }
    assert.ok(seen.accepted > 5 && seen.refused > 20, JSON.stringify(seen))
    const { apps } = await line.state("a")
    assert.equal(apps.length, 1 + seen.accepted)
    for (const app of apps)
      assert.deepEqual(
        [[app.serverAppId, ...app.clientAppIds].sort().join(), app.remoteQkdnId],
        ["sae-a,sae-b", line.id("b")],
      )
    await line.dropControllers()
  })

  it("C4: has what was granted end when it expires, and not before", async () => {
    const expires = Date.now() + 15_000
    await grant(new Date(expires).toISOString())
    await line.dropControllers()
    let served = 0
    for (;;) {
      const answer = await line.call("a", "sae-b/enc_keys")
      // An answer that comes later may have been given on either side of it.
      if (Date.now() >= expires) break
      assert.equal(answer.status, 200, JSON.stringify(answer.body))
      served++
      await new Promise((done) => setTimeout(done, 100))
    }
    assert.ok(served > 0)
    await line.until("it has expired", async () => {
      return (await line.call("a", "sae-b/enc_keys")).status !== 200
    })
  })
})
