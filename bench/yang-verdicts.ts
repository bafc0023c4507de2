// Prints the table of verdicts beside yanglint as it stands in docs/COMPLIANCE.md ("Verdicts beside yanglint"). What it
// counts is held by test/yang/{corpus,statements,instances}.test.ts. Run: npx tsx bench/yang-verdicts.ts

import { readFileSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { checkYang } from "../src/cli/yang-check.js"
import { corpusFolders, corpus } from "../test/yang/corpus.js"
import { drawAndCompare } from "../test/yang/instances/compare.js"
import type { Drawn } from "../test/yang/instances/compare.js"
import { EXPLAINED } from "../test/yang/instances/explained.js"
import { instanceSets } from "../test/yang/instances/sets.js"
import { DIFFERING } from "../test/yang/statements/differing.js"
import { acceptedModule } from "../test/yang/yanglint.js"

const SEEDS = [1, 2, 3, 4]

/** A folder as a reader knows it. */
function named(folder: string): string {
  const at = folder.indexOf("etsi-qkd-yang")
  if (at >= 0) return `ETSI${folder.slice(at + "etsi-qkd-yang".length).replaceAll("/", " ")}`
  const own = /\/yang\/(ietf|etsi|own)$/.exec(folder)
  if (own !== null && !folder.startsWith("/usr/")) return `ours, yang/${own[1] ?? ""}`
  return folder
}

async function modules(): Promise<void> {
  console.log("| modules of | compiled by both | refused by both | verdicts differ |")
  console.log("|---|---|---|---|")
  const all = corpus()
  let total = 0
  for (const { folder } of corpusFolders()) {
    let both = 0
    const neither: string[] = []
    const differ: string[] = []
    for (const { file, folders } of all.filter(
      (m) => path.dirname(m.file) === path.resolve(folder),
    )) {
      if (/^\s*submodule\s/m.test(readFileSync(file, "utf8"))) continue
      const theirs = await acceptedModule({ name: "", file, folders })
      const ours = checkYang([file], { path: folders, type: "data" }).valid
      const name = path.basename(file)
      if (ours !== theirs) differ.push(name)
      else if (ours) both += 1
      else neither.push(name)
      total += 1
    }
    console.log(
      `| ${named(folder)} | ${both} | ${neither.join(", ") || "-"} | ${differ.join(", ") || "-"} |`,
    )
  }
  console.log(`\n${total} modules.\n`)
}

async function documents(folder: string): Promise<void> {
  console.log("| documents of | valid for both | refused by both | verdicts differ |")
  console.log("|---|---|---|---|")
  const differing: Drawn[] = []
  let total = 0
  for (const set of instanceSets(folder)) {
    const drawn: Drawn[] = []
    for (const seed of SEEDS) drawn.push(...(await drawAndCompare(set, seed, 12, folder)))
    const same = drawn.filter((d) => (d.ours === undefined) === (d.theirs === undefined))
    differing.push(...drawn.filter((d) => !same.includes(d)))
    total += drawn.length
    const valid = same.filter((d) => d.ours === undefined).length
    console.log(
      `| ${drawn[0]?.set ?? ""} | ${valid} | ${same.length - valid} | ${drawn.length - same.length} |`,
    )
  }
  console.log(
    `\n${total} documents, seeds ${SEEDS.join(", ")}; ${differing.length} verdicts differ:\n`,
  )
  for (const { why, fits } of EXPLAINED) console.log(`- ${differing.filter(fits).length}: ${why}`)
  const rest = differing.filter((d) => !EXPLAINED.some(({ fits }) => fits(d))).length
  console.log(`- ${rest}: not explained`)
}

const folder = mkdtempSync(path.join(tmpdir(), "keyloom-verdicts-"))
try {
  await modules()
  await documents(folder)
  console.log("\nStatements of RFC 7950, where yanglint differs:\n")
  for (const { why, yanglint, probes } of DIFFERING)
    console.log(`- ${probes.length}, yanglint ${yanglint}: ${why}`)
} finally {
  rmSync(folder, { recursive: true })
}
