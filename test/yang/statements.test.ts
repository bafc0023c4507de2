// RFC 7950 statement by statement: modules it allows and modules it forbids, some 800. Our verdict is the RFC's;
// yanglint's is ours, but for the cases named below.

import assert from "node:assert/strict"
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
import { acceptedModule, acceptedModules } from "./yanglint.js"
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
      const tried = all.map((probe, i) => {
        const own = path.join(folder, `${i}`)
        return { probe, name: "m", file: path.join(own, "m.yang"), folders: [own] }
      })
      const lone = tried.filter(({ probe }) => Object.keys(probe.texts).length === 1)
      const others = tried.filter((one) => !lone.includes(one))
      const note = ({ section, valid, shown }: Probe, accepted: boolean): void => {
        if (accepted !== valid) differing.add(`${section}: ${shown}`)
      }
      for (const [i, accepted] of (await acceptedModules(lone)).entries()) {
        const probe = lone[i]?.probe
        if (probe !== undefined) note(probe, accepted)
      }
      const worker = async (): Promise<void> => {
        for (let one = others.pop(); one !== undefined; one = others.pop())
          note(one.probe, await acceptedModule(one))
      }
      await Promise.all([worker(), worker(), worker()])
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
