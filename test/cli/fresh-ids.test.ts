// Ids that the controller gives to services and paths.

import assert from "node:assert/strict"
import { freshId } from "../../src/cli/fresh-ids.js"

describe("a fresh id", () => {
  const ids = Array.from({ length: 5000 }, () => freshId())

  it("is a random UUID (RFC 9562 version 4), another one each time", () => {
    for (const id of ids)
      assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    assert.equal(new Set(ids).size, ids.length)
  })

  it("is random in every digit but those of version and variant", () => {
    for (let place = 0; place < 36; place += 1) {
      const seen = new Set(ids.map((id) => id[place]))
      const choices = [8, 13, 14, 18, 23].includes(place) ? 1 : place === 19 ? 4 : 16
      assert.equal(seen.size, choices, `digit ${place}`)
    }
  })
})
