// Bulk key orders on a running network: promised or refused with what could be done, delivered over a cut and over the
// death of every process, and the keys are at both sites.

import assert from "node:assert/strict"
import {
  decKeys,
  type Demo,
  encKeys,
  eventually,
  fibre,
  freshDir,
  type KeyContainer,
  removeDir,
  rest,
  ringOfFour,
  startDemo,
} from "../support/demo.js"

interface OrderView {
  readonly orderId: string
  readonly state: string
  readonly late: boolean
  readonly volumeBits: number
  readonly deliveredBits: number
  readonly takenBits: number
  readonly readyBits: number
  readonly forecast?: string
  readonly periods: readonly { readonly nodes: readonly string[]; readonly rateBps: number }[]
}

const WAIT_MS = 60_000

function inMinutes(minutes: number): string {
  return new Date(Date.now() + minutes * 60_000).toISOString()
}

describe("bulk key orders on a ring of four", function () {
  this.timeout(240_000)
  const dir = freshDir()
  let topology: string
  let demo: Demo

  before(async () => {
    topology = ringOfFour(dir, { lengthKm: 5, skrBps: 300_000 })
    demo = await startDemo({ dir, topology })
    // What links make is known a moment after they make it.
    await eventually(
      async () => {
        const asked = { from: "sae-A", to: "sae-C", deadline: inMinutes(10), bestEffort: false }
        const { body } = await order({ ...asked, volumeBits: 256_000_000_000 })
        // While a link is not measured it is refused without a time.
        const { info } = body as { info?: Record<string, string> }
        return info?.["earliest-completion"] === undefined ? undefined : true
      },
      "the network has rate to promise",
      WAIT_MS,
    )
  })
  after(async () => {
    await demo.stop()
    removeDir(dir)
  })

  const order = (body: object): ReturnType<typeof rest> => rest(demo, "POST", "/bulk-orders", body)
  const look = async (orderId: string): Promise<OrderView> =>
    (await rest(demo, "GET", `/bulk-orders/${orderId}`)).body as OrderView
  const until = (
    orderId: string,
    what: string,
    holds: (order: OrderView) => boolean,
  ): Promise<OrderView> =>
    eventually(
      async () => {
        const now = await look(orderId)
        return holds(now) ? now : undefined
      },
      what,
      WAIT_MS,
    )

  it("delivers what it promised, round a fibre that is cut midway, and both SAEs have the same keys", async () => {
    const asked = { from: "sae-A", to: "sae-C", deadline: inMinutes(10) }
    const refused = await order({ ...asked, volumeBits: 256_000_000_000 })
    assert.equal(refused.status, 409)
    const { appTag, path, info } = refused.body as {
      appTag: string
      path: string
      info: Record<string, string>
    }
    assert.deepEqual([appTag, path], ["no-capacity", "/deadline"])
    assert.ok(Number(info["bits-by-deadline"]) < 256_000_000_000)
    assert.ok(Date.parse(info["earliest-completion"] ?? "") > Date.now())

    const taken = await order({ ...asked, volumeBits: 2_560_000 })
    assert.equal(taken.status, 201, JSON.stringify(taken.body))
    const { orderId, periods, forecast } = taken.body as OrderView
    assert.ok(Date.parse(forecast ?? "") < Date.parse(asked.deadline))
    const via = demo.file.nodes.find(({ qkdnId }) => qkdnId === periods[0]?.nodes[1])?.name ?? ""
    await until(orderId, "the first keys are ready", ({ deliveredBits }) => deliveredBits > 0)
    await fibre(demo, "cut", "A", via)
    const moved = await until(orderId, "it is scheduled round the cut", (now) =>
      now.periods.every(
        ({ nodes }) => demo.file.nodes.find(({ name }) => name === via)?.qkdnId !== nodes[1],
      ),
    )
    assert.notEqual(moved.state, "cancelled")
    const done = await until(orderId, "all of it is there", ({ state }) => state === "completed")
    assert.deepEqual([done.late, done.deliveredBits, done.takenBits], [false, 2_560_000, 0])
    assert.ok(done.readyBits >= 2_560_000, "nothing was lost on the way round")

    const enc = await encKeys(demo, "sae-A", "sae-C", { number: 100, size: 256 })
    assert.equal(enc.status, 200, enc.body)
    const { keys } = JSON.parse(enc.body) as KeyContainer
    const ids = keys.map(({ key_ID: id }) => id)
    const dec = await decKeys(demo, "sae-C", "sae-A", ids)
    assert.equal(dec.status, 200, dec.body)
    assert.deepEqual((JSON.parse(dec.body) as KeyContainer).keys, keys)
    await fibre(demo, "mend", "A", via)
  })

  it("is forecast by the rates that links are known to have later; services go by what links make now", async () => {
    const asked = { from: "sae-B", to: "sae-D", deadline: inMinutes(10), bestEffort: false }
    // Links that have just come up are measured at part of what they make.
    const most = await eventually(
      async () => {
        const { body } = await order({ ...asked, volumeBits: 256_000_000_000 })
        const bits = Number((body as { info?: Record<string, string> }).info?.["bits-by-deadline"])
        return bits > 100_000_000 ? bits : undefined
      },
      "all links are measured",
      WAIT_MS,
    )
    const volumeBits = Math.floor(most / 2 / 256) * 256
    const taken = await order({ ...asked, volumeBits })
    assert.equal(taken.status, 201, JSON.stringify(taken.body))
    const { orderId } = taken.body as OrderView

    // From the next minute on nothing is made anywhere.
    const profile = { profile: [{ at: inMinutes(1), skrBps: 0 }] }
    const each = (method: string, body?: object): Promise<unknown> =>
      Promise.all(
        demo.file.links.map(async ({ qkdlId }) => {
          const { status } = await rest(demo, method, `/links/${qkdlId}/rate-profile`, body)
          assert.ok(status < 300, String(status))
        }),
      )
    await each("PUT", profile)
    const late = await look(orderId)
    assert.deepEqual([late.late, late.forecast], [true, undefined])
    const refused = await order({ ...asked, volumeBits })
    assert.equal(refused.status, 409)
    const known = (refused.body as { info: Record<string, string> }).info["bits-by-deadline"]
    assert.ok(Number(known) < volumeBits, `${known} of ${volumeBits}`)
    const terms = { a: "sae-B", b: "sae-C", minRateBps: 1000 }
    const { status, body } = await rest(demo, "POST", "/services", terms)
    assert.equal(status, 201, JSON.stringify(body))

    await each("DELETE")
    const again = await look(orderId)
    assert.equal(again.late, false)
    assert.ok(Date.parse(again.forecast ?? "") < Date.parse(asked.deadline))
    const { serviceId } = body as { serviceId: string }
    for (const path of [`/bulk-orders/${orderId}`, `/services/${serviceId}`])
      assert.ok((await rest(demo, "DELETE", path)).status < 300)
    await eventually(
      async () => {
        const { items } = (await rest(demo, "GET", "/services")).body as { items: object[] }
        return JSON.stringify(items).includes(serviceId) ? undefined : true
      },
      "the service is gone",
      WAIT_MS,
    )
  })

  it("goes on after every process was killed, and makes again what was lost before anybody took it", async () => {
    const taken = await order({ from: "sae-B", to: "sae-C", keys: 8000, deadline: inMinutes(20) })
    assert.equal(taken.status, 201, JSON.stringify(taken.body))
    const { orderId } = taken.body as OrderView
    await until(orderId, "keys are ready", ({ readyBits }) => readyBits >= 100 * 256)
    const enc = await encKeys(demo, "sae-B", "sae-C", { number: 100, size: 256 })
    assert.equal(enc.status, 200, enc.body)
    await until(orderId, "what was taken is counted", ({ takenBits }) => takenBits === 100 * 256)
    await demo.stop("SIGKILL")
    demo = await startDemo({ dir, topology })
    const done = await until(orderId, "all of it is there", ({ state }) => state === "completed")
    assert.deepEqual([done.late, done.deliveredBits], [false, 8000 * 256])
    const { keys } = JSON.parse(enc.body) as KeyContainer
    const ids = keys.map(({ key_ID: id }) => id)
    assert.equal((await decKeys(demo, "sae-C", "sae-B", ids)).status, 200, "keys from before")
    const { body } = await rest(demo, "GET", "/bulk-orders?filter=state:completed")
    assert.equal((body as { items: unknown[] }).items.length, 2, "both are remembered")
  })
})
