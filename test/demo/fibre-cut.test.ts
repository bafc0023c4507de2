// A fibre is cut and mended while keys are being asked for: with another path, and without.

import assert from "node:assert/strict"
import {
  curl,
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
  saeNamed,
  startDemo,
  writeTopology,
} from "../support/demo.js"
import { listen } from "../support/demo-notices.js"

interface ServiceView {
  serviceId: string
  state: string
  reason?: string
  path?: { nodes: string[]; hops: { qkdlId: string }[] }
}
interface ThingView {
  status?: string
  state?: string
}

async function services(demo: Demo): Promise<ServiceView[]> {
  const { body } = await rest(demo, "GET", "/services")
  return (body as { items: ServiceView[] }).items
}

/** `stored_key_count` of sae-A for sae-C. */
async function stored(demo: Demo): Promise<number> {
  const sae = saeNamed(demo, "sae-A")
  const node = demo.file.nodes.find(({ name }) => name === sae.node)
  const { body } = await curl(sae, `${node?.etsi014 ?? ""}/api/v1/keys/sae-C/status`)
  return (JSON.parse(body) as { stored_key_count: number }).stored_key_count
}

/** One key each way; the bytes must be equal at both ends. Answers the status of the first call. */
async function exchange(demo: Demo, master: string, slave: string): Promise<number> {
  const enc = await encKeys(demo, master, slave)
  if (enc.status !== 200) return enc.status
  const { keys } = JSON.parse(enc.body) as KeyContainer
  const dec = await decKeys(
    demo,
    slave,
    master,
    keys.map((k) => k.key_ID),
  )
  assert.equal(dec.status, 200, dec.body)
  assert.deepEqual((JSON.parse(dec.body) as KeyContainer).keys, keys)
  return 200
}

describe("a fibre cut with another path", function () {
  this.timeout(180_000)
  let demo: Demo
  const dir = freshDir()

  before(async () => {
    const topology = ringOfFour(dir, { lossDb: 8, skrBps: 4000 })
    demo = await startDemo({ dir, topology })
  })
  after(async () => {
    await demo.stop()
    removeDir(dir)
  })

  it("moves the service, tells link before service, and keys go on", async () => {
    assert.equal(await exchange(demo, "sae-A", "sae-C"), 200)
    const [before_] = await services(demo)
    assert.equal(before_?.state, "active")
    const middle = before_.path?.nodes[1]
    const via = demo.file.nodes.find((n) => n.qkdnId === middle)?.name ?? assert.fail()
    const first =
      demo.file.links.find((l) => [l.a, l.b].includes("A") && [l.a, l.b].includes(via)) ??
      assert.fail()

    const heard = listen<ThingView>(demo)
    await heard.ready
    const asking = { on: true }
    const statuses: number[] = []
    const load = (async () => {
      while (asking.on) statuses.push(await exchange(demo, "sae-A", "sae-C"))
    })()
    assert.match(await fibre(demo, "cut", "A", via), /^Cut: /)
    const moved = await eventually(async () => {
      const [s] = await services(demo)
      return s?.state === "active" && s.path?.hops.every((h) => h.qkdlId !== first.qkdlId)
        ? s
        : undefined
    }, "the service moves off the cut fibre")
    assert(!moved.path?.nodes.includes(middle ?? ""))
    for (let i = 0; i < 5; i += 1) assert.equal(await exchange(demo, "sae-A", "sae-C"), 200)
    asking.on = false
    await load
    console.log(`      statuses while moving: ${statuses.join(" ")}`)
    assert(statuses.includes(200))
    assert(
      statuses.every((s) => s === 200 || s === 503),
      `statuses ${statuses.join(" ")}`,
    )

    const linkAt = heard.notices.findIndex(
      (n) => n.topic === "link" && n.id === first.qkdlId && n.value?.status !== "ACTIVE",
    )
    const serviceAt = heard.notices.findIndex((n, i) => i > linkAt && n.topic === "service")
    assert(linkAt >= 0, "the link's notice came")
    assert(serviceAt > linkAt, "the service's notices follow the link's")
    const seqs = heard.notices.map((n) => n.seq)
    assert.deepEqual(
      seqs,
      seqs.map((_, i) => (seqs[0] ?? 0) + i),
      "no notice missed, none doubled, all in order",
    )
    heard.close()
  })
})

describe("a fibre cut without another path", function () {
  this.timeout(180_000)
  let demo: Demo
  const dir = freshDir()

  before(async () => {
    const topology = writeTopology(dir, {
      name: "line of three",
      nodes: ["A", "B", "C"].map((name) => ({ name })),
      links: [
        { a: "A", b: "B", lossDb: 8, skrBps: 3000 },
        { a: "B", b: "C", lossDb: 8, skrBps: 3000 },
      ],
    })
    demo = await startDemo({ dir, topology })
  })
  after(async () => {
    await demo.stop()
    removeDir(dir)
  })

  it("degrades the service, which says so, drains its stock, and heals when the fibre is mended", async () => {
    assert.equal(await exchange(demo, "sae-A", "sae-C"), 200)
    // What the links have made since the demo began was little, and went into keys made ahead.
    await eventually(
      async () => ((await stored(demo)) >= 16 ? true : undefined),
      "there is a stock to live on",
    )
    await fibre(demo, "cut", "B", "C")
    const degraded = await eventually(
      async () => (await services(demo)).find((s) => s.state === "degraded"),
      "the service is degraded",
    )
    assert.match(degraded.reason ?? "", /B|C/)
    assert.equal(await exchange(demo, "sae-A", "sae-C"), 200, "stock still serves")
    await eventually(
      async () =>
        (await encKeys(demo, "sae-A", "sae-C", { number: 16 })).status === 503 ? true : undefined,
      "the stock runs out",
      60_000,
    )
    const empty = await encKeys(demo, "sae-A", "sae-C", { number: 16 })
    assert.equal(empty.status, 503)
    assert.match(empty.body, /key|stock|pool/i)
    await fibre(demo, "mend", "B", "C")
    await eventually(
      async () => ((await services(demo)).some((s) => s.state === "active") ? true : undefined),
      "the service heals",
    )
    await eventually(
      async () => ((await exchange(demo, "sae-A", "sae-C")) === 200 ? true : undefined),
      "keys come again",
    )
  })
})
