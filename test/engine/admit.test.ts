// Demands placed in the order in which they come, over several paths: beside the same placed without looking ahead.

import assert from "node:assert/strict"
import { admit, MAX_SHARES } from "../../src/engine/admit.js"
import type { Demand, Share } from "../../src/engine/demand.js"
import { FreeRate } from "../../src/engine/free-rate.js"
import { drawnDemands, ringNetwork } from "./ring-network.js"

/** The widest path there is, again and again, however hopeless: what is placed in the end is given back if it is too little. */
function placed(free: FreeRate, demand: Demand): readonly Share[] {
  const shares: Share[] = []
  let left = demand.rateBps
  while (left > 0 && shares.length < MAX_SHARES) {
    const share = free.widest(demand, left)
    if (share === undefined) break
    free.take(share)
    shares.push(share)
    left -= share.rateBps
  }
  if (demand.rateBps - left >= demand.minRateBps && shares.length > 0) return shares
  for (const share of shares) free.giveBack(share)
  return []
}

describe("a demand that may be on several paths", () => {
  it("is placed where it is without looking ahead, and refused where that comes to too little", () => {
    const found = { whole: 0, several: 0, part: 0, refused: 0 }
    for (let seed = 1; seed <= 20; seed += 1) {
      const network = ringNetwork(24, seed, { deadShare: seed % 3 === 0 ? 0.1 : 0 })
      const { graph, random } = network
      // Whole bits: what is given back leaves no trace.
      const rateBps = network.capacity.rateBps.map(Math.round)
      const capacity = { ...network.capacity, rateBps }
      const free = new FreeRate(graph, capacity)
      const other = new FreeRate(graph, capacity)
      for (const drawn of drawnDemands(network, 120, 200 + 60 * seed)) {
        const wanted = Math.round(drawn.rateBps)
        const least = random() < 0.5 ? 1 : random()
        const demand = { ...drawn, rateBps: wanted, minRateBps: Math.round(wanted * least) }
        const shares = admit(free, demand, { split: true, spare: false })
        assert.deepEqual(shares, placed(other, demand), `seed ${seed}`)
        assert.deepEqual(free.free, other.free, `seed ${seed}`)
        const sum = shares.reduce((all, share) => all + share.rateBps, 0)
        if (shares.length === 0) found.refused += 1
        else if (shares.length > 1) found.several += 1
        else found.whole += 1
        if (sum > 0 && sum < wanted) found.part += 1
      }
    }
    for (const [what, times] of Object.entries(found)) assert(times > 50, `${what}: ${times}`)
  })
})
