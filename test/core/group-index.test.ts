// Groups by numbers, beside plain lists of ids.

import assert from "node:assert/strict"
import { GroupIndex } from "../../src/core/group-index.js"
import { Dice } from "./dice.js"

describe("groups of entries", () => {
  it("hold who came and did not leave, in the order in which they came, whatever numbers are given again", () => {
    const reused = new Set<number>()
    for (let seed = 1; seed <= 20; seed += 1) {
      const dice = new Dice(seed)
      const index = new GroupIndex()
      const plain = new Map<string, string[]>()
      const known = new Map<number, string>()
      for (let step = 0; step < 3000; step += 1) {
        const id = `s${dice.below(12)}`
        const number = index.numberOf(id)
        const before = known.get(number)
        if (before !== undefined && before !== id) reused.add(number)
        known.set(number, id)
        for (let change = dice.below(4); change >= 0; change -= 1) {
          const group = `g${dice.below(5)}`
          const members = plain.get(group) ?? []
          if (members.includes(id)) {
            index.remove(group, number)
            plain.set(
              group,
              members.filter((member) => member !== id),
            )
          } else {
            index.add(group, number)
            plain.set(group, [...members, id])
          }
        }
        if (dice.below(10) === 0)
          for (const [group, members] of plain) {
            if (!members.includes(id)) continue
            index.remove(group, number)
            plain.set(
              group,
              members.filter((member) => member !== id),
            )
          }
        index.letGo(number)
        if (dice.below(3) > 0) continue
        for (const [group, members] of plain) {
          assert.deepEqual(index.members(group), members, `seed ${seed}, step ${step}`)
          for (const member of members)
            assert(index.numbersIn(group).includes(index.numberOf(member)))
        }
      }
    }
    assert(reused.size > 0, "numbers were given again")
  })
})
