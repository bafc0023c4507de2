// The YANG room beside libyang (through yanglint) in one run: the modules of the corpus, and 10,000 applications read and
// judged. Prints medians and ratios; asserts nothing. Needs yanglint and ETSI's files beside the checkout; the corpus is
// as large as what Debian has installed (libyuma-base). Run: npx tsx bench/yang-beside.ts

import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { YangSearch } from "../src/cli/yang-search.js"
import { checkData } from "../src/yang/check-data.js"
import { parseYang } from "../src/yang/parse.js"
import { compileSchema } from "../src/yang/schema.js"
import { corpus } from "../test/yang/corpus.js"
import { instanceSets, schemaOfSet } from "../test/yang/instances/sets.js"

function median(runs: number, work: () => unknown): number {
  work()
  const times: number[] = []
  for (let i = 0; i < runs; i++) {
    const start = performance.now()
    work()
    times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  return times[Math.floor(times.length / 2)] ?? NaN
}

function line(what: string, ours: number, theirs: number): void {
  const ratio = (theirs / ours).toFixed(2)
  console.log(
    `${what.padEnd(62)} ${ours.toFixed(0)} ms, yanglint ${theirs.toFixed(0)} ms: ${ratio} times its speed`,
  )
}

function yanglint(args: readonly string[], input = ""): void {
  const { status, stderr } = spawnSync("yanglint", args, { input, encoding: "utf8" })
  if (status !== 0) throw new Error(stderr)
}

/** ETSI's and the IETF's, drafts and our own wording of them included, submodules left to their modules. */
function modulesOfCorpus(): { readonly file: string; readonly folders: readonly string[] }[] {
  return corpus().filter(({ file }) => {
    const name = path.basename(file)
    // Both of us refuse this one.
    if (!/^(ietf|iana|etsi)-/.test(name) || name === "ietf-if-ethernet-like.yang") return false
    return !/^\s*submodule\s/m.test(readFileSync(file, "utf8"))
  })
}

function compileAll(folder: string): void {
  const modules = modulesOfCorpus()
  const searched = modules.map(({ file, folders }) => {
    const search = new YangSearch(folders)
    const { outline } = search.take(file)
    return { implement: [outline.name], found: search.modules }
  })
  const texts = new Map(searched.flatMap(({ found }) => found.map((f) => [f.file, f.text])))
  const parse = median(5, () => {
    for (const [file, text] of texts) parseYang(text, file)
  })
  console.log(`${`parse the ${texts.size} texts of the corpus`.padEnd(62)} ${parse.toFixed(0)} ms`)
  // Each by itself, with its imports parsed anew: what yanglint does as well.
  const ours = median(5, () => {
    for (const { implement, found } of searched)
      compileSchema(
        found.map(({ file, text }) => ({ name: file, text })),
        { implement, implementReferenced: true },
      )
  })
  const commands = modules.flatMap(({ file, folders }) => [
    "clear",
    ...folders.map((f) => `searchpath ${f}`),
    `add ${file}`,
  ])
  process.env["HOME"] = folder
  const theirs = median(5, () => {
    yanglint([], `${commands.join("\n")}\n`)
  })
  line(`parse and compile ${modules.length} ETSI and IETF modules, each by itself`, ours, theirs)
}

function judge(folder: string): void {
  const set = instanceSets(folder).find((s) => s.modules.at(-1)?.includes("etsi-qkd-sdn-node@"))
  if (set === undefined) return
  const schema = schemaOfSet(set)
  const id = (n: number): string => `${n.toString(16).padStart(8, "0")}-0000-4000-8000-000000000000`
  const apps = Array.from({ length: 10_000 }, (_, n) => ({
    app_id: id(n),
    app_type: "etsi-qkd-node-types:CLIENT",
    server_app_id: `sae-${n}`,
    client_app_id: [`sae-${n}-a`, `sae-${n}-b`],
    app_priority: n % 8,
    app_qos: { max_bandwidth: 4096, min_bandwidth: 256, jitter: 10, ttl: 3600 },
    backing_qkdl_id: [id(n % 100)],
    local_qkdn_id: id(1),
    remote_qkdn_id: id(2),
  }))
  const text = JSON.stringify({
    "etsi-qkd-sdn-node:qkd_node": { qkdn_id: id(1), qkd_applications: { qkd_app: apps } },
  })
  const file = path.join(folder, "apps.json")
  const empty = path.join(folder, "empty.json")
  writeFileSync(file, text)
  writeFileSync(empty, JSON.stringify({ "etsi-qkd-sdn-node:qkd_node": { qkdn_id: id(1) } }))
  const args = [...set.folders.flatMap((f) => ["-p", f]), "-t", "config", ...set.modules]
  const ours = median(9, () => {
    const [fault] = checkData(schema, text, "config")
    if (fault !== undefined) throw new Error(`${fault.path}: ${fault.message}`)
  })
  const withData = median(9, () => {
    yanglint([...args, file])
  })
  // Its start and its modules are not its judging.
  const withoutData = median(9, () => {
    yanglint([...args, empty])
  })
  line(
    `read and judge 10,000 applications, ${(text.length / 1e6).toFixed(1)} MB of JSON`,
    ours,
    withData - withoutData,
  )
}

const folder = mkdtempSync(path.join(tmpdir(), "keyloom-bench-"))
try {
  compileAll(folder)
  judge(folder)
} finally {
  rmSync(folder, { recursive: true })
}
