// RFC 7950 statement by statement: modules it allows and modules it forbids, some 800. Our verdict is the RFC's;
// yanglint's is ours, but for the cases named below.

import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { QkdError } from "../../src/errors.js"
import { compileSchema } from "../../src/yang/schema.js"
import { needYanglint } from "./fixture.js"
import { DATA } from "./statements/data.js"
import { DEVIATIONS } from "./statements/deviations.js"
import { MODULES } from "./statements/modules.js"
import { modulesOf } from "./statements/probe.js"
import { REUSE } from "./statements/reuse.js"
import { TYPES } from "./statements/types.js"
import { DIFFERING } from "./statements/differing.js"

const SECTIONS = [...MODULES, ...DATA, ...REUSE, ...DEVIATIONS, ...TYPES]

interface Probe {
  readonly section: string
  readonly valid: boolean
  readonly texts: Readonly<Record<string, string>>
  readonly shown: string
}

function* probes(): Iterable<Probe> {
  for (const section of SECTIONS)
    for (const [kind, version] of [
      ["valid", "1.1"],
      ["broken", "1.1"],
      ["valid10", "1"],
      ["broken10", "1"],
    ] as const)
      for (const text of section[kind] ?? []) {
        const inner = typeof text === "string" ? text : Object.values(text).join(" | ")
        yield {
          section: section.section,
          valid: kind.startsWith("valid"),
          texts: modulesOf(text, version),
          shown: version === "1" ? `1: ${inner}` : inner,
        }
      }
}

/** What is wrong with the module `m`; nothing if it is valid. */
function ourFault(texts: Readonly<Record<string, string>>): string | undefined {
  try {
    const sources = Object.entries(texts).map(([name, text]) => ({ name, text }))
    compileSchema(sources, { implement: ["m"], implementReferenced: true })
    return undefined
  } catch (error) {
    if (error instanceof QkdError && error.tag === "malformed-message") return error.message
    throw error
  }
}

/** yanglint's verdict on module `m` of a folder. */
function theirVerdict(folder: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn("yanglint", ["-p", folder, path.join(folder, "m.yang")], {
      stdio: "ignore",
    })
    child.on("error", reject)
    child.on("exit", (code) => {
      resolve(code === 0)
    })
  })
}

/** Do it for all, some at a time. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items]
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await work(next)
  }
  await Promise.all([worker(), worker(), worker()])
}

describe("YANG, statement by statement", () => {
  for (const section of SECTIONS)
    it(`${section.section}: what is allowed compiles, what is not is refused`, () => {
      const wrong: string[] = []
      for (const probe of probes()) {
        if (probe.section !== section.section) continue
        const fault = ourFault(probe.texts)
        if ((fault === undefined) !== probe.valid)
          wrong.push(`${probe.shown} is ${probe.valid ? `valid, but: ${fault ?? ""}` : "broken"}`)
      }
      assert.deepEqual(wrong, [])
    })

  it("has yanglint's verdict, but where it is known why not", async function () {
    needYanglint(this)
    this.timeout(240_000)
    const folder = mkdtempSync(path.join(tmpdir(), "keyloom-statements-"))
    try {
      const all = [...probes()]
      for (const [i, { texts }] of all.entries()) {
        mkdirSync(path.join(folder, `${i}`))
        for (const [name, text] of Object.entries(texts))
          writeFileSync(path.join(folder, `${i}`, `${name}.yang`), text)
      }
      const differing = new Set<string>()
      await each([...all.entries()], async ([i, probe]) => {
        if ((await theirVerdict(path.join(folder, `${i}`))) !== probe.valid)
          differing.add(`${probe.section}: ${probe.shown}`)
      })
      const known = DIFFERING.flatMap(({ probes: named }) => named)
      const isKnown = (d: string): boolean => known.some((k) => d === k || d.startsWith(`${k} | `))
      assert.deepEqual(
        [...differing].filter((d) => !isKnown(d)),
        [],
        "no unexplained differences",
      )
      console.error(`      ${all.length} modules, ${differing.size} verdicts differ, all explained`)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
