// Services with every kind of protection on a running network, real node agents and all: one fibre is cut while their
// applications fetch keys.

import assert from "node:assert/strict"
import { setTimeout as pause } from "node:timers/promises"
import {
  type Answer,
  decKeys,
  type Demo,
  encKeys,
  eventually,
  fibre,
  freshDir,
  type KeyContainer,
  removeDir,
  rest,
  startDemo,
  writeTopology,
} from "../support/demo.js"
import { listen } from "../support/demo-notices.js"

interface PathView {
  nodes: string[]
  hops: { qkdlId: string }[]
}
interface ServiceView {
  serviceId: string
  state: string
  reason?: string
  grantedBps?: number
  path?: PathView
  next?: PathView
  beside?: { path?: PathView }[]
  backup?: PathView
  leaving: PathView[]
}

const GUARANTEED_BPS = 256
/** Of 256 bits. */
const MS_PER_KEY = 1000

interface Load {
  on: boolean
  exchanged: number
}

describe("services that are protected, when a fibre is cut", function () {
  this.timeout(300_000)
  let demo: Demo
  const dir = freshDir()

  before(async () => {
    const link = (a: string, b: string, lossDb = 8): object => ({ a, b, lossDb, skrBps: 4000 })
    const topology = writeTopology(dir, {
      name: "three ways",
      nodes: ["A", "B", "C", "D", "E", "F"].map((name) => ({ name })),
      links: [
        link("A", "B"),
        link("B", "D"),
        link("A", "C"),
        link("C", "D"),
        link("A", "E"),
        link("E", "D"),
        link("D", "F"),
        link("C", "F"),
      ],
    })
    demo = await startDemo({ dir, topology })
    // The first figures of a link may be of a part of a period: what is ordered is judged by smoothed ones.
    await eventually(
      async () => {
        const { body } = await rest(demo, "GET", "/network")
        const { links } = body as { links: { capacityBps?: number }[] }
        const isMeasured = links.every(({ capacityBps = 0 }) => capacityBps > 6 * GUARANTEED_BPS)
        return isMeasured || undefined
      },
      "every link is known to make enough for all services and their backups",
      60_000,
    )
  })
  after(async () => {
    await demo.stop()
    removeDir(dir)
  })

  const service = async (id: string): Promise<ServiceView> =>
    (await rest(demo, "GET", `/services/${id}`)).body as ServiceView

  async function order(a: string, b: string, terms: object): Promise<string> {
    const body = { a: `sae-${a}`, b: `sae-${b}`, minRateBps: 32, ...terms }
    const answer = await rest(demo, "POST", "/services", body)
    assert.equal(answer.status, 201, JSON.stringify(answer.body))
    return (answer.body as ServiceView).serviceId
  }

  function active(id: string): Promise<ServiceView> {
    return eventually(
      async () => {
        const now = await service(id)
        const settled = now.state === "active" && now.next === undefined && now.leaving.length === 0
        return settled ? now : undefined
      },
      `${id} is whole`,
      60_000,
    )
  }

  async function exchange(master: string, slave: string): Promise<void> {
    const enc = await encKeys(demo, `sae-${master}`, `sae-${slave}`)
    assert.equal(enc.status, 200, enc.body)
    await fetchWith(enc, master, slave)
  }

  /** When links have made enough for what they promise. */
  async function firstExchange(master: string, slave: string): Promise<void> {
    const enc = await eventually(async () => {
      const answer = await encKeys(demo, `sae-${master}`, `sae-${slave}`)
      return answer.body.includes("pool-empty") ? undefined : answer
    }, `sae-${master} has keys for sae-${slave}`)
    assert.equal(enc.status, 200, enc.body)
    await fetchWith(enc, master, slave)
  }

  async function fetchWith({ body }: Answer, master: string, slave: string): Promise<void> {
    const { keys } = JSON.parse(body) as KeyContainer
    const ids = keys.map((key) => key.key_ID)
    const dec = await decKeys(demo, `sae-${slave}`, `sae-${master}`, ids)
    assert.equal(dec.status, 200, dec.body)
    assert.deepEqual((JSON.parse(dec.body) as KeyContainer).keys, keys)
  }

  /**
   * As often as its guaranteed rate allows, an application exchanges keys until it is told to end. Asked sooner, its node
   * may keep what a link has for those it is promised to.
   */
  async function keepAsking(master: string, slave: string, load: Load): Promise<void> {
    while (load.on) {
      await pause(MS_PER_KEY)
      await exchange(master, slave)
      load.exchanged += 1
    }
  }

  const guaranteed = { minRateBps: GUARANTEED_BPS }
  const nodeNamed = (name: string): string =>
    demo.file.nodes.find((node) => node.name === name)?.qkdnId ?? assert.fail()

  it("stand on real nodes as their terms say: with a backup, on two paths, in shares", async () => {
    const { serviceId } = await active(
      await order("A", "D", { ...guaranteed, protection: "restore" }),
    )
    await eventually(async () => (await service(serviceId)).backup, "a backup is ready", 60_000)
    const twofold = await active(await order("A", "F", { ...guaranteed, protection: "1+1" }))
    assert.equal(twofold.beside?.length, 1)
    const shared = await active(await order("D", "C", { ...guaranteed, trustTolerance: 1 }))
    assert.equal(shared.beside?.length, 1)
    for (const [a, b] of [
      ["A", "D"],
      ["A", "F"],
      ["D", "C"],
    ] as const)
      await firstExchange(a, b)
  })

  it("go on giving keys through a cut, and stand on other paths after it", async () => {
    const heard = listen<ServiceView>(demo)
    await heard.ready
    const loads = ["D", "F"].map((slave) => ({ slave, on: true, exchanged: 0 }))
    const asking = Promise.all(loads.map((load) => keepAsking("A", load.slave, load)))
    const oneMoreEach = async (when: string): Promise<void> => {
      const before = loads.map(({ exchanged }) => exchanged)
      const isMore = () => loads.every(({ exchanged }, n) => exchanged > (before[n] ?? 0))
      const more = eventually(() => Promise.resolve(isMore() || undefined), `keys ${when}`, 60_000)
      await Promise.race([more, asking])
    }
    await oneMoreEach("before the cut")
    const { services, restored } = await eventually(
      async () => {
        const { body } = await rest(demo, "GET", "/network")
        const { services: all } = body as { services: ServiceView[] }
        const one = all.find(({ backup, next }) => backup !== undefined && next === undefined)
        return one === undefined ? undefined : { services: all, restored: one }
      },
      "a backup is ready",
      60_000,
    )
    const via = restored.path?.nodes[1]
    const cut = restored.path?.hops[0]?.qkdlId
    const name = demo.file.nodes.find((node) => node.qkdnId === via)?.name ?? assert.fail()
    await fibre(demo, "cut", "A", name)
    const { before, move } = await eventually(
      async () => {
        const { notices } = heard
        const down = notices.findIndex(({ type, id }) => type === "link.down" && id === cut)
        const ofIt = ({ id }: { id: string }): boolean => id === restored.serviceId
        const first = notices.slice(down).find((one) => ofIt(one) && one.type === "service.moving")
        const now = await service(restored.serviceId)
        if (down < 0 || first === undefined || now.path?.nodes.includes(via ?? "") !== false)
          return undefined
        return { before: notices.slice(0, down).filter(ofIt).at(-1)?.value, move: first }
      },
      "the service with a backup has moved",
      60_000,
    )
    // What was ready for it when the cut was learned of is what it took, whatever it had some time before.
    assert.equal(move.message, "to its backup")
    const ready = before ?? restored
    assert.notEqual(ready.backup, undefined)
    assert.deepEqual((move.value?.next ?? move.value?.path)?.nodes, ready.backup?.nodes)
    for (const one of services) {
      const now = await active(one.serviceId)
      for (const path of [now.path, ...(now.beside ?? []).map((lane) => lane.path)])
        assert.equal(path?.nodes.join(" ").includes(`${nodeNamed("A")} ${via ?? ""}`), false)
    }
    await oneMoreEach("on the paths after it")
    for (const load of loads) load.on = false
    await asking
    heard.close()
    await exchange("D", "C")
  })

  it("are granted more than their guaranteed rate while links have it, and held to that at delivery", async () => {
    /**
     * At once, or when links are known to make steadily what they make: a minute after they first did, and with the next
     * sharing.
     */
    const granted = (serviceId: string, leastBps: number): Promise<number> =>
      eventually(
        async () => {
          const { grantedBps = 0 } = await service(serviceId)
          return grantedBps >= leastBps ? grantedBps : undefined
        },
        `${leastBps} bit/s are granted`,
        120_000,
      )
    const bounded = await active(await order("E", "B", { maxRateBps: 100 }))
    assert.equal(await granted(bounded.serviceId, 100), 100)
    const elastic = await active(await order("F", "E", { maxRateBps: 1_000_000 }))
    const grantedBps = await granted(elastic.serviceId, 33)
    assert(grantedBps < 4000, `${grantedBps} bit/s of links that make 4000`)
    // Ten seconds of 100 bit/s are three keys.
    const first = await eventually(async () => {
      const answer = await encKeys(demo, "sae-E", "sae-B", { number: 3, size: 256 })
      return answer.body.includes("pool-empty") ? undefined : answer
    }, "sae-E has keys for sae-B")
    assert.equal(first.status, 200, first.body)
    const more = await encKeys(demo, "sae-E", "sae-B", { number: 3, size: 256 })
    assert.equal(more.status, 503)
    assert.match(more.body, /over-rate/)
  })

  it("are refused with the place of the fault where terms contradict each other", async () => {
    const terms = { a: "sae-A", b: "sae-E", minRateBps: 1 }
    const both = await rest(demo, "POST", "/services", {
      ...terms,
      protection: "1+1",
      trustTolerance: 1,
    })
    assert.equal(both.status, 400)
    assert.equal((both.body as { path: string }).path, "/protection")
    const odd = await rest(demo, "POST", "/services", { ...terms, requireNodes: ["B", "Nowhere"] })
    assert.equal((odd.body as { path: string }).path, "/requireNodes/1")
  })
})
