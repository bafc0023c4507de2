// The configuration's files: what is appended, what a torn or stale record does, when the whole is written anew.

import assert from "node:assert/strict"
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import fc from "fast-check"
import { changesBetween, isChange, withChanges } from "../../src/node/config-patch.js"
import { openConfigStore, type StoredConfig } from "../../src/node/config-store.js"
import { isArray, isObject, parseJson } from "../../src/yang/json-text.js"
import type { JsonObject, JsonValue } from "../../src/yang/json-text.js"

const scalar = fc.oneof(fc.constantFrom("a", "ü", "b"), fc.nat(2), fc.boolean())
const { tree } = fc.letrec<{ tree: JsonObject; value: JsonValue }>((tie) => ({
  tree: fc.dictionary(fc.constantFrom("k", "l", "m"), tie("value"), { noNullPrototype: true }),
  value: fc.oneof(
    { depthSize: "small" },
    scalar,
    fc.array(tie("value"), { maxLength: 4 }),
    tie("tree"),
  ),
}))

/** The tree with some of its places taken from another; what is not reached is shared. */
function mixed(left: JsonValue, right: JsonValue, roll: () => boolean): JsonValue {
  if (!roll()) return left
  if (isArray(left) && isArray(right) && left.length > 0 && right.length > 0) {
    const at = roll() ? 0 : left.length - 1
    const item = right[at % right.length] ?? null
    if (roll()) return left.toSpliced(at, roll() ? 1 : 0, item)
    return left.with(at, mixed(left[at] ?? null, item, roll))
  }
  if (!isObject(left) || !isObject(right)) return right
  let next = left
  for (const [name, value] of Object.entries(right)) {
    const was = left[name]
    next = { ...next, [name]: was === undefined ? value : mixed(was, value, roll) }
  }
  return roll() ? Object.fromEntries(Object.entries(next).slice(1)) : next
}

describe("what is written of a configuration that changes", () => {
  it("gives the next tree back, read as text, whatever the change", () => {
    fc.assert(
      fc.property(tree, tree, fc.infiniteStream(fc.boolean()), (before, other, coins) => {
        const after = mixed(before, other, () => coins.next().value === true)
        if (!isObject(after)) return
        const read = parseJson(JSON.stringify(changesBetween(before, after)))
        assert.ok(isArray(read) && read.every(isChange))
        assert.deepEqual(withChanges(before, read), after)
      }),
      { numRuns: 500 },
    )
  })

  it("is little where little has changed", () => {
    const apps = Array.from({ length: 1000 }, (_, n): JsonObject => ({ id: n, rate: 1 }))
    const before = { node: { apps } }
    const after = { node: { apps: apps.with(500, { id: 500, rate: 2 }) } }
    assert.deepEqual(changesBetween(before, after), [{ at: ["node", "apps", 500, "rate"], put: 2 }])
    const less = { node: { apps: apps.toSpliced(7, 1) } }
    assert.deepEqual(changesBetween(before, less), [
      { at: ["node", "apps"], from: 7, drop: 1, put: [] },
    ])
  })

  it("says of what is kept beside its successor only where it was", () => {
    const old = { apps: Array.from({ length: 100 }, (_, n): JsonObject => ({ id: n })) }
    const before = { running: old, times: { a: "b" } }
    const after = {
      ...before,
      running: { apps: [] },
      before: { running: old, times: before.times },
    }
    const changes = changesBetween(before, after)
    assert.ok(JSON.stringify(changes).length < 250)
    assert.deepEqual(withChanges(before, changes), after)
    assert.equal(withChanges({}, [{ at: ["x"], like: "nowhere" }]), undefined)
  })

  it("is not applied to a tree it was not made for", () => {
    const made = changesBetween({ a: { b: [1, 2, 3] } }, { a: { b: [1, 2] } })
    assert.equal(withChanges({ a: { b: [] } }, made), undefined)
    assert.equal(withChanges({}, made), undefined)
  })
})

describe("the files of the configuration", () => {
  let dir = ""
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), "keyloom-config-"))
  })
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true })
  })
  const files = (): string[] => ["running.0", "running.1"].map((name) => path.join(dir, name))
  const config = (n: number, text = "x"): StoredConfig => ({
    running: { node: { n, text } },
    appCreatedAt: { [`app-${n}`]: "2026-01-01T00:00:00Z" },
  })
  const loaded = async (): Promise<StoredConfig | undefined> => {
    const store = await openConfigStore(dir)
    try {
      return await store.load()
    } finally {
      store.close()
    }
  }
  const saved = async (...configs: StoredConfig[]): Promise<void> => {
    const store = await openConfigStore(dir)
    for (const one of configs) await store.save(one)
    store.close()
  }

  it("hold what was saved last, after any number of saves and lives", async () => {
    for (let life = 0; life < 4; life++) {
      for (const count of [1, 2, 7]) {
        const all = Array.from({ length: count }, (_, n) => config(life * 100 + n, "é".repeat(n)))
        await saved(...all)
        assert.deepEqual(await loaded(), all.at(-1))
      }
    }
  })

  it("torn at any byte of the last save hold that one or the one before, nothing else", async () => {
    await saved(config(1), config(2), config(3))
    const [file = ""] = files().sort((a, b) => statSync(b).size - statSync(a).size)
    const whole = readFileSync(file)
    const written = whole.indexOf(0)
    const start = whole.lastIndexOf("]3 ") + 1
    assert.ok(start > 0)
    for (let cut = start; cut < written; cut += 3) {
      const torn = Buffer.from(whole)
      torn.fill(0, cut)
      writeFileSync(file, torn)
      assert.deepEqual(await loaded(), config(2))
    }
    writeFileSync(file, whole)
    assert.deepEqual(await loaded(), config(3))
  })

  it("are written whole again when a slot is full, and what is left behind the end means nothing", async () => {
    const store = await openConfigStore(dir)
    const text = "y".repeat(10_000)
    for (let n = 0; n < 40; n++) await store.save(config(n, text + String(n)))
    store.close()
    assert.deepEqual(await loaded(), config(39, `${text}39`))
    // Both slots have been filled in turn, and neither has grown for it.
    for (const file of files()) assert.equal(statSync(file).size, 65_536)
    await saved(config(40))
    assert.deepEqual(await loaded(), config(40))
  })
})
