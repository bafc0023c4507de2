// No generation and no key id twice, over crashes too.

import assert from "node:assert/strict"
import { appendFileSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { UsedKeys } from "../../src/consumer/used-keys.js"
import { isQkdError } from "../errors-helper.js"
import { freshDir, removeDir } from "../support/demo.js"

describe("a tunnel's list of used keys", () => {
  let dir: string
  let file: string

  beforeEach(() => {
    dir = freshDir()
    file = path.join(dir, "used")
  })
  afterEach(() => {
    removeDir(dir)
  })

  it("takes each generation and each key id once", () => {
    const used = UsedKeys.open(file)
    assert.equal(used.highest, 0)
    used.use(3, "key-1")
    for (const generation of [3, 2, 1, 0])
      assert.throws(() => {
        used.use(generation, "key-2")
      }, isQkdError("data-exists"))
    assert.throws(() => {
      used.use(4, "key-1")
    }, isQkdError("data-exists"))
    used.use(4, "key-2")
    used.use(5, "")
    used.use(6, "")
    used.close()
  })

  it("remembers them when the program is killed at any byte of writing", () => {
    const used = UsedKeys.open(file)
    used.use(1, "key-1")
    used.use(2, "key-2")
    used.close()
    const whole = readFileSync(file)
    const secondLine = whole.indexOf("\n") + 1
    for (let length = secondLine; length <= whole.length; length += 1) {
      writeFileSync(file, whole.subarray(0, length))
      const again = UsedKeys.open(file)
      // The last line counts as soon as it is whole, and only then had the key gone anywhere.
      assert.equal(again.highest, length === whole.length ? 2 : 1)
      assert.throws(() => {
        again.use(9, "key-1")
      }, isQkdError("data-exists"))
      again.close()
    }
  })

  it("does not grow without end, and stays right", () => {
    const used = UsedKeys.open(file, 10)
    for (let generation = 1; generation <= 95; generation += 1)
      used.use(generation, `key-${generation}`)
    used.close()
    const lines = readFileSync(file, "utf8").split("\n").length
    assert.ok(lines <= 21, `${lines} lines`)
    const again = UsedKeys.open(file, 10)
    assert.equal(again.highest, 95)
    assert.throws(() => {
      again.use(96, "key-94")
    }, isQkdError("data-exists"))
    again.close()
  })

  it("leaves a file alone that is something else", () => {
    const text = "not ours\n"
    appendFileSync(file, text)
    assert.throws(() => UsedKeys.open(file), isQkdError("malformed-message"))
    assert.equal(readFileSync(file, "utf8"), text)
  })
})
