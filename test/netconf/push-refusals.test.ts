// Subscriptions to datastores that cannot be served, or no longer (RFC 8641 section 4.4, appendix A.1).

import assert from "node:assert/strict"
import type { QkdError } from "../../src/errors.js"
import { depotXml, settle } from "./fixture.js"
import {
  RUNNING,
  OPERATIONAL,
  ON_CHANGE,
  subtree,
  xpath,
  SHELVES,
  edit,
  refusal,
  SN_NS,
  YP_NS,
  establish,
  establishXml,
  heard,
  subscribedDepot,
} from "./subscribed-fixture.js"

describe("a subscription to a datastore", () => {
  it("is refused with an identity of the model and a hint of what would do", async () => {
    const depot = subscribedDepot(SHELVES)
    const { client } = await depot.connect()
    const wrong = (inside: string): Promise<QkdError> => refusal(client.rpc(establishXml(inside)))
    const fast = await wrong(`${RUNNING}<yp:periodic><yp:period>1</yp:period></yp:periodic>`)
    assert.equal(fast.tag, "invalid-value")
    assert.equal(fast.appTag, "ietf-yang-push:period-unsupported")
    assert.equal(fast.structure?.name, "establish-subscription-datastore-error-info")
    assert.deepEqual(fast.structure.leafs, { "period-hint": "10" })
    const candidate = await wrong(`<yp:datastore>ds:candidate</yp:datastore>${ON_CHANGE}`)
    assert.equal(candidate.appTag, "ietf-yang-push:datastore-not-subscribable")
    const never = await wrong(RUNNING + subtree("<attic/>") + ON_CHANGE)
    assert.equal(never.appTag, "ietf-yang-push:unchanging-selection")
    assert.equal(never.tag, "operation-failed")
    const broken = await wrong(RUNNING + xpath("/d:depot[") + ON_CHANGE)
    assert.equal(broken.appTag, "ietf-subscribed-notifications:filter-unsupported")
    assert.equal((await wrong(RUNNING)).tag, "missing-element")
    const counters = `<yp:datastore-subtree-filter><subscriptions xmlns="${SN_NS}"/></yp:datastore-subtree-filter>`
    const self = await wrong(OPERATIONAL + counters + ON_CHANGE)
    assert.equal(self.appTag, "ietf-yang-push:on-change-unsupported")
    assert.equal(self.tag, "operation-not-supported")
    assert.equal(depot.server.publisher.desk?.size, 0)
  })

  it("whose selection is too large is refused with its size, or rests until it fits", async () => {
    const depot = subscribedDepot(SHELVES, {}, { maxUpdateBytes: 2000 })
    const { client } = await depot.connect()
    const got = heard(client)
    await establish(client, `${RUNNING}<yp:periodic><yp:period>100</yp:period></yp:periodic>`)
    const many = Array.from({ length: 100 }, (_, i) => `<shelf><id>s${i}</id></shelf>`)
    await edit(client, many.join(""))
    depot.clock.pass(1000)
    await settle()
    const big = await refusal(client.rpc(establishXml(RUNNING + ON_CHANGE)))
    assert.equal(big.tag, "too-big")
    assert.equal(big.appTag, "ietf-yang-push:sync-too-big")
    assert.equal(big.structure?.leafs["kilobytes-limit"], "1")
    assert.match(got[1] ?? "", /<subscription-suspended.*update-too-big/)
    await client.editConfig("running", depotXml("<name>n</name>"), { defaultOperation: "replace" })
    depot.clock.pass(1000)
    await settle()
    assert.match(got[2] ?? "", /<subscription-resumed/)
    assert.match(got[3] ?? "", /<push-update/)
  })

  it("is of running, intended or operational, each as get-data shows it", async () => {
    const depot = subscribedDepot(SHELVES)
    const { client } = await depot.connect()
    const got = heard(client)
    for (const store of ["running", "intended", "operational"])
      await establish(client, `<yp:datastore>ds:${store}</yp:datastore>${ON_CHANGE}`)
    await settle()
    assert.deepEqual(
      got.map((xml) => [xml.includes("<name>north<"), xml.includes("<total>7<")]),
      [
        [true, false],
        [true, false],
        [true, true],
      ],
    )
  })

  it("may name a configured filter", async () => {
    const depot = subscribedDepot(SHELVES)
    const { client } = await depot.connect()
    const got = heard(client)
    await client.editConfig(
      "running",
      `<filters xmlns="${SN_NS}"><selection-filter xmlns="${YP_NS}"><filter-id>names</filter-id><datastore-subtree-filter>${depotXml("<name/>")}</datastore-subtree-filter></selection-filter></filters>`,
    )
    await establish(
      client,
      `${RUNNING}<yp:selection-filter-ref>names</yp:selection-filter-ref>${ON_CHANGE}`,
    )
    await settle()
    assert.match(got[0] ?? "", /<datastore-contents><depot [^>]*><name>north<\/name><\/depot>/)
  })

  it("goes with its session, and leaves nothing that is looked for", async () => {
    const depot = subscribedDepot(SHELVES)
    const { client } = await depot.connect()
    await establish(client, OPERATIONAL + ON_CHANGE)
    await establish(client, `${RUNNING}<yp:periodic><yp:period>100</yp:period></yp:periodic>`)
    await client.close()
    await settle()
    depot.server.publisher.stateChanged()
    assert.equal(depot.clock.pending, 0)
  })
})
