// The conformance suite of QKD modules: two of them on one link that can be cut, checked for what a key manager
// relies on. Judges the contract, not the physics. Runs under any test runner.

import { QkdError } from "../errors.js"
import {
  type Check,
  type CheckResult,
  expect,
  expectEqual,
  pause,
  rejection,
  runChecks,
  until,
  within,
} from "./check.js"
import type { QkdModuleDriver } from "./contract.js"
import { expectOneStream, expectRandom, expectUnseen } from "./key-health.js"
import { type MakeTestLink, ModuleBench, type ModuleEnd } from "./module-bench.js"

const PATIENCE_MS = 10_000
const LINK = "7d0f2c4e-1b5a-4c3d-9e8f-0a1b2c3d4e5f"
const ON = { enabled: true, qkdlId: LINK }

/** Runs the whole suite. */
export function moduleConformance(
  driver: QkdModuleDriver,
  makeLink: MakeTestLink,
): Promise<CheckResult[]> {
  return runChecks(moduleChecks(driver, makeLink))
}

/** The suite as single checks, for a test runner that wants to name them. */
export function moduleChecks(driver: QkdModuleDriver, makeLink: MakeTestLink): Check[] {
  const check = (name: string, act: (bench: ModuleBench) => Promise<void>): Check => ({
    name,
    run: async () => {
      const bench = new ModuleBench(driver, await makeLink())
      try {
        await act(bench)
      } finally {
        await bench.close()
      }
    },
  })
  const generating = (...ends: ModuleEnd[]): Promise<void> =>
    until(
      () => sound(ends).every((end) => end.last?.generating === true),
      PATIENCE_MS,
      "generation",
    )
  const blocks = (count: number, ...ends: ModuleEnd[]): Promise<void> =>
    until(
      () => sound(ends).every((end) => end.blocks.length >= count),
      PATIENCE_MS,
      `${count} blocks`,
    )
  const pair = async (bench: ModuleBench): Promise<[ModuleEnd, ModuleEnd]> => {
    const [a, b] = [await bench.open("a"), await bench.open("b")]
    await Promise.all([a.module.configure(ON), b.module.configure(ON)])
    return [a, b]
  }

  return [
    check("describes itself in the terms of 015", async (bench) => {
      const { description } = (await bench.open("a")).module
      expect(description.model !== "", "it names no model")
      expect(
        ["CV-QKD", "DV-QKD", "DV-QKD-COW", "DV-QKD-2Ws"].includes(description.technology),
        `technology ${description.technology} is none of 015's`,
      )
      expect(
        ["TRANSMITTER", "RECEIVER", "TRANSCEIVER"].includes(description.role),
        `role ${description.role} is none of 015's`,
      )
    }),
    check("refuses an option it does not know", async (bench) => {
      const options = { ...bench.link.a.options, "no-such-option": 1 }
      const work = bench.openWith("a", { ...bench.link.a, options })
      const error = await rejection(work, PATIENCE_MS, "opening with an unknown option")
      expect(error instanceof QkdError, "the error is no QkdError")
    }),
    check("gives both ends the same blocks: same ids, same bytes, each once", async (bench) => {
      const [a, b] = await pair(bench)
      await blocks(3, a, b)
      await bench.rest(a, b)
      expectOneStream(a, b)
    }),
    check("gives bytes that pass for random", async (bench) => {
      const [a, b] = await pair(bench)
      await until(() => a.bytes() >= 8192, 2 * PATIENCE_MS, "8 KiB of key")
      await bench.rest(a, b)
      expectRandom(a)
    }),
    check("makes nothing before it is configured, and nothing while it rests", async (bench) => {
      const [a, b] = [await bench.open("a"), await bench.open("b")]
      await pause(1500)
      expectEqual([a.blocks.length, b.blocks.length], [0, 0], "blocks before configuration")
      await Promise.all([a.module.configure(ON), b.module.configure(ON)])
      await blocks(1, a, b)
      await bench.rest(a, b)
      const before = [a.blocks.length, b.blocks.length]
      await pause(1500)
      expectEqual([a.blocks.length, b.blocks.length], before, "blocks at rest")
      await Promise.all([a.module.configure(ON), b.module.configure(ON)])
      await blocks((before[0] ?? 0) + 1, a)
    }),
    check("reports about every second, whether or not there is key", async (bench) => {
      const [a, b] = await pair(bench)
      await generating(a, b)
      for (const end of [a, b]) {
        const before = end.reports.length
        await until(() => end.reports.length >= before + 3, PATIENCE_MS, "three reports")
        for (const report of end.reports) expectSound(report)
      }
      bench.link.cut()
      const before = a.reports.length
      await until(() => a.reports.length >= before + 3, PATIENCE_MS, "three reports without light")
    }),
    check("is not disturbed by the same configuration again", async (bench) => {
      const [a, b] = await pair(bench)
      await generating(a, b)
      const before = a.reports.length
      await a.module.configure({ ...ON })
      await blocks(2, a, b)
      const paused = a.reports.slice(before).some((report) => !report.generating)
      expect(!paused, "generation paused")
    }),
    check(
      "sees at both ends that the fibre is cut, and goes on by itself when mended",
      async (bench) => {
        const [a, b] = await pair(bench)
        await blocks(1, a, b)
        bench.link.cut()
        for (const end of [a, b]) {
          await until(() => end.last?.generating === false, PATIENCE_MS, "notice of the cut")
          expectEqual(end.last?.skrBps, 0, "rate without light")
          expect((end.last?.reason ?? "") !== "", "it gives no reason")
        }
        const before = a.blocks.length
        bench.link.mend()
        await generating(a, b)
        await blocks(before + 2, a, b)
        await bench.rest(a, b)
        expectOneStream(a, b)
      },
    ),
    check("never gives a block again, whichever end starts anew", async (bench) => {
      const seen = new Set<string>()
      let [a, b] = await pair(bench)
      for (const restarted of ["a", "b", "a"] as const) {
        await blocks(1, a, b)
        if (restarted === "a") {
          await a.module.close()
          expectUnseen(a, seen)
          a = await bench.open("a")
          await a.module.configure(ON)
        } else {
          await b.module.close()
          b = await bench.open("b")
          await b.module.configure(ON)
        }
      }
      await blocks(1, a)
      await bench.rest(a, b)
      expectUnseen(a, seen)
    }),
    check(
      "holds back for an end that is not read, and drops nothing of what the other got",
      async (bench) => {
        const a = await bench.open("a", { readKeys: false })
        const b = await bench.open("b", { readKeys: false })
        // An end that is told what the other holds is never ahead of it.
        const [unread, read] = b.module.offered === undefined ? [a, b] : [b, a]
        read.readKeys()
        await Promise.all([a.module.configure(ON), b.module.configure(ON)])
        await blocks(2, read)
        await pause(1500)
        const given = new Set(read.blocks.map((block) => block.id))
        unread.readKeys()
        const has = (): boolean => {
          const own = new Set(unread.blocks.map((block) => block.id))
          return [...given].every((id) => own.has(id))
        }
        await until(has, PATIENCE_MS, "every block the other end was given")
        await bench.rest(a, b)
        expectOneStream(a, b)
      },
    ),
    check("gives nothing after close, and takes no calls", async (bench) => {
      const [a, b] = await pair(bench)
      await blocks(1, a, b)
      await within(PATIENCE_MS, a.module.close(), "close")
      await within(PATIENCE_MS, a.ended, "the end of keys and reports")
      const before = a.blocks.length
      await pause(1200)
      expectEqual(a.blocks.length, before, "blocks after close")
      const error = await rejection(a.module.configure(ON), PATIENCE_MS, "configuring after close")
      expect(error instanceof QkdError, "the error is no QkdError")
      await within(PATIENCE_MS, a.module.close(), "closing twice")
    }),
    check("ends when its host is taken back", async (bench) => {
      const [a, b] = await pair(bench)
      await generating(a, b)
      await a.endHost()
      await within(PATIENCE_MS, a.ended, "the end of keys and reports")
    }),
    check("logs no key", async (bench) => {
      const [a, b] = await pair(bench)
      await blocks(3, a, b)
      bench.link.cut()
      await until(() => a.last?.generating === false, PATIENCE_MS, "notice of the cut")
      bench.link.mend()
      await blocks(4, a)
      await bench.rest(a, b)
      for (const end of [a, b]) {
        const log = end.log.join("\n")
        const shown = end.blocks.filter((block) => block.marks.some((mark) => log.includes(mark)))
        expectEqual(shown.length, 0, "blocks that show in the log")
      }
    }),
  ]
}

/** The ends, unless one of them gave what is no block: then that is the reason to fail. */
function sound(ends: readonly ModuleEnd[]): readonly ModuleEnd[] {
  for (const end of ends) end.assertSound()
  return ends
}

function expectSound(report: { generating: boolean; skrBps: number; qber?: number }): void {
  const { skrBps, qber } = report
  expect(Number.isFinite(skrBps) && skrBps >= 0, `rate ${skrBps}`)
  expect(qber === undefined || (qber >= 0 && qber <= 0.5), `QBER ${String(qber)} is no ratio`)
}
