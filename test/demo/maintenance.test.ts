// Planned maintenance on a running network: services move off before the fibre is taken out, keys go on, nobody is alarmed,
// and a controller that is started again still knows of it.

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

interface ServiceView {
  readonly serviceId: string
  readonly state: string
  readonly reason?: string
  readonly path?: { readonly hops: readonly { readonly qkdlId: string }[] }
}
interface LinkView {
  readonly status: string
  readonly capacityBps?: number
  readonly maintenance?: { readonly stage: string }
}
interface WindowView {
  readonly maintenanceId: string
  readonly state: string
  readonly staying: readonly string[]
}

const MINUTE = 60_000

function fromNow(ms: number): string {
  return new Date(Date.now() + ms).toISOString()
}

describe("planned maintenance on a ring of four", function () {
  this.timeout(300_000)
  const dir = freshDir()
  let demo: Demo
  let window: WindowView

  before(async () => {
    const topology = ringOfFour(dir, { lengthKm: 5, skrBps: 20_000 })
    demo = await startDemo({ dir, topology })
  })
  after(async () => {
    await demo.stop()
    removeDir(dir)
  })

  const linkId = (): string =>
    demo.file.links.find(({ a, b }) => [a, b].join("") === "AB")?.qkdlId ?? assert.fail("no link")
  const link = async (): Promise<LinkView> =>
    (await rest(demo, "GET", `/links/${linkId()}`)).body as LinkView
  const service = async (): Promise<ServiceView> => {
    const { items } = (await rest(demo, "GET", "/services")).body as { items: ServiceView[] }
    return items[0] ?? assert.fail("no service")
  }
  const plan = async (begin: string, end: string): Promise<WindowView> => {
    const body = { link: linkId(), begin, end, reason: "splice" }
    const { status, body: planned } = await rest(demo, "POST", "/maintenance", body)
    assert.equal(status, 201, JSON.stringify(planned))
    return planned as WindowView
  }
  const cancel = async ({ maintenanceId }: WindowView): Promise<void> => {
    assert.equal((await rest(demo, "DELETE", `/maintenance/${maintenanceId}`)).status, 204)
  }
  const isAlarmed = async (): Promise<boolean> => {
    const url = `${demo.file.controller.restconf}/data/keyloom-network:qkd_network/alarms`
    const answer = await fetch(url, {
      headers: {
        Authorization: `Bearer ${demo.file.controller.token}`,
        Accept: "application/yang-data+json",
      },
    })
    const text = await answer.text()
    assert.ok(answer.status === 200 || answer.status === 404, text)
    return text.includes(`link-down:${linkId()}`)
  }
  const exchange = async (): Promise<void> => {
    const keys = await eventually(
      async () => {
        const enc = await encKeys(demo, "sae-A", "sae-B")
        return enc.status === 200 ? (JSON.parse(enc.body) as KeyContainer).keys : undefined
      },
      "keys are made",
      MINUTE,
    )
    const ids = keys.map(({ key_ID: id }) => id)
    const dec = await decKeys(demo, "sae-B", "sae-A", ids)
    assert.equal(dec.status, 200, dec.body)
    assert.deepEqual((JSON.parse(dec.body) as KeyContainer).keys, keys)
  }

  it("moves the service off the link before it begins, and the service is active all the time", async () => {
    const order = { a: "sae-A", b: "sae-B", minRateBps: 1000, revertive: true, holdOffS: 1 }
    await eventually(
      async () => {
        const { items } = (await rest(demo, "GET", "/links")).body as { items: LinkView[] }
        const known = items.filter((one) => (one.capacityBps ?? 0) > 10_000)
        return known.length === 4 ? true : undefined
      },
      "what the links make is known",
      MINUTE,
    )
    assert.ok((await rest(demo, "POST", "/services", order)).status < 300)
    await eventually(
      async () => ((await service()).state === "active" ? true : undefined),
      "the service stands",
      MINUTE,
    )
    assert.deepEqual(
      (await service()).path?.hops.map(({ qkdlId }) => qkdlId),
      [linkId()],
    )
    const near = await plan(fromNow(4 * MINUTE), fromNow(10 * MINUTE))
    assert.deepEqual([near.state, near.staying], ["draining", []])
    const states = new Set<string>()
    const moved = await eventually(
      async () => {
        const now = await service()
        states.add(now.state)
        return now.path?.hops.length === 3 ? now : undefined
      },
      "it is moved off",
      MINUTE,
    )
    assert.deepEqual([...states, moved.state], ["active", "active"])
    assert.equal((await link()).maintenance?.stage, "leaving")
    window = await plan(fromNow(0), fromNow(20 * MINUTE))
    await cancel(near)
    assert.equal((await link()).maintenance?.stage, "out")
  })

  it("is no alarm when the fibre is taken out, keys go on, and a controller that starts again knows of it", async () => {
    await fibre(demo, "cut", "A", "B")
    await eventually(
      async () => ((await link()).status === "ACTIVE" ? undefined : true),
      "the link is down",
      MINUTE,
    )
    assert.equal(await isAlarmed(), false)
    assert.equal((await service()).state, "active")
    await exchange()
    await demo.stop()
    demo = await startDemo({ dir })
    const shown = (await rest(demo, "GET", `/maintenance/${window.maintenanceId}`)).body
    assert.deepEqual([(shown as WindowView).state, await isAlarmed()], ["inProgress", false])
    await exchange()
    assert.equal((await link()).maintenance?.stage, "out")
  })

  it("is an alarm when it is over and the link still down; mended, the service returns as its terms say", async () => {
    await fibre(demo, "cut", "A", "B")
    await eventually(
      async () => ((await link()).status === "ACTIVE" ? undefined : true),
      "the link is down",
      MINUTE,
    )
    await cancel(window)
    assert.equal((await link()).maintenance, undefined)
    assert.equal(await isAlarmed(), true)
    await fibre(demo, "mend", "A", "B")
    await eventually(
      async () => {
        const { state, path } = await service()
        return state === "active" && path?.hops.length === 1 ? true : undefined
      },
      "the service is back on its path",
      MINUTE,
    )
    assert.equal(await isAlarmed(), false)
  })

  it("ends by itself", async () => {
    const { maintenanceId } = await plan(fromNow(0), fromNow(3000))
    await eventually(
      async () => {
        const { status } = await rest(demo, "GET", `/maintenance/${maintenanceId}`)
        return status === 404 ? true : undefined
      },
      "it is over",
      MINUTE,
    )
    await eventually(
      async () => {
        const { state, path } = await service()
        return state === "active" && path?.hops.length === 1 ? true : undefined
      },
      "the service stands on its own path",
      MINUTE,
    )
    await exchange()
  })
})
