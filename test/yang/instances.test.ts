// Documents drawn from the schemas of the corpus, valid ones and ones broken in one way, as JSON and as XML: our
// verdict on each is yanglint's. One seed is always the same, one is new every time.

import assert from "node:assert/strict"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { needYanglint } from "./fixture.js"
import { drawAndCompare } from "./instances/compare.js"
import type { Drawn } from "./instances/compare.js"
import { EXPLAINED } from "./instances/explained.js"
import { drawOperations, type DrawnOperation } from "./instances/operations.js"
import { instanceSets, operationSets } from "./instances/sets.js"

describe("documents drawn from many schemas", () => {
  it("are valid, or broken in one way, for us as for yanglint", async function () {
    needYanglint(this)
    this.timeout(240_000)
    const folder = mkdtempSync(path.join(tmpdir(), "keyloom-instances-"))
    try {
      const fresh = Date.now() % 1_000_000
      const drawn: Drawn[] = []
      for (const set of instanceSets(folder))
        for (const seed of [1, fresh]) drawn.push(...(await drawAndCompare(set, seed, 12, folder)))
      const differing = drawn.filter((d) => (d.ours === undefined) !== (d.theirs === undefined))
      const unexplained = differing.filter((d) => !EXPLAINED.some(({ fits }) => fits(d)))
      assert.deepEqual(
        unexplained.map((d) => ({ ...d, seed: fresh })),
        [],
      )
      const broken = drawn.filter((d) => d.ours !== undefined && d.how !== undefined)
      console.error(
        `      ${drawn.length} documents, ${broken.length} of them broken in one way; ` +
          `${differing.length} verdicts differ, all explained (seed ${fresh})`,
      )
      assert.ok(drawn.length - broken.length >= 150 && broken.length >= 300, "enough of both")
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it("of operations, their replies and notifications too", async function () {
    needYanglint(this)
    this.timeout(240_000)
    const folder = mkdtempSync(path.join(tmpdir(), "keyloom-operations-"))
    try {
      const drawn: DrawnOperation[] = []
      for (const set of operationSets()) drawn.push(...(await drawOperations(set, 1, 1, folder)))
      const differing = drawn.filter((d) => (d.ours === undefined) !== (d.theirs === undefined))
      const unexplained = differing.filter((d) => !EXPLAINED.some(({ fits }) => fits(d)))
      assert.deepEqual(unexplained, [])
      const valid = (kind: string): number =>
        drawn.filter((d) => d.kind === kind && d.ours === undefined).length
      const counts = ["rpc", "reply", "notif"].map((kind) => `${valid(kind)} ${kind}`)
      console.error(
        `      ${drawn.length} documents, valid of them ${counts.join(", ")}; ${differing.length} verdicts differ, all explained`,
      )
      for (const kind of ["rpc", "reply", "notif"]) assert.ok(valid(kind) >= 15, kind)
      assert.ok(drawn.filter((d) => d.ours !== undefined).length >= 60, "enough that are broken")
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
