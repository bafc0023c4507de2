// Two simulated modules on a fibre that is cut, mended, restarted at either end and in the middle.

import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { writeFile } from "node:fs/promises"
import path from "node:path"
import { QkdError } from "../../../src/plugin/index.js"
import { End, eventually, FIBRE, type Laid, layFibre, LINK, ON } from "./bench.js"

describe("two simulated modules on a fibre", () => {
  let laid: Laid
  const open: End[] = []
  const openEnd = async (
    end: "a" | "b",
    more: Record<string, unknown> = {},
    readKeys = true,
  ): Promise<End> => {
    const made = await End.open(laid.options(end, more), readKeys)
    open.push(made)
    return made
  }
  const both = async (more: Record<string, unknown> = {}): Promise<[End, End]> => {
    const [a, b] = [await openEnd("a", more), await openEnd("b", more)]
    await a.module.configure(ON)
    await b.module.configure(ON)
    return [a, b]
  }

  beforeEach(async () => {
    laid = await layFibre()
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((end) => end.close()))
    await laid.close()
  })

  it("gives blocks of at most 16 KiB at the modelled rate, equal at both ends", async () => {
    const [a, b] = await both()
    await eventually(() => Math.min(a.blocks.length, b.blocks.length) >= 6, "six blocks")
    await a.module.configure(null)
    await b.module.configure(null)
    await eventually(() => a.blocks.length === b.blocks.length, "all blocks")
    assert.deepEqual(a.blocks, b.blocks)
    for (const { hex } of a.blocks) assert.ok(hex.length / 2 <= 16_384)
  })

  it("reports the same error rate at both ends, moving around the model's", async () => {
    const [a, b] = await both()
    await eventually(() => b.reports.length >= 4, "reports")
    const seen = new Set(b.reports.map((report) => report.qber))
    assert.ok(seen.size > 1, "the error rate never moves")
    const own = new Set(a.reports.map((report) => report.qber))
    const shared = b.reports.filter((report) => own.has(report.qber))
    assert.ok(shared.length >= b.reports.length - 2, "the ends disagree")
  })

  it("makes no key while the fibre is cut, and goes on with fresh blocks when it is mended", async () => {
    const [a, b] = await both()
    await eventually(() => a.blocks.length > 0 && b.blocks.length > 0, "blocks")
    laid.plant.cut(FIBRE)
    await eventually(() => a.last?.generating === false && b.last?.generating === false, "darkness")
    assert.equal(a.last?.reason, "no light")
    assert.deepEqual(laid.plant.state()[0]?.attached, ["a", "b"])
    const before = [a.blocks.length, b.blocks.length]
    await new Promise((resolve) => setTimeout(resolve, 1000))
    assert.deepEqual([a.blocks.length, b.blocks.length], before)
    laid.plant.mend(FIBRE)
    await eventually(() => b.blocks.length > (before[1] ?? 0), "blocks after mending")
    assert.equal(new Set(b.blocks.map((block) => block.hex)).size, b.blocks.length)
  })

  it("never repeats a block over five restarts of either end", async () => {
    const ids: string[] = []
    const bytes: string[] = []
    let [a, b] = await both()
    for (let round = 0; round < 5; round += 1) {
      await eventually(() => a.blocks.length > 0 && b.blocks.length > 0, `blocks, round ${round}`)
      const leaving = round % 2 === 0 ? a : b
      await leaving.close()
      const again = await openEnd(round % 2 === 0 ? "a" : "b")
      await again.module.configure(ON)
      const staying = round % 2 === 0 ? b : a
      for (const block of staying.blocks.splice(0)) {
        ids.push(block.id)
        bytes.push(block.hex)
      }
      ;[a, b] = round % 2 === 0 ? [again, b] : [a, again]
    }
    assert.ok(ids.length >= 5)
    assert.equal(new Set(ids).size, ids.length)
    assert.equal(new Set(bytes).size, bytes.length)
  })

  it("comes back by itself when the plant restarts", async () => {
    const [a, b] = await both()
    await eventually(() => a.blocks.length > 0, "blocks")
    await laid.plant.close()
    await eventually(() => a.last?.generating === false && b.last?.generating === false, "darkness")
    assert.match(a.last?.reason ?? "", /fibre plant/)
    const before = a.blocks.length
    await laid.plant.listen(laid.port)
    await eventually(() => a.blocks.length > before, "blocks after the restart")
  })

  it("waits when the other end is configured for another link, and goes on when that is put right", async () => {
    const [a, b] = [await openEnd("a"), await openEnd("b")]
    await a.module.configure(ON)
    await b.module.configure({ ...ON, qkdlId: "99999999-2222-4333-8444-555555555555" })
    await eventually(() => /another link/.test(a.last?.reason ?? ""), "the reason")
    await b.module.configure(ON)
    await eventually(() => a.last?.generating === true, "generation")
  })

  it("makes no key when both ends transmit", async () => {
    const [a, b] = [await openEnd("a"), await openEnd("b")]
    await a.module.configure({ ...ON, role: "TRANSMITTER" })
    await b.module.configure({ ...ON, role: "TRANSMITTER" })
    await eventually(() => /both ends/.test(b.last?.reason ?? ""), "the reason")
    await b.module.configure({ ...ON, role: "RECEIVER" })
    await eventually(() => b.last?.generating === true, "generation")
  })

  it("makes no key with an end that holds another seed", async () => {
    const seedFile = path.join(laid.folder, "other")
    await writeFile(seedFile, randomBytes(32))
    const [a, b] = [await openEnd("a"), await openEnd("b", { seedFile })]
    await a.module.configure(ON)
    await b.module.configure(ON)
    await eventually(
      () => /seed/.test(a.last?.reason ?? "") && /seed/.test(b.last?.reason ?? ""),
      "doubt",
    )
    assert.equal(a.blocks.length + b.blocks.length, 0)
  })

  it("is dark when the other module rests, and says so", async () => {
    const [a, b] = await both()
    await eventually(() => a.last?.generating === true, "generation")
    await b.module.configure(null)
    await eventually(() => a.last?.generating === false, "darkness")
    assert.equal(b.last?.reason, "at rest")
  })

  it("makes key at a stated rate, in the small blocks of a slow link", async () => {
    const [a] = await both({ rateBps: 2000 })
    await eventually(() => a.blocks.length >= 3, "blocks")
    for (const { hex } of a.blocks) assert.ok(hex.length / 2 >= 64 && hex.length / 2 < 2000)
    assert.ok((a.last?.skrBps ?? 0) > 1000 && (a.last?.skrBps ?? 0) < 4000)
  })

  it("sees a fibre that is bent too far for any key", async () => {
    const [a, b] = await both({ module: "IDQ SARG04" })
    await eventually(() => b.last?.generating === true, "generation")
    laid.plant.setLossDb(FIBRE, 40)
    await eventually(() => /too much loss/.test(b.last?.reason ?? ""), "the reason")
    assert.equal(a.last?.generating, false)
  })

  it("holds back at both ends while one is not read", async () => {
    const a = await openEnd("a", { rateBps: 100e6 }, false)
    const b = await openEnd("b", { rateBps: 100e6 })
    await a.module.configure(ON)
    await b.module.configure(ON)
    await eventually(() => b.blocks.length >= 256, "a full window")
    await new Promise((resolve) => setTimeout(resolve, 1500))
    assert.equal(b.blocks.length, 256)
    void a.readKeys()
    await eventually(() => a.blocks.length > 300 && b.blocks.length > 300, "more blocks")
    assert.deepEqual(a.blocks.slice(0, 256), b.blocks.slice(0, 256))
  })

  it("is told why the plant does not let it on", async () => {
    const a = await openEnd("a", { token: "wrong" })
    await a.module.configure(ON)
    await eventually(() => /not entitled/.test(a.last?.reason ?? ""), "the reason")
    const lost = await openEnd("b", { fibreId: "f2" })
    await lost.module.configure({ enabled: true, qkdlId: LINK })
    await eventually(() => /no such fibre/.test(lost.last?.reason ?? ""), "the reason")
  })

  it("refuses options that are unknown, missing or out of range, with their path", async () => {
    const cases: [Record<string, unknown>, string, string][] = [
      [{ colour: "red" }, "unknown-element", "/options/colour"],
      [{ token: undefined }, "missing-element", "/options/token"],
      [{ end: "c" }, "invalid-value", "/options/end"],
      [{ plantPort: 0 }, "invalid-value", "/options/plantPort"],
      [{ lossDb: -1 }, "invalid-value", "/options/lossDb"],
      [{ rateBps: Number.NaN }, "invalid-value", "/options/rateBps"],
      [{ seedFile: path.join(laid.folder, "none") }, "data-missing", "/options/seedFile"],
    ]
    for (const [more, tag, where] of cases) {
      await assert.rejects(End.open(laid.options("a", more)), (error) => {
        assert.ok(error instanceof QkdError)
        assert.deepEqual([error.tag, error.path], [tag, where])
        return true
      })
    }
  })
})
