// A short run of the fuzzer (bench/fuzz.ts runs as long as one likes), and the inputs that once broke something.

import assert from "node:assert/strict"
import { corpusOf, fuzzTarget, tryInput } from "./run.js"
import { TARGETS } from "./targets.js"

/** Far above what any input takes: the machine may be busy. */
const LIMIT_MS = 20_000

describe("the parsers of what strangers send", () => {
  for (const target of Object.keys(TARGETS)) {
    it(`take the kept inputs of ${target} with an answer or a tagged error`, () => {
      const corpus = corpusOf(target)
      assert.ok(corpus.length > 3)
      for (const input of corpus)
        assert.equal(tryInput(target, input, LIMIT_MS).what, undefined, input)
    })

    it(`take made-up inputs of ${target}, the same and new ones, the same way`, function () {
      this.timeout(180_000)
      for (const seed of [1, Date.now()]) {
        const { findings } = fuzzTarget(target, seed, 400, LIMIT_MS)
        assert.deepEqual(findings, [], `seed ${seed}`)
      }
    })
  }

  it("are watched by something that sees", () => {
    const { TARGETS: own } = { TARGETS: TARGETS as Record<string, (text: string) => void> }
    own["broken"] = () => {
      throw new TypeError("boom")
    }
    try {
      assert.match(tryInput("broken", "x", LIMIT_MS).what ?? "", /boom/)
    } finally {
      Reflect.deleteProperty(own, "broken")
    }
  })
})
