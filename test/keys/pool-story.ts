// Stories of a pool: what may happen to both ends of a link, in any order, and what must hold in the end. No test.

import assert from "node:assert/strict"
import fc from "fast-check"
import { LIMITS, LinkModel } from "./pool-model.js"

export const ids = Array.from(
  { length: 24 },
  (_, i) => `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`,
)
export const sizes = [2, 3, 64, 64, 128, 500]

export type Deed =
  | { do: "give"; end: number; id: number }
  | { do: "commit" | "connect" | "disconnect" | "sweep"; end: number }
  | { do: "crash"; end: number }
  | { do: "carry"; end: number; pick: number; keep: boolean; count: number }
  | { do: "draw"; end: number; bytes: number }

const end = fc.integer({ min: 0, max: 1 })
export const deeds = (disorder: boolean): fc.Arbitrary<Deed[]> =>
  fc.array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ do: fc.constant("give" as const), end, id: fc.nat(23) }),
      },
      { weight: 8, arbitrary: fc.record({ do: fc.constant("commit" as const), end }) },
      {
        weight: 12,
        arbitrary: fc.record({
          do: fc.constant("carry" as const),
          end,
          pick: disorder ? fc.nat(5) : fc.constant(0),
          keep: disorder ? fc.boolean() : fc.constant(false),
          count: fc.integer({ min: 1, max: 6 }),
        }),
      },
      {
        weight: 6,
        arbitrary: fc.record({
          do: fc.constant("draw" as const),
          end,
          bytes: fc.integer({ min: 1, max: 90 }),
        }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("connect" as const), end }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("disconnect" as const), end }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("crash" as const), end }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("sweep" as const), end }) },
    ),
    { minLength: 40, maxLength: 200, size: "max" },
  )

export function play(model: LinkModel, deed: Deed): void {
  const who = model.end(deed.end)
  model.nowMs += 50
  switch (deed.do) {
    case "give": {
      const id = ids[deed.id] ?? ""
      model.known.set(id, sizes[deed.id % sizes.length] ?? 64)
      who.give(id, model.nowMs)
      break
    }
    case "commit":
      who.commit()
      break
    case "connect":
      model.connect()
      break
    case "disconnect":
      model.disconnect()
      break
    case "crash":
      model.crash(deed.end)
      break
    case "carry":
      for (let i = 0; i < deed.count; i++) {
        who.commit()
        model.carry(deed.end, deed.pick, deed.keep)
      }
      break
    case "draw":
      who.draw(deed.bytes, model.nowMs)
      break
    case "sweep":
      who.run(who.pool.sweep(model.nowMs))
  }
}

/** After everything that was lost came again and the grace is over, both ends hold the same. */
export function assertAgreement(model: LinkModel): void {
  model.connect()
  model.settle()
  model.nowMs += LIMITS.graceMs + 1
  for (const one of model.ends) one.run(one.pool.sweep(model.nowMs))
  model.settle()
  const [low, high] = model.ends
  assert.deepEqual(low.holdings(low.blockIds()), high.holdings(high.blockIds()))
  assert.equal(low.pool.up && high.pool.up, true)
  assert.equal(low.pool.stockBytes, high.pool.stockBytes)
}

/** Half of the blocks are there at both ends, the rest come in the course of the story. */
export function stocked(limits = LIMITS): LinkModel {
  const model = new LinkModel(limits)
  model.connect()
  for (const [i, id] of ids.slice(0, 12).entries()) {
    model.known.set(id, sizes[i % sizes.length] ?? 64)
    for (const one of model.ends) one.give(id, 0)
  }
  model.settle()
  return model
}
