// A controller whose nodes obey another one learns it from them (THREATS C3), and one node cannot talk it into it.

import assert from "node:assert/strict"
import { QkdError } from "../../src/errors.js"
import { LeadVotes } from "../../src/south/lead-votes.js"

const refusal = (term: number): QkdError =>
  new QkdError("access-denied", "its term is over", {
    ...{ appTag: "stale-leader", info: { term: String(term) } },
  })

describe("nodes that say who leads them", () => {
  let told: QkdError[]
  let votes: LeadVotes
  beforeEach(() => {
    told = []
    votes = new LeadVotes((reason) => told.push(reason))
  })
  const terms = (): (string | undefined)[] => told.map(({ info }) => info?.["term"])

  it("C3: are believed when they are more than half of all, whoever of the others is silent, and once", () => {
    votes.heard("a", refusal(7), 4)
    votes.heard("a", refusal(7), 4)
    votes.heard("b", refusal(7), 4)
    assert.deepEqual(told, [])
    votes.heard("c", refusal(7), 4)
    votes.heard("d", refusal(7), 4)
    assert.deepEqual(terms(), ["7"])
  })

  it("C3: are no longer counted when they obey again, or are no part of the network any more", () => {
    votes.heard("a", refusal(7), 4)
    votes.heard("b", refusal(7), 4)
    votes.heard("a", undefined, 4)
    votes.forget("b")
    votes.heard("c", refusal(7), 4)
    votes.heard("d", refusal(7), 4)
    assert.deepEqual(told, [])
    votes.heard("a", refusal(7), 4)
    assert.deepEqual(terms(), ["7"])
  })

  it("C3: cannot have it believe a term that nobody could go above, one of them alone", () => {
    votes.heard("liar", refusal(4_294_967_295), 4)
    votes.heard("b", refusal(8), 4)
    votes.heard("c", refusal(8), 4)
    assert.deepEqual(terms(), ["8"])
  })

  it("C3: are one enough where there is one", () => {
    votes.heard("a", refusal(2), 1)
    assert.deepEqual(terms(), ["2"])
  })
})
