// Reading over REST: every answer has the shape its document says, lists page rightly, nothing secret shows.

import assert from "node:assert/strict"
import fc from "fast-check"
import { type Collection, page } from "../../src/north/lists.js"
import { operations } from "../../src/north/operations.js"
import { hasShape } from "../../src/north/validate.js"
import { FakeController, testUuid } from "./fake-controller.js"
import { closeAll, house, type House } from "./harness.js"
import { ring } from "./topologies.js"

async function busyHouse(): Promise<House> {
  const controller = new FakeController(ring(6))
  await controller.order({
    serviceId: testUuid(9, 1),
    aSaeId: "sae-site-1",
    bSaeId: "sae-site-4",
    terms: { minRateBps: 256, priority: 1, avoidNodes: [] },
  })
  controller.settle()
  controller.orderBulk({
    kind: "bulk-ordered",
    orderId: "bulk-1",
    fromSaeId: "sae-site-1",
    toSaeId: "sae-site-2",
    volumeBits: 2560,
    keySizeBits: 256,
    deadlineMs: Date.parse("2026-03-03T09:00:00Z"),
    terms: { priority: 0, avoidNodes: [] },
    bestEffort: false,
  })
  controller.maintenance.set("m-1", {
    maintenanceId: "m-1",
    qkdlId: "l3",
    begin: "2026-03-03T01:00:00.000Z",
    end: "2026-03-03T05:00:00.000Z",
    reason: "splice",
    by: "ops",
    state: "planned",
    staying: [],
    createdAt: "2026-03-02T09:00:00.000Z",
  })
  controller.setLink("l3", false)
  controller.setReach("Site 5", "unreachable")
  controller.tick()
  return house({ controller })
}

function itemsOf(json: Record<string, unknown>): Record<string, unknown>[] {
  const items: unknown = json.items
  assert.ok(Array.isArray(items))
  return items.map((item: unknown) => {
    assert.ok(item !== null && typeof item === "object")
    return { ...item }
  })
}

describe("reading over REST", () => {
  afterEach(closeAll)

  it("answers every described operation with the shape described", async () => {
    const here = await busyHouse()
    const { nodes, links, services, orders, maintenance } = here.controller.network()
    const ids: Record<string, string> = {
      qkdnId: [...nodes.keys()][0] ?? "",
      qkdlId: [...links.keys()][0] ?? "",
      serviceId: [...services.keys()][0] ?? "",
      orderId: [...orders.keys()][0] ?? "",
      maintenanceId: [...maintenance.keys()][0] ?? "",
    }
    let seen = 0
    for (const { id, operation } of operations()) {
      if (operation.method !== "get") continue
      const path = operation.path.replace(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? "")
      const answer = await here.call(`/api/v1${path}`)
      assert.equal(answer.status, 200, id)
      assert.match(answer.headers.get("content-type") ?? "", /^application\/json/)
      assert.equal(answer.headers.get("cache-control"), "no-store")
      const shape = operation.answers[200]?.shape
      if (shape !== undefined) assert.ok(hasShape(shape, answer.json), `${id}: ${answer.text}`)
      seen += 1
    }
    assert.equal(seen, 17)
    for (const [path, shape] of [
      ["nodes", "Node"],
      ["links", "Link"],
      ["services", "Service"],
      ["bulk-orders", "BulkOrder"],
      ["maintenance", "Maintenance"],
      ["apps", "App"],
    ]) {
      for (const item of itemsOf((await here.call(`/api/v1/${path}`)).json)) {
        assert.ok(hasShape(shape ?? "", item), JSON.stringify(item))
      }
    }
  })

  it("shows no way into a node anywhere", async () => {
    const here = await busyHouse()
    here.controller.say("note", "x", { target: { privateKeyFile: "/secret/path/x" }, kept: 1 })
    for (const path of ["network", "nodes", "events", "events?since=0"]) {
      const { text } = await here.call(`/api/v1/${path}`)
      for (const word of ["privateKeyFile", "/secret/path", "username", "hostKeyFingerprint"]) {
        assert.ok(!text.includes(word), `${path} tells ${word}`)
      }
    }
    const { text } = await here.call("/api/v1/events")
    assert.ok(text.includes('"kept":1'))
  })

  it("pages, filters, sorts and picks fields", async () => {
    const { call } = await busyHouse()
    const first = await call("/api/v1/links?limit=3&sort=-name&fields=name,status")
    const second = await call(new URL(linkOf(first.headers), "http://x").href.slice(8))
    const names = [first, second].flatMap(({ json }) => itemsOf(json).map((item) => item.name))
    assert.deepEqual(names, ["l6", "l5", "l4", "l3", "l2", "l1b"])
    assert.deepEqual(Object.keys(itemsOf(first.json)[0] ?? {}).sort(), ["name", "status"])
    const down = await call("/api/v1/links?filter=status:PASSIVE")
    assert.deepEqual(
      itemsOf(down.json).map((item) => item.name),
      ["l3"],
    )
    assert.equal(down.json.next, undefined)
  })

  function linkOf(headers: Headers): string {
    return /^<([^>]+)>; rel="next"$/.exec(headers.get("link") ?? "")?.[1] ?? ""
  }

  it("names what it does not understand in a query", async () => {
    const { call } = await busyHouse()
    const faults: [string, string, string][] = [
      ["links?colour=red", "unknown-attribute", "?colour"],
      ["network?limit=1", "unknown-attribute", "?limit"],
      ["links?limit=0", "bad-attribute", "?limit"],
      ["links?limit=1001", "bad-attribute", "?limit"],
      ["links?limit=1&limit=2", "bad-attribute", "?limit"],
      ["links?sort=colour", "invalid-value", "?sort"],
      ["links?sort=__proto__", "invalid-value", "?sort"],
      ["links?filter=status", "invalid-value", "?filter"],
      ["links?filter=colour:red", "invalid-value", "?filter"],
      ["links?fields=name,colour", "invalid-value", "?fields"],
      ["links?cursor=zzz", "invalid-value", "?cursor"],
      ["events?since=-1", "bad-attribute", "?since"],
      ["events?since=1e3", "bad-attribute", "?since"],
    ]
    for (const [path, tag, at] of faults) {
      const { status, json } = await call(`/api/v1/${path}`)
      assert.deepEqual([status, json.tag, json.path], [400, tag, at], path)
    }
  })

  it("gives each item once over any page size, whatever the sort", () => {
    const collection: Collection<{ id: string; group: number }> = {
      id: (item) => item.id,
      columns: { group: (item) => (item.group === 0 ? undefined : item.group) },
      members: ["id", "group"],
    }
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.record({ id: fc.string(), group: fc.integer({ min: 0, max: 3 }) }), {
          selector: (item) => item.id,
          maxLength: 40,
        }),
        fc.integer({ min: 1, max: 7 }),
        fc.constantFrom(undefined, "group", "-group"),
        (items, limit, sort) => {
          const got: unknown[] = []
          let cursor: string | undefined
          do {
            const part = page(collection, items, {
              limit: String(limit),
              ...(sort === undefined ? {} : { sort }),
              ...(cursor === undefined ? {} : { cursor }),
            })
            got.push(...part.items)
            cursor = part.next
          } while (cursor !== undefined)
          assert.equal(got.length, items.length)
          assert.equal(new Set(got).size, items.length)
        },
      ),
    )
  })

  it("answers 304 to the ETag of an unchanged link and 200 once it changed", async () => {
    const { call, controller } = await busyHouse()
    const path = `/api/v1/links/${controller.link("l1").qkdlId}`
    const etag = (await call(path)).headers.get("etag") ?? ""
    const headers = { "If-None-Match": etag }
    assert.equal((await call(path, { headers })).status, 304)
    controller.setLink("l1", false)
    assert.equal((await call(path, { headers })).status, 200)
  })

  it("says 404, 405 and 501 in problem documents", async () => {
    const { call } = await busyHouse()
    const missing = await call("/api/v1/links/none")
    assert.deepEqual([missing.status, missing.json.tag], [404, "invalid-value"])
    assert.match(missing.headers.get("content-type") ?? "", /^application\/problem\+json/)
    assert.ok(hasShape("Problem", missing.json))
    assert.equal((await call("/api/v1/nothing")).status, 404)
    assert.equal((await call("/nothing")).status, 404)
    const wrong = await call("/api/v1/links", { method: "DELETE" })
    assert.equal(wrong.status, 405)
    assert.equal(wrong.headers.get("allow"), "GET, HEAD")
    assert.equal((await call("/api/v1/links/%zz")).status, 400)
  })

  it("gives the journal after a number, and says when it no longer can", async () => {
    const { call, controller } = await busyHouse()
    const last = controller.lastSeq()
    const all = itemsOf((await call("/api/v1/events?since=0")).json)
    assert.deepEqual(
      all.map((notice) => notice.seq),
      Array.from({ length: last }, (_, i) => i + 1),
    )
    const two = itemsOf((await call("/api/v1/events?limit=2")).json)
    assert.deepEqual(
      two.map((notice) => notice.seq),
      [last - 1, last],
    )
    const calm = itemsOf((await call("/api/v1/events?without=link.performance,x")).json)
    assert.equal(calm.length, all.filter((notice) => notice.type !== "link.performance").length)
    assert.ok(calm.length > 0 && calm.length < all.length)
    const other = await call("/api/v1/events?since=1&epoch=gone")
    assert.deepEqual(
      [other.status, other.json.tag, other.json.path],
      [409, "data-missing", "?epoch"],
    )
    controller.journalLimit = 3
    controller.tick()
    const old = await call("/api/v1/events?since=1")
    assert.deepEqual([old.status, old.json.tag, old.json.path], [409, "data-missing", "?since"])
    assert.ok(itemsOf((await call("/api/v1/events?limit=50")).json).length <= 3)
  })

  it("sends the headers that keep a browser safe and does not say what it runs on", async () => {
    const { call } = await busyHouse()
    const { headers } = await call("/")
    const policy = headers.get("content-security-policy") ?? ""
    assert.match(policy, /default-src 'none'/)
    assert.ok(!policy.includes("unsafe"))
    assert.match(policy, /frame-ancestors 'none'/)
    assert.equal(headers.get("x-powered-by"), null)
    assert.equal(headers.get("x-content-type-options"), "nosniff")
    assert.equal(headers.get("referrer-policy"), "no-referrer")
  })
})
