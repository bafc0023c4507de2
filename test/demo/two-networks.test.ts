// Two whole networks, each with its controller, nodes and fibres, and a key manager that is not ours, joined by ETSI 020
// between border nodes. SAEs ask by ETSI 014 at both ends; border nodes are killed with SIGKILL while keys cross.
//
//   alpha ── gate ══ 020 ══ ford ── omega
//               ╚═══ 020 ══ Python key manager, with zoe behind it

import assert from "node:assert/strict"
import { randomBytes, randomInt, randomUUID } from "node:crypto"
import { spkiSha256 } from "../../src/transport/pki.js"
import { authority, ForeignKme, kmeCertificate } from "../interop/etsi020-sites.js"
import {
  type Demo,
  decKeys,
  encKeys,
  eventually,
  freshDir,
  type KeyContainer,
  removeDir,
  startDemo,
  writeTopology,
} from "../support/demo.js"
import { freePort } from "../support/free-port.js"
import { joinDemo, processOf } from "../support/joined-demos.js"

/** Few, for a suite that is quick; more by hand. */
const KILLS = Number(process.env["KEYLOOM_BORDER_KILLS"] ?? 2)

describe("two networks joined by ETSI 020", function () {
  this.timeout(180_000)
  const dirs = [freshDir(), freshDir()]
  const foreign = new ForeignKme()
  let demos: Demo[] = []
  let north: Demo
  let south: Demo
  let gatePort = 0

  before(async () => {
    await foreign.start()
    demos = await Promise.all(
      dirs.map((dir, index) => {
        const [a, b] = index === 0 ? ["alpha", "gate"] : ["omega", "ford"]
        const topology = writeTopology(dir, {
          name: a,
          nodes: [{ name: a }, { name: b }],
          links: [{ a, b, lossDb: 6, skrBps: 200_000 }],
        })
        return startDemo({ dir, topology })
      }),
    )
    const [first, second] = demos
    assert.ok(first !== undefined && second !== undefined)
    north = first
    south = second
    gatePort = await freePort()
    const fordPort = await freePort()
    const [gate, ford] = [kmeCertificate("gate"), kmeCertificate("ford")]
    const domain = (name: string, port: number, saes: string[], pem: string) => ({
      ...{ name, url: `https://127.0.0.1:${port}`, saes },
      spkiSha256: [spkiSha256(pem)],
    })
    joinDemo(north, {
      ...{ node: "gate", port: gatePort, identity: gate, authority: authority.certificatePem },
      domains: [
        domain("south", fordPort, ["sae-omega"], ford.certificatePem),
        foreign.asDomain(["zoe"]),
      ],
    })
    joinDemo(south, {
      ...{ node: "ford", port: fordPort, identity: ford, authority: authority.certificatePem },
      domains: [domain("north", gatePort, ["sae-alpha"], gate.certificatePem)],
    })
  })
  after(async () => {
    foreign.close()
    await Promise.all(demos.map((demo) => demo.stop()))
    for (const dir of dirs) removeDir(dir)
  })

  const keysIn = ({ body }: { body: string }): KeyContainer["keys"] =>
    (JSON.parse(body) as KeyContainer).keys
  /** Asks until there are keys: networks find together, and again after a kill. */
  const some = (demo: Demo, master: string, slave: string, number = 1) =>
    eventually(
      async () => {
        const answer = await encKeys(demo, master, slave, { number })
        return answer.status === 200 ? keysIn(answer) : undefined
      },
      `${master} has keys with ${slave}`,
      60_000,
    )

  it("gives SAEs of both the same keys, whoever asks first, each once", async () => {
    for (const [from, to, master, slave] of [
      [north, south, "sae-alpha", "sae-omega"],
      [south, north, "sae-omega", "sae-alpha"],
    ] as const) {
      const made = await some(from, master, slave, 3)
      const ids = made.map(({ key_ID }) => key_ID)
      assert.deepEqual(keysIn(await decKeys(to, slave, master, ids)), made)
      assert.equal((await decKeys(to, slave, master, ids)).status, 400)
    }
  })

  it("takes keys back that a border node was giving when it was killed", async () => {
    const [key] = await some(north, "sae-alpha", "zoe")
    assert.equal(await foreign.fetch(key?.key_ID ?? ""), key?.key)
    await foreign.seen()
    await foreign.behave({ on_keys: "mute" })
    const asked = encKeys(north, "sae-alpha", "zoe", { number: 7, size: 512 })
    const given = await eventually(async () => {
      const keys = (await foreign.seen()).flatMap(({ path, body }) =>
        path.endsWith("/ext_keys") ? [(body as { keys: { key_id: string }[] }).keys] : [],
      )
      return keys.find((one) => one.length > 0)
    }, "keys are on their way")
    process.kill(processOf(north, "gate"), "SIGKILL")
    assert.notEqual((await asked).status, 200)
    const ids = given.map(({ key_id }) => key_id)
    await eventually(
      async () => {
        const voids = (await foreign.seen()).filter(({ path }) => path.endsWith("/void"))
        return voids.find(({ body }) => {
          return ids.every((id) => (body as { key_ids: string[] }).key_ids.includes(id))
        })
      },
      "the keys are void",
      30_000,
    )
    await foreign.behave({ on_keys: "relayed" })
    const [after] = await some(north, "sae-alpha", "zoe")
    assert.equal(await foreign.fetch(after?.key_ID ?? ""), after?.key)
  })

  it("says failed of keys that a border node had taken when it was killed, and never gives them", async () => {
    // The way to alpha is gone: what is taken stays under way.
    const alpha = processOf(north, "alpha")
    process.kill(alpha, "SIGSTOP")
    const keys = [{ key_id: randomUUID(), value: randomBytes(32).toString("base64") }]
    const body = {
      ...{ keys, initiator_sae_id: "zoe", target_sae_ids: ["sae-alpha"] },
      ack_callback_url: `${foreign.url}/kmapi/v1/ext_keys/ack`,
    }
    const ask = (target: string, message: object) =>
      foreign.ask(gatePort, {
        ...{ method: "POST", target, body: JSON.stringify(message) },
        headers: { "content-type": "application/json" },
      })
    assert.equal((await ask("/kmapi/v1/ext_keys", body)).status, 202)
    process.kill(processOf(north, "gate"), "SIGKILL")
    process.kill(alpha, "SIGCONT")
    const ack = await eventually(
      async () => {
        const acks = (await foreign.seen()).filter(({ path }) => path.endsWith("/ack"))
        return acks[0]?.body as readonly Readonly<Record<string, unknown>>[] | undefined
      },
      "the domain hears what became of its keys",
      30_000,
    )
    assert.equal(ack[0]?.["ack_status"], "failed")
    const { ack_callback_url: _, ...again } = body
    const told = await ask("/kmapi/v1/ext_keys", again)
    const [late] = JSON.parse(told.body) as readonly { readonly ack_status: string }[]
    assert.equal(late?.ack_status, "failed", "an id lives once")
  })

  it("gives no key to one end only, however border nodes are killed", async () => {
    const open: { from: Demo; to: Demo; master: string; slave: string; key: string; id: string }[] =
      []
    let running = true
    const worker = async (from: Demo, to: Demo, master: string, slave: string): Promise<void> => {
      while (running) {
        const answer = await encKeys(from, master, slave, { number: 1 + randomInt(3) })
        if (answer.status !== 200) continue
        for (const { key_ID: id, key } of keysIn(answer))
          open.push({ from, to, master, slave, key, id })
      }
    }
    const workers = Promise.all([
      worker(north, south, "sae-alpha", "sae-omega"),
      worker(south, north, "sae-omega", "sae-alpha"),
    ])
    for (let kill = 0; kill < KILLS; kill++) {
      const before = open.length
      // Under load again, or at the worst a moment after the last kill.
      await eventually(
        () => Promise.resolve(open.length > before ? true : undefined),
        "keys cross again",
        60_000,
      )
      await new Promise((done) => setTimeout(done, randomInt(400)))
      const [demo, name] = kill % 2 === 0 ? ([south, "ford"] as const) : ([north, "gate"] as const)
      process.kill(processOf(demo, name), "SIGKILL")
    }
    running = false
    await workers
    await some(north, "sae-alpha", "sae-omega")
    await some(south, "sae-omega", "sae-alpha")
    assert.ok(open.length >= KILLS)
    for (const { to, master, slave, key, id } of open) {
      const told = await decKeys(to, slave, master, [id])
      assert.equal(told.status, 200, `${id} was given to ${master} alone: ${told.body}`)
      assert.deepEqual(keysIn(told), [{ key_ID: id, key }])
    }
    console.log(`      ${open.length} keys crossed under ${KILLS} kills`)
  })
})
