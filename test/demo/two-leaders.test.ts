// A controller that stood still while another one took its network over, and wakes with work in hand (THREATS C3): real processes,
// real node agents. Nothing of what it still wants comes true, it ends and says why, and it does not come back by itself.

import assert from "node:assert/strict"
import { randomInt } from "node:crypto"
import { readFileSync } from "node:fs"
import path from "node:path"
import {
  type Demo,
  eventually,
  freshDir,
  removeDir,
  rest,
  ringOfFour,
  startDemo,
} from "../support/demo.js"
import { exchangeKey } from "../support/hostile-bystander.js"
import { NODE_NS, RawNetconf } from "../support/hostile-netconf.js"
import {
  type ControllerProcess,
  controllerOf,
  copyStore,
  secondConfig,
  startController,
} from "../support/second-controller.js"

interface ServiceView {
  readonly a: { readonly saeId: string }
  readonly b: { readonly saeId: string }
  readonly serviceId: string
  readonly state: string
  readonly path?: { readonly nodes: readonly string[] }
}

const MINUTE = 60_000

async function services(demo: Demo): Promise<readonly ServiceView[]> {
  return ((await rest(demo, "GET", "/services")).body as { items: ServiceView[] }).items
}

/**
 * Waits until every service stands at both its ends and nowhere else, or has failed and stands nowhere.
 *
 * @returns the ids of those that stand
 */
async function whole(demo: Demo, atLeast: number): Promise<readonly string[]> {
  let seen = ""
  const look = async (): Promise<readonly string[] | undefined> => {
    const all = await services(demo)
    const nodes = await nodesOf(demo)
    const active = all.filter(({ state }) => state === "active").map(({ serviceId }) => serviceId)
    const entries = nodes.flatMap(({ config }) =>
      [...config.matchAll(/<app_id>([^<]*)/g)].flatMap(([, id]) => id ?? []),
    )
    seen = JSON.stringify({ all, entries })
    const isSettled = all.every(({ state }) => state === "active" || state === "failed")
    const wanted = [...active, ...active].sort()
    if (!isSettled || active.length < atLeast || wanted.join() !== entries.sort().join())
      return undefined
    return active.sort()
  }
  return eventually(look, "every service is whole", MINUTE).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${seen}`)
  })
}

/** @returns the status of the answer */
async function order(demo: Demo, a: string, b: string): Promise<number> {
  return (await rest(demo, "POST", "/services", { a, b, minRateBps: 1000 })).status
}

/** What the nodes are configured to do, and who leads them. Shares of what links have left come and go: they are left out. */
async function nodesOf(demo: Demo): Promise<readonly { config: string; leader: string }[]> {
  const all = []
  for (const { netconf } of demo.file.nodes) {
    const session = await RawNetconf.open(netconf)
    try {
      const running = await session.ask("<get-config><source><running/></source></get-config>")
      const state = await session.ask(
        `<get><filter><qkd_node xmlns="${NODE_NS}"><leader xmlns="urn:keyloom:yang:keyloom-node"/></qkd_node></filter></get>`,
      )
      all.push({
        config: running.replace(/^.*?<qkd_node/s, "").replace(/<max_bandwidth>\d+/g, ""),
        leader: /<term>\d+<.*<leader_id>[^<]*/s.exec(state)?.[0] ?? "",
      })
    } finally {
      session.close()
    }
  }
  return all
}

async function leadersOf(demo: Demo): Promise<readonly string[]> {
  return (await nodesOf(demo)).map(({ leader }) => leader)
}

/** Waits until every node is led in this term. */
function ledIn(demo: Demo, term: number): Promise<readonly string[]> {
  return eventually(
    async () => {
      const leaders = await leadersOf(demo)
      return leaders.every((each) => each.includes(`<term>${term}<`)) ? leaders : undefined
    },
    `every node is led in term ${term}`,
    MINUTE,
  )
}

/** Sessions that controllers have at the nodes. */
async function controllerSessions(demo: Demo): Promise<number> {
  let count = 0
  for (const { netconf } of demo.file.nodes) {
    const session = await RawNetconf.open(netconf)
    const state = await session.ask(
      '<get><filter><netconf-state xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"><sessions/></netconf-state></filter></get>',
    )
    session.close()
    count += state.match(/<username>controller</g)?.length ?? 0
  }
  return count
}

/** Others may have come: what had failed is tried again. */
async function stillStand(demo: Demo, ids: readonly string[]): Promise<void> {
  const now = await whole(demo, ids.length)
  for (const id of ids) assert.ok(now.includes(id), `${id} of ${now.join()}`)
}

async function pairs(demo: Demo): Promise<readonly string[]> {
  return (await services(demo)).map(({ a, b }) => [a.saeId, b.saeId].sort().join(" "))
}

/** With the controller of `demo`, which may have just begun and still be on its way to the nodes. */
async function keysGoOn(demo: Demo): Promise<void> {
  await eventually(
    async () => {
      const { items } = (await rest(demo, "GET", "/nodes")).body as { items: { reach: string }[] }
      return items.every(({ reach }) => reach === "connected") ? true : undefined
    },
    "it has its nodes",
    MINUTE,
  )
  const exchange = (): Promise<true | undefined> =>
    exchangeKey(demo, "sae-B", "sae-D").then(
      () => true as const,
      () => undefined,
    )
  await eventually(exchange, "keys go on", 2 * MINUTE)
}

describe("a network whose controller stood still while another one took over", function () {
  this.timeout(300_000)
  const dir = freshDir()
  let demo: Demo
  const started: ControllerProcess[] = []
  let latest: ControllerProcess | undefined
  const leader = (): ControllerProcess => latest ?? assert.fail("nobody leads")
  const log = (): string => readFileSync(path.join(dir, "logs", "controller.log"), "utf8")
  const start = async (store: string, changes: object = {}): Promise<ControllerProcess> => {
    const one = await startController(demo, await secondConfig(demo, store, changes))
    started.push(one)
    if (one.isUp()) latest = one
    return one
  }

  before(async () => {
    const topology = ringOfFour(dir, { lengthKm: 5, skrBps: 20_000 })
    demo = await startDemo({ dir, topology })
    for (const far of ["sae-B", "sae-C"]) assert.equal(await order(demo, "sae-A", far), 201)
    await whole(demo, 2)
  })
  after(async () => {
    for (const one of started) one.kill("SIGKILL")
    await demo.stop()
    removeDir(dir)
  })

  it("C3: is led by the new one; the old one changes nothing when it wakes, tells why it ends, and stays away", async () => {
    const [first] = await whole(demo, 2)
    const sessions = await controllerSessions(demo)
    const old = controllerOf(demo)
    // In the middle of an order, wherever that is; others lie in its socket.
    const inHand = order(demo, "sae-B", "sae-D")
    await new Promise((done) => setTimeout(done, randomInt(40)))
    process.kill(old, "SIGSTOP")
    const late = [
      inHand,
      order(demo, "sae-C", "sae-D"),
      rest(demo, "DELETE", `/services/${first ?? assert.fail()}`),
    ].map((answer) => answer.then(() => undefined, String))

    const next = await start(copyStore(demo, "copied"))
    await whole(next.demo, 2)
    assert.equal(await order(next.demo, "sae-B", "sae-C"), 201)
    const ids = await whole(next.demo, 3)
    const leaders = await ledIn(demo, 2)
    await eventually(
      async () => ((await controllerSessions(demo)) === sessions ? true : undefined),
      "the old one's sessions are ended",
      MINUTE,
    )

    process.kill(old, "SIGCONT")
    await Promise.all(late)
    await eventually(
      () => Promise.resolve(/it is not started again/.test(log()) ? true : undefined),
      "the demo leaves it",
      MINUTE,
    )
    assert.match(
      log(),
      /keyloom: another controller leads: term 1 of controller \S+ is over: \S+ leads this node in term 2\n/,
    )
    await stillStand(next.demo, ids)
    assert.ok(!(await pairs(next.demo)).includes("sae-C sae-D"), "what the old one still took on")
    assert.deepEqual(await leadersOf(demo), leaders)
    await keysGoOn(next.demo)
  })

  it("C3: is not taken back by the old one, unless its operator says so", async () => {
    const leaders = await leadersOf(demo)
    for (let tried = 0; tried < 3; tried += 1) {
      const again = await start(path.join(dir, "controller", "store"))
      assert.equal(await again.ended, 3, again.said())
      assert.match(again.said(), /leads the nodes in term 2, .* min_term above 2\n/)
    }
    assert.deepEqual(await leadersOf(demo), leaders)
    const before = leader()
    const back = await start(path.join(dir, "controller", "store"), { min_term: 3 })
    assert.equal(await before.ended, 3, before.said())
    // What it took on or let go between waking and hearing is its own.
    await whole(back.demo, 1)
    await ledIn(demo, 3)
  })

  it("C3: is led by one that was started over the same store, and started again there", async () => {
    const old = leader()
    const store = path.join(dir, "controller", "store")
    const starting = start(store)
    // One that is stopped in the middle of writing the store would keep the other out: it is given a moment to end that.
    old.kill("SIGSTOP")
    const prodding = setInterval(() => {
      old.kill("SIGCONT")
      setTimeout(() => {
        old.kill("SIGSTOP")
      }, 20)
    }, 10_000)
    const next = await starting
    clearInterval(prodding)
    const ids = await whole(next.demo, 1)
    const late = order(old.demo, "sae-A", "sae-D")
    old.kill("SIGCONT")
    assert.notEqual(await late.catch(String), 201)
    assert.equal(await old.ended, 3, old.said())
    assert.match(old.said(), /keyloom: .*another controller leads/)
    await stillStand(next.demo, ids)
    assert.ok(!(await pairs(next.demo)).includes("sae-A sae-D"))
    next.kill("SIGTERM")
    assert.equal(await next.ended, 0, next.said())
    const again = await start(store)
    await stillStand(again.demo, ids)
    await keysGoOn(again.demo)
  })
})
