// A cut decided by numbers (core/ready-moves) beside the same cut decided service by service, read from the network one by one:
// what comes of them must be the same to the letter.

import assert from "node:assert/strict"
import { type Decision, decide, decideOn } from "../../src/core/decide.js"
import { Draft } from "../../src/core/draft.js"
import type { Event } from "../../src/core/event.js"
import { groups } from "../../src/core/memberships.js"
import { inOrderOfPriority } from "../../src/core/priority-order.js"
import { Dice } from "./dice.js"
import { Lab, scatteredId } from "./lab.js"
import { NETWORKS, World } from "./random-events.js"

/** In a draft in which some service is already written, though as it was: there nothing goes by numbers. */
function decideOneByOne({ picture }: Lab, event: Event, context: Parameters<typeof decide>[2]) {
  const outer = new Draft(picture)
  const [first] = picture.serviceIds()
  const service = picture.service(first ?? "")
  if (service !== undefined) outer.putService(service)
  const draft = new Draft(outer, outer.revision)
  const { reply, effects } = decideOn(draft, event, context)
  const decision: Decision = { changes: draft.changes(), reply, effects }
  draft.drop()
  outer.drop()
  return decision
}

function cutOf(lab: Lab, qkdlId: string): Event {
  const { a } = lab.picture.link(qkdlId) ?? assert.fail()
  return {
    kind: "node-event",
    qkdnId: a.qkdnId,
    atMs: lab.now,
    event: { kind: "link-down", qkdlId },
  }
}

function compare(lab: Lab, event: Event, what: string): void {
  const context = (): Parameters<typeof decide>[2] => {
    let ids = 0
    const { now, settings, overloaded } = lab
    return { now, settings, overloaded, newId: () => scatteredId((ids += 1)) }
  }
  const byNumbers = decide(lab.picture, event, context())
  assert.deepEqual(byNumbers, decideOneByOne(lab, event, context()), what)
}

/** Both ways to decide on a cut of each link. @returns how many services had their turn by number, and could have moved so. */
function compareCuts(lab: Lab, links: readonly string[]): { listed: number; ready: number } {
  let listed = 0
  let ready = 0
  for (const link of links) {
    const numbers = lab.picture.numbersIn(groups.servicesOn(link))
    const inTurn = lab.picture.ready.inOrderOfPriority(numbers) ?? []
    listed += inTurn.length
    for (const number of inTurn) if (lab.picture.ready.isReady(number)) ready += 1
    compare(lab, cutOf(lab, link), `cut of ${link}`)
  }
  return { listed, ready }
}

/** A ring with chords and leaves, links of a few rates, some nodes that may not relay, services of all kinds between any two nodes. */
function crowded(seed: number): { lab: Lab; links: readonly string[]; dice: Dice } {
  const dice = new Dice(seed)
  const onRing = Array.from({ length: 10 }, (_, n) => String.fromCharCode(97 + n))
  const ring = onRing.map((name, n) => `${name}-${onRing[(n + 1) % onRing.length] ?? ""}`)
  const chords = Array.from({ length: 6 }, (_, n) => `${dice.two(onRing).join("-")}-${n}`)
  // With one fibre only: what is kept ready for them has that in common with the path in use.
  const leaves = onRing.slice(0, 3).map((name) => `${name.toUpperCase()}-${name}`)
  const links = [...ring, ...chords, ...leaves]
  const names = [...onRing, ...onRing.slice(0, 3).map((name) => name.toUpperCase())]
  const noRelay = onRing.filter(() => dice.below(12) === 0)
  const preemption = dice.below(2) === 0 ? "never" : "lower-priority"
  const backupRate = dice.of(["shared", "dedicated", "none"] as const)
  const lab = new Lab(
    {
      links,
      noRelay,
      scatteredIds: true,
      link: () => ({ skrBps: dice.of([200, 500, 2000]), srlg: dice.of([[], [], ["duct"]]) }),
    },
    { preemption, backupRate, backupsAtOnce: 500 },
  )
  for (const [place, a] of names.entries())
    for (const b of names.slice(place + 1)) {
      if (dice.below(5) === 0) continue
      lab.order(a, b, {
        minRateBps: dice.of([0, 10, 10, 30, 12.5]),
        priority: dice.of([0, 1, 1, 2, 4294967295]),
        ...dice.of([
          {},
          { protection: "restore" },
          { protection: "restore" },
          { protection: "restore" },
          { protection: "restore", revertive: true },
          { protection: "1+1" },
          { trustTolerance: 1 },
        ] as const),
      })
    }
  lab.confirmAll()
  lab.wakeAfter(61_000)
  lab.confirmAll()
  return { lab, links, dice }
}

describe("a cut decided by numbers", () => {
  it("moves the same services to the same places, in the same order, as one decided service by service", () => {
    let ready = 0
    for (let seed = 1; seed <= 12; seed += 1) {
      const { lab, links, dice } = crowded(seed)
      for (let cuts = 0; cuts < 4; cuts += 1) {
        ready += compareCuts(lab, links).ready
        lab.linkDown(dice.of(links))
        // In the middle of their moves, too.
        if (dice.below(2) === 0) lab.confirmAll()
        else if (lab.told.size > 0) lab.confirm(dice.of([...lab.told.keys()]))
        if (dice.below(2) === 0) lab.wakeAfter(5000)
      }
    }
    assert(ready > 1000, `${ready} moves by number`)
  })

  it("does so after whatever has happened to a network", () => {
    let listed = 0
    for (let seed = 1; seed <= 8; seed += 1) {
      const plan = NETWORKS[seed % NETWORKS.length] ?? assert.fail()
      const world = new World(new Dice(seed), { ...plan, scatteredIds: true }, seed > 4)
      for (let n = 0; n < 200; n += 1) {
        world.step()
        listed += compareCuts(world.lab, world.links).listed
        // Planned maintenance may begin, of several links at once.
        compare(world.lab, { kind: "wake" }, `seed ${seed}, event ${n}`)
      }
    }
    assert(listed > 1000, `${listed} by number`)
  })

  it("gives turns by priority and id as the list of services does", () => {
    const { lab } = crowded(3)
    const services = [...lab.picture.snapshot().services.values()]
    const numbers = lab.picture.numbersIn(groups.servicesInState("active"))
    const inTurn = lab.picture.ready.inOrderOfPriority(numbers) ?? assert.fail()
    assert(inTurn.length > 30)
    const active = services.filter(({ state }) => state === "active")
    assert.deepEqual(
      [...inTurn].map((number) => lab.picture.ready.service(number)?.serviceId),
      inOrderOfPriority(active).map(({ serviceId }) => serviceId),
    )
  })

  it("is not, where ids begin alike or are no UUIDs", () => {
    const { picture } = new Lab({ links: ["a-b"] })
    const lab = crowded(4).lab
    const [service] = lab.picture.snapshot().services.values()
    assert(service !== undefined)
    for (const ids of [
      ["0000000a-1", "0000000a-2"],
      ["bank", "0000000a-3"],
    ]) {
      const numbers = ids.map((serviceId, number) => {
        picture.ready.put(number, { ...service, serviceId }, picture.graph)
        return number
      })
      assert.equal(picture.ready.inOrderOfPriority(numbers), undefined)
    }
  })
})
