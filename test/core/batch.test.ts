// Events that come in together, beside the same events each decided in a draft of its own: what comes of them must be the same
// to the letter, also where decisions fail.

import assert from "node:assert/strict"
import { decideAll } from "../../src/core/batch.js"
import { decideOn } from "../../src/core/decide.js"
import { Draft } from "../../src/core/draft.js"
import type { Effect, Event, OperatorEvent } from "../../src/core/event.js"
import type { Context } from "../../src/core/turn.js"
import { Picture } from "../../src/core/view.js"
import type { Change } from "../../src/model/network.js"
import { Dice } from "./dice.js"
import { type Lab, scatteredId, TERMS } from "./lab.js"
import { NETWORKS, World } from "./random-events.js"

interface Outcome {
  readonly changes: readonly Change[]
  readonly effects: readonly Effect[]
  readonly said: readonly unknown[]
}

/** @param idsLeft a decision that asks for more fails */
function contextOf({ now, settings, overloaded }: Lab, idsLeft: number): Context {
  let ids = 0
  const newId = (): string => {
    ids += 1
    if (ids === idsLeft) throw new RangeError("no more ids")
    return scatteredId(ids)
  }
  return { now, settings, overloaded, newId }
}

function eachInItsOwnDraft(lab: Lab, events: readonly Event[], context: Context): Outcome {
  const draft = new Draft(lab.picture)
  const all: Effect[] = []
  const said = events.map((event) => {
    const part = new Draft(draft, draft.revision)
    try {
      const { reply, effects } = decideOn(part, event, context)
      for (const change of part.changes()) draft.write(change)
      all.push(...effects)
      return reply
    } catch (error) {
      return error
    } finally {
      part.drop()
    }
  })
  const outcome = { changes: draft.changes(), effects: all, said }
  draft.drop()
  return outcome
}

function together(lab: Lab, events: readonly Event[], context: Context): Outcome {
  const { draft, effects, outcomes } = decideAll(lab.picture, events, context)
  const said = outcomes.map(({ reply, error }) => reply ?? error)
  const outcome = { changes: draft.changes(), effects, said }
  draft.drop()
  return outcome
}

function randomEvent(world: World, dice: Dice): Event {
  if (dice.below(6) > 0) return randomPart(world, dice)
  const parts = Array.from({ length: 2 }, () => randomPart(world, dice))
  return { kind: "transaction", parts: parts.filter(isOrder) }
}

function isOrder(event: Event): event is OperatorEvent {
  return event.kind.startsWith("service")
}

function randomPart({ lab, links, nodes }: World, dice: Dice): Event {
  const link = lab.picture.link(dice.of(links)) ?? assert.fail()
  const services = [...lab.picture.serviceIds()]
  const [a, b] = dice.two(nodes)
  switch (dice.below(services.length > 0 ? 5 : 3)) {
    case 0:
      return { kind: "wake" }
    case 1:
      return {
        kind: "node-event",
        qkdnId: link.a.qkdnId,
        atMs: lab.now,
        event: { kind: "link-down", qkdlId: link.qkdlId },
      }
    case 2:
      return {
        kind: "service-ordered",
        aSaeId: `sae-${a}`,
        bSaeId: `sae-${b}`,
        terms: { ...TERMS, minRateBps: 20, priority: dice.below(4), protection: "restore" },
      }
    case 3:
      return {
        kind: "service-moved",
        serviceId: dice.of(services),
        avoidNodes: [],
        avoidLinks: [],
      }
    default:
      return { kind: "service-cancelled", serviceId: dice.of(services) }
  }
}

/** What the path engine reads of every link, by its id. */
function priced({ settings }: Lab, view: Picture): Map<string, unknown> {
  const { graph } = view
  graph.refresh(view, settings)
  return new Map(
    graph.linkIds.map((id, link) => [
      id,
      [graph.free[link], graph.residual[link], graph.price[link], graph.linkUse(link)],
    ]),
  )
}

/** A network into which the same has been written, and nothing looked up before. */
function readAnew({ picture }: Lab): Picture {
  const { nodes, links, services } = picture.snapshot()
  return new Picture(picture.revision, [
    ...[...nodes].map(([id, value]): Change => ({ kind: "node", id, value })),
    ...[...links].map(([id, value]): Change => ({ kind: "link", id, value })),
    ...[...services].map(([id, value]): Change => ({ kind: "service", id, value })),
  ])
}

function forEachBatch(what: (lab: Lab, events: readonly Event[], context: () => Context) => void) {
  for (let seed = 1; seed <= 12; seed += 1) {
    const plan = NETWORKS[seed % NETWORKS.length] ?? assert.fail()
    const dice = new Dice(seed)
    const world = new World(new Dice(seed), { ...plan, scatteredIds: true })
    for (let n = 0; n < 60; n += 1) {
      world.step()
      const events = Array.from({ length: 1 + dice.below(4) }, () => randomEvent(world, dice))
      const idsLeft = dice.of([1, 2, 3, 1000, 1000])
      what(world.lab, events, () => contextOf(world.lab, idsLeft))
    }
  }
}

describe("events decided together", () => {
  it("have the changes, the effects and the replies of events decided one by one, whichever of them fail", () => {
    let failed = 0
    let stood = 0
    forEachBatch((lab, events, context) => {
      const outcome = together(lab, events, context())
      assert.deepEqual(outcome, eachInItsOwnDraft(lab, events, context()))
      const errors = outcome.said.filter((said) => said instanceof RangeError).length
      failed += errors
      stood += events.length - errors
    })
    assert(failed > 50 && stood > 1000, `${failed} failed, ${stood} stood`)
  })

  it("leave the path engine with what a network read anew tells it", () => {
    forEachBatch((lab, events, context) => {
      const { draft } = decideAll(lab.picture, events, context())
      lab.picture.apply(draft.changes(), lab.picture.revision + 1)
      draft.drop()
      assert.deepEqual(priced(lab, lab.picture), priced(lab, readAnew(lab)))
    })
  })
})
