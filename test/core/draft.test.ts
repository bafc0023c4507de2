import assert from "node:assert/strict"
import fc from "fast-check"
import { Draft } from "../../src/core/draft.js"
import { groups } from "../../src/core/memberships.js"
import { findPath } from "../../src/core/path.js"
import { DEFAULT_SETTINGS } from "../../src/core/settings.js"
import { Picture } from "../../src/core/view.js"
import { Lab } from "./lab.js"

describe("a draft over the network", () => {
  const ring = (): Lab => new Lab({ links: ["a-b", "b-c", "c-d", "d-a"] })

  it("shows its own changes and leaves the network as it was", () => {
    const { picture } = ring()
    const draft = new Draft(picture)
    const link = picture.link("a-b")
    assert(link !== undefined)
    draft.putLink({ ...link, status: "OFF" })
    draft.removeNode("d")
    assert.equal(draft.link("a-b")?.status, "OFF")
    assert.equal(draft.node("d"), undefined)
    assert.deepEqual([...draft.nodeIds()], ["a", "b", "c"])
    assert.equal(picture.link("a-b")?.status, "ACTIVE")
    assert.notEqual(picture.node("d"), undefined)
  })

  it("holds as changes exactly what differs, each entry once", () => {
    const { picture } = ring()
    const draft = new Draft(picture)
    const node = picture.node("a")
    const link = picture.link("b-c")
    assert(node !== undefined && link !== undefined)
    draft.putLink({ ...link, status: "OFF" })
    draft.putNode({ ...node, name: "Alpha" })
    draft.putLink(link)
    draft.putNode({ ...node, name: "Beta" })
    const changes = draft.changes()
    assert.deepEqual(
      changes.map((change) => `${change.kind} ${change.id}`),
      ["node a"],
    )
  })

  it("forgets its mark on path searches when it is dropped", () => {
    const { picture } = ring()
    const draft = new Draft(picture)
    const link = picture.link("a-b")
    assert(link !== undefined)
    const hops = (view: Picture | Draft): number | undefined => {
      view.graph.refresh(view, DEFAULT_SETTINGS)
      return findPath(view.graph, { from: "a", to: "b", rateBps: 0 })?.hops.length
    }
    assert.equal(hops(picture), 1)
    draft.putLink({ ...link, status: "OFF" })
    assert.equal(hops(draft), 3)
    draft.drop()
    assert.equal(hops(picture), 1)
    const without = new Draft(picture)
    without.removeLink("a-b")
    assert.equal(hops(without), 3)
    without.drop()
    assert.equal(hops(picture), 1)
  })

  it("answers like the network that its changes are applied to, also when laid on another draft", () => {
    const pairs = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 })))
    fc.assert(
      fc.property(pairs, pairs, (first, second) => {
        const names = ["a", "b", "c", "d"]
        const lab = ring()
        for (const [x, y] of first) lab.order(names[x] ?? "", names[y] ?? "", { minRateBps: 10 })
        const under = new Draft(lab.picture)
        const over = new Draft(under, under.revision)
        for (const [x, y] of second) {
          const service = lab.service(names[x] ?? "", names[y] ?? "")
          if (service === undefined) continue
          if (x < y) over.removeService(service.serviceId)
          else if (service.next !== undefined) {
            over.putService({ ...service, next: { ...service.next, rateBps: 25 } })
          }
        }
        const links = ["a-b", "b-c", "c-d", "d-a"]
        const asLaid = links.map((link) => over.reservedBps(link))
        for (const change of over.changes()) under.write(change)
        const applied = new Picture(0)
        applied.apply(everything(lab.picture), 1)
        applied.apply(under.changes(), 2)
        for (const [n, link] of links.entries()) {
          assert.equal(under.reservedBps(link), applied.reservedBps(link))
          assert.equal(asLaid[n], applied.reservedBps(link))
          const group = groups.servicesOn(link)
          assert.deepEqual([...under.members(group)].sort(), [...applied.members(group)].sort())
        }
        under.drop()
      }),
      { numRuns: 200 },
    )
  })
})

function everything(picture: Picture): ReturnType<Draft["changes"]> {
  const { nodes, links, services } = picture.snapshot()
  return [
    ...[...nodes].map(([id, value]) => ({ kind: "node" as const, id, value })),
    ...[...links].map(([id, value]) => ({ kind: "link" as const, id, value })),
    ...[...services].map(([id, value]) => ({ kind: "service" as const, id, value })),
  ]
}
