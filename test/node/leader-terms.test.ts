// A node obeys the controller that leads it now, and none that led it once (THREATS C3): commands of an older term are
// refused however they come, over NETCONF with the same login, over the driver, and after a restart of the node.

import assert from "node:assert/strict"
import { randomInt } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import etsi015 from "../../plugins/etsi015/index.js"
import { QkdError } from "../../src/errors.js"
import { nodeConfigToData } from "../../src/model/etsi015.js"
import type { NetconfClientSession } from "../../src/netconf/client.js"
import { memoryConfigStore } from "../../src/node/config-store.js"
import { type Leader, LeaderTerms } from "../../src/node/leader-terms.js"
import { lendDriverHost } from "../../src/plugin/driver-host.js"
import { encodeXml } from "../../src/yang/xml.js"
import { Dice } from "../core/dice.js"
import { isQkdError } from "../errors-helper.js"
import { nodeConfig, physLink, TO_EAST, TO_WEST, EAST, WEST } from "./agent-fixtures.js"
import { AgentSite, readState, schema } from "./agent-site.js"

const stale = isQkdError("access-denied", "stale-leader")
const NS = "urn:keyloom:yang:keyloom-node"
const SEED = randomInt(2 ** 31)

const say = (session: NetconfClientSession, { term, leaderId }: Leader) =>
  session.rpc(`<lead xmlns="${NS}"><term>${term}</term><leader_id>${leaderId}</leader_id></lead>`)
const west = encodeXml(
  schema(),
  nodeConfigToData(nodeConfig({ links: [physLink(TO_WEST, 1, WEST)] })),
)
const east = encodeXml(
  schema(),
  nodeConfigToData(nodeConfig({ links: [physLink(TO_EAST, 2, EAST)] })),
)

describe("a node whose controller was replaced", function () {
  this.timeout(180_000)
  let site: AgentSite
  const sites: AgentSite[] = []
  const folder = mkdtempSync(path.join(tmpdir(), "keyloom-leader-"))
  const file = path.join(folder, "state", "leader.json")
  beforeEach(async () => {
    rmSync(path.dirname(file), { recursive: true, force: true })
    await open()
  })
  afterEach(() => Promise.all(sites.splice(0).map((one) => one.close())))
  after(() => {
    rmSync(folder, { recursive: true })
  })

  async function open(forget = false): Promise<void> {
    site = await AgentSite.open({ leaders: await LeaderTerms.open(file, forget) })
    sites.push(site)
  }

  const links = async (): Promise<string[]> =>
    (await readState(await site.client("observer"))).links.map(({ qkdlId }) => qkdlId)

  it("C3: refuses what an old leader still asks, ends its sessions, and frees what it had locked", async () => {
    const old = await site.client()
    await say(old, { term: 4, leaderId: "old" })
    await old.editConfig("running", west)
    await old.lock("running")
    const late = await site.client()
    await say(late, { term: 4, leaderId: "old" })

    const next = await site.client()
    await say(next, { term: 5, leaderId: "new" })
    for (const session of [old, late]) {
      await session.closedReason
      await assert.rejects(session.editConfig("running", east))
    }
    await next.editConfig("running", east)
    assert.deepEqual((await links()).sort(), [TO_EAST, TO_WEST].sort())

    const again = await site.client()
    await assert.rejects(say(again, { term: 4, leaderId: "old" }), (error: unknown) => {
      assert.ok(stale(error) && error instanceof QkdError)
      assert.match(error.message, /term 4 of controller old is over: new leads this node in term 5/)
      assert.equal(error.info?.["term"], "5")
      return true
    })
    // It does not help to say nothing.
    for (const ask of [
      () => again.editConfig("running", west),
      () => again.lock("running"),
      () => again.lock("candidate"),
      () => again.commit(),
      () => again.cancelCommit({ persistId: "x" }),
      () => again.discardChanges(),
      () =>
        again.rpc(
          `<refuse-application xmlns="${NS}"><server_app_id>a</server_app_id><client_app_id>b</client_app_id><app_tag>closed</app_tag></refuse-application>`,
        ),
    ])
      await assert.rejects(ask(), stale)
    assert.match(JSON.stringify(await again.get()), /leader_id/, "it may look, and see who leads")
  })

  it("C3: remembers the term over a restart, durably before it says yes", async () => {
    await say(await site.client(), { term: 7, leaderId: "one" })
    assert.deepEqual(JSON.parse(readFileSync(file, "utf8")), { term: 7, leaderId: "one" })
    await open()
    await assert.rejects((await site.client()).editConfig("running", west), stale)
    await assert.rejects(say(await site.client(), { term: 6, leaderId: "one" }), stale)
    await assert.rejects(say(await site.client(), { term: 7, leaderId: "two" }), stale)
    const leader = await site.client()
    await say(leader, { term: 7, leaderId: "one" })
    await leader.editConfig("running", west)
    writeFileSync(file, '{"term":"7"}')
    await assert.rejects(open(), isQkdError("invalid-value"))
    await open(true)
    await say(await site.client(), { term: 1, leaderId: "three" })
  })

  it("C3: takes back nothing of a term when it cannot remember it, and says no", async () => {
    let isFull = true
    const kept: Leader[] = []
    const terms = new LeaderTerms({ term: 1, leaderId: "a" }, (leader) => {
      if (isFull) return Promise.reject(new QkdError("operation-failed", "the disk is full"))
      kept.push(leader)
      return Promise.resolve()
    })
    await terms.claim(1, { term: 1, leaderId: "a" })
    await assert.rejects(terms.claim(2, { term: 2, leaderId: "b" }), isQkdError("operation-failed"))
    assert.throws(() => {
      terms.check(1, true)
    }, stale)
    isFull = false
    await terms.claim(2, { term: 2, leaderId: "b" })
    assert.deepEqual(kept, [{ term: 2, leaderId: "b" }])
  })

  it("is configured by people and by controllers without terms as before", async () => {
    const plain = await site.client()
    await plain.editConfig("running", west)
    await say(await site.client(), { term: 1, leaderId: "one" })
    await assert.rejects(plain.editConfig("running", east), stale)
    const person = await site.client("operator")
    await person.editConfig("running", east)
    assert.equal((await links()).length, 2)
  })

  it("lets controllers say their term where rules of access are from before there were any", async () => {
    const store = memoryConfigStore()
    const first = await AgentSite.open({ store })
    sites.push(first)
    const admin = await first.client("admin")
    await admin.editConfig(
      "running",
      `<nacm xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-acm" xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0"><rule-list><name>controller</name><rule nc:operation="delete"><name>keyloom-node lead</name></rule></rule-list></nacm>`,
    )
    await assert.rejects(
      say(await first.client(), { term: 1, leaderId: "one" }),
      isQkdError("access-denied"),
    )
    const second = await AgentSite.open({ store })
    sites.push(second)
    await say(await second.client(), { term: 1, leaderId: "one" })
  })

  it(`C3: ends as the latest leader wants, whoever is late with what (seed ${SEED})`, async () => {
    const dice = new Dice(SEED)
    const sessions: { session: NetconfClientSession; term: number }[] = []
    let highest = 0
    for (let step = 0; step < 40; step += 1) {
      if (sessions.length === 0 || dice.below(3) === 0) {
        // A node lets a user have 16 sessions at once.
        if (sessions.length > 8) await sessions.shift()?.session.close()
        const session = await site.client()
        const term = 1 + dice.below(12)
        const isLatest = term >= highest
        const said = await say(session, { term, leaderId: `of ${term}` }).then(
          () => true,
          () => false,
        )
        assert.equal(said, isLatest, `term ${term} after ${highest}`)
        if (said) highest = term
        sessions.push({ session, term: said ? term : 0 })
        continue
      }
      const { session, term } = dice.of(sessions)
      const done = await session.editConfig("running", dice.below(2) === 0 ? west : east).then(
        () => true,
        () => false,
      )
      assert.equal(done, term === highest, `an edit of term ${term} after ${highest}`)
    }
  })

  it("C3: is driven by the controller of the latest term, and the old one hears why", async () => {
    const connect = async (term: number) => {
      const lent = lendDriverHost({
        log: () => undefined,
        openNetconf: () => site.client(),
        leader: { term, leaderId: `controller ${term}` },
      })
      const target = {
        ...{ host: "", port: 0, username: "", privateKeyFile: "", hostKeyFingerprint: "" },
      }
      return etsi015.connect(target, lent.host)
    }
    const old = await connect(1)
    const config = nodeConfig({ links: [physLink(TO_WEST, 1, WEST)] })
    await old.apply(config)
    const next = await connect(2)
    await assert.rejects(old.apply(nodeConfig({})), QkdError)
    await assert.rejects(connect(1), stale)
    await next.apply(config)
    assert.deepEqual(await links(), [TO_WEST])
    await Promise.all([old.close(), next.close()])
  })
})
