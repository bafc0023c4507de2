// Our driver at netconfd, a NETCONF server we did not write, with the ETSI module, through its device profile.

import assert from "node:assert/strict"
import etsi015 from "../../plugins/etsi015/index.js"
import { NODE_NS } from "../../plugins/etsi015/wire.js"
import { QkdError } from "../../src/errors.js"
import { nodeConfigFromData } from "../../src/model/etsi015.js"
import type { NodeConfig } from "../../src/model/node.js"
import {
  driverChecks,
  type FakeNode,
  lendDriverHost,
  type NodeConnection,
  type NodeEvent,
} from "../../src/plugin/index.js"
import { applySamples } from "../../src/plugin/samples.js"
import { dataFromXml } from "../../plugins/etsi015/wire.js"
import { Fleet } from "../../src/south/fleet.js"
import type { SouthEvent } from "../../src/core/event.js"
import { loadNodeDriver } from "../../src/plugin/load.js"
import { Netconfd, netconfdIsThere } from "../support/netconfd.js"

const ID = "6f0c1a9e-5d3b-4a52-9c39-0a4d8f6f1e01"
const { full: rich, smaller: richer, empty } = applySamples(ID)
const FILTER = `<qkd_node xmlns="${NODE_NS}"/>`
const target = {
  host: "netconfd.invalid",
  port: 830,
  username: "controller",
  privateKeyFile: "/credentials/never-to-be-logged",
  hostKeyFingerprint: "SHA256:none",
}

/** What a node without module keyloom-node can hold. */
function plain(config: NodeConfig): NodeConfig {
  const links = config.links.map((link) => {
    if (link.type === "PHYS") return link
    const { prevQkdlId: _p, nextQkdlId: _n, ...rest } = link
    return rest
  })
  return { ...config, links, peers: [] }
}
const full = plain(rich)
const smaller = plain(richer)

/** The site's own doing: netconfd cannot be told its id by the module. */
async function provision(netconfd: Netconfd): Promise<void> {
  const session = await netconfd.openSettled()
  const id = `<qkd_node xmlns="${NODE_NS}"><qkdn_id>${ID}</qkdn_id></qkd_node>`
  await session.editConfig("candidate", id)
  await session.commit()
  await session.close()
}

async function held(netconfd: Netconfd): Promise<NodeConfig> {
  const session = await netconfd.openSettled()
  const data = dataFromXml(await session.getConfig("running", FILTER))
  await session.close()
  return nodeConfigFromData(data)
}

const byId = (config: Pick<NodeConfig, "links" | "apps">): unknown => ({
  links: config.links.map((link) => link.qkdlId).sort(),
  apps: config.apps.map((app) => app.appId).sort(),
})

async function eventually(
  what: string,
  holds: () => boolean | Promise<boolean>,
  everyMs = 100,
): Promise<void> {
  for (let waitedMs = 0; waitedMs < 60_000; waitedMs += everyMs) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
  assert.fail(`not seen: ${what}`)
}

function skipUnlessThere(this: Mocha.Context): void {
  if (netconfdIsThere()) return
  console.error("      netconfd is not installed: skipped")
  this.skip()
}

describe("our driver at netconfd", function () {
  this.timeout(180_000)
  before(skipUnlessThere)

  let netconfd: Netconfd
  let connection: NodeConnection
  let endHost: () => Promise<void>
  beforeEach(async () => {
    netconfd = await Netconfd.start()
    await provision(netconfd)
    const lent = lendDriverHost({
      log: () => undefined,
      openNetconf: (signal) => netconfd.open(signal),
    })
    endHost = () => lent.close()
    connection = await etsi015.connect(target, lent.host)
  })
  afterEach(async () => {
    await endHost()
    await netconfd.close()
  })

  it("finds its device profile by the hello", async () => {
    const state = await connection.read()
    assert.equal(state.qkdnId, ID)
    assert.equal(state.driven?.profile, "netconfd")
    assert.deepEqual(byId(state), byId(empty))
  })

  it("configures links and applications, shows beforehand what it will write, and takes them away again", async () => {
    const plan = await connection.plan?.(full)
    assert.equal(plan?.edits.length, full.links.length + full.apps.length)
    await connection.apply(full)
    const state = await connection.read()
    assert.deepEqual(byId(state), byId(full))
    assert.deepEqual(state.links.map(({ type }) => type).sort(), ["PHYS", "PHYS", "VIRT"])
    assert.equal((await connection.plan?.(full))?.payload, "")
    await connection.apply(empty)
    assert.deepEqual(byId(await held(netconfd)), byId(empty))
  })

  it("commits provisionally, confirms, and has netconfd take back what nobody confirmed", async () => {
    await connection.apply(smaller)
    assert.equal(await connection.hold?.(full, 60), true)
    assert.deepEqual(byId(await held(netconfd)), byId(full))
    await connection.apply(full)
    assert.equal(await connection.hold?.(smaller, 60), true)
    assert.equal(await connection.hold?.(empty, 2), true, "one grows out of the other")
    netconfd.drop()
    await eventually(
      "the confirmed configuration",
      async () => {
        return JSON.stringify(byId(await held(netconfd))) === JSON.stringify(byId(full))
        // netconfd sees to its timers only when nobody asks it anything.
      },
      3000,
    )
  })

  it("keeps over a lost session what the next one comes for in time", async () => {
    await connection.apply(smaller)
    await connection.hold?.(full, 120)
    netconfd.drop()
    const lent = lendDriverHost({
      log: () => undefined,
      openNetconf: (signal) => netconfd.open(signal),
    })
    try {
      const next = await etsi015.connect(target, lent.host)
      assert.deepEqual(byId(await next.read()), byId(full))
      assert.match(netconfd.logText, /netconf-confirmed-commit> notification \(complete\)/)
      await next.apply(empty)
      assert.deepEqual(byId(await held(netconfd)), byId(empty))
    } finally {
      await lent.close()
    }
  })

  it("passes a refusal on with tag and path, changes nothing and leaves no lock behind", async () => {
    await connection.apply(smaller)
    const [link] = full.links
    assert(link !== undefined)
    const impossible: NodeConfig = {
      ...full,
      links: [...full.links, { ...link, qkdlId: "no-uuid" }],
    }
    await assert.rejects(connection.apply(impossible), QkdError)
    // Past the driver's own checks: what the server itself refuses.
    const session = await netconfd.openSettled()
    const bad = `<qkd_node xmlns="${NODE_NS}"><qkd_links><qkd_link><qkdl_id>no-uuid</qkdl_id></qkd_link></qkd_links></qkd_node>`
    await assert.rejects(session.editConfig("candidate", bad), (error: unknown) => {
      assert.ok(error instanceof QkdError)
      assert.equal(error.tag, "invalid-value")
      assert.match(error.path ?? "", /qkdl_id/)
      return true
    })
    await session.lock("candidate")
    await session.unlock("candidate")
    await session.close()
    assert.deepEqual(byId(await held(netconfd)), byId(smaller))
  })

  it("waits for the lock of another session, and writes when it is given back", async () => {
    const other = await netconfd.openSettled()
    await other.lock("candidate")
    const applying = connection.apply(full)
    await new Promise((resolve) => setTimeout(resolve, 300))
    assert.deepEqual(byId(await held(netconfd)), byId(empty))
    await other.unlock("candidate")
    await applying
    assert.deepEqual(byId(await held(netconfd)), byId(full))
    await other.close()
  })

  it("hears that somebody else has changed the node", async () => {
    await connection.apply(full)
    const heard = connection.events[Symbol.asyncIterator]()
    const session = await netconfd.openSettled()
    const gone = `<qkd_node xmlns="${NODE_NS}" xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0"><qkd_applications nc:operation="delete"/></qkd_node>`
    await session.editConfig("candidate", gone)
    await session.commit()
    await session.close()
    const next: IteratorResult<NodeEvent, undefined> = await heard.next()
    assert.deepEqual(next.value, { kind: "resync" })
    assert.deepEqual((await connection.read()).apps, [])
    await connection.apply(full)
    assert.deepEqual(byId(await held(netconfd)), byId(full))
  })

  it("reads with defaults, by XPath and by subtree alike", async () => {
    await connection.apply(full)
    const session = await netconfd.openSettled()
    const bySubtree = await session.getConfig("running", FILTER)
    // netconfd finds no module behind a prefix that is declared on the filter, and takes names without one.
    const byXPath = await session.getConfig("running", undefined, {
      xpath: { select: "/qkd_node", namespaces: {} },
    })
    assert.deepEqual(dataFromXml(byXPath), dataFromXml(bySubtree))
    const all = await session.getConfig("running", FILTER, { withDefaults: "report-all" })
    assert.match(JSON.stringify(dataFromXml(all)), /qkdn_location_id/)
    const trimmed = await session.getConfig("running", FILTER, { withDefaults: "trim" })
    assert.doesNotMatch(JSON.stringify(dataFromXml(trimmed)), /qkdn_location_id/)
    await session.close()
  })
})

describe("netconfd in the fleet", function () {
  this.timeout(180_000)
  before(skipUnlessThere)

  it("is found again after it was killed and started anew, and made what it should be", async () => {
    const netconfd = await Netconfd.start()
    await provision(netconfd)
    const events: SouthEvent[] = []
    const seen = (kind: SouthEvent["kind"]): number =>
      events.filter((event) => event.kind === kind).length
    const fleet = new Fleet({
      submit: (event) => {
        events.push(event)
        return Promise.resolve()
      },
      loadDriver: (name) => loadNodeDriver(name),
      lend: (_id, _target, signal) =>
        lendDriverHost({
          signal,
          log: () => undefined,
          openNetconf: (ends) => netconfd.open(ends),
        }),
      log: () => undefined,
      timings: { backoffFirstMs: 50, backoffMaxMs: 500, callMs: 5000, connectMs: 5000 },
    })
    try {
      fleet.manage(ID, "etsi015:netconfd", target)
      await eventually("the first connection", () => seen("node-connected") === 1)
      fleet.sync(ID, full, 1)
      await eventually("the first configuration", () => seen("node-synced") === 1)
      await netconfd.kill()
      await eventually("the loss", () => seen("node-lost") >= 1)
      await netconfd.start()
      await eventually("the second connection", () => seen("node-connected") === 2)
      const again = events.findLast((event) => event.kind === "node-connected")
      assert(again?.kind === "node-connected")
      assert.deepEqual(byId(again.state), byId(full), "what was committed survived")
      fleet.sync(ID, smaller, 2)
      await eventually("the second configuration", () => seen("node-synced") === 2)
      assert.deepEqual(byId(await held(netconfd)), byId(smaller))
    } finally {
      await fleet.close()
      await netconfd.close()
    }
  })
})

/** netconfd does not misbehave on request: of the suite, the checks that need no misbehaviour. */
const FITTING = [
  /^makes the node what was applied/,
  /^changes nothing when the same/,
  /^removes what is no longer wanted/,
  /^ends as the last one asked/,
  /^says node-unreachable when/,
  /^ends at once when its host/,
  /^logs nothing of its credentials/,
  /^shows what it would write/,
  /^holds a change provisionally/,
  /^leaves nothing of a provisional change/,
]

describe("the driver suite at netconfd", function () {
  this.timeout(180_000)
  before(skipUnlessThere)

  const make = async (): Promise<FakeNode> => {
    const netconfd = await Netconfd.start()
    await provision(netconfd)
    const cannot = (): never => {
      throw new Error("netconfd does not do this on request")
    }
    return {
      target,
      open: (signal) => netconfd.open(signal),
      config: () => held(netconfd),
      changes: () => netconfd.logText.split("on running database").length,
      emit: cannot,
      refuseNext: cannot,
      refusals: () => [],
      garble: cannot,
      hush: () => undefined,
      drop: () => {
        netconfd.drop()
      },
      close: () => netconfd.close(),
    }
  }
  const checks = driverChecks(etsi015, make, { keyloom: false })
  for (const wanted of FITTING) {
    const check = checks.find(({ name }) => wanted.test(name))
    it(check?.name ?? String(wanted), async () => {
      assert(check !== undefined, "the suite has no such check")
      await check.run()
    })
  }
})
