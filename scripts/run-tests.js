// Runs the tests in three processes side by side: most of what each does is wait for others' programs. Networks of many
// processes (demo) stay together in one, so that two of them never want the same port. Arguments: test files; then one
// process runs them. Ends with the counts of all in the file that KEYLOOM_TEST_COUNTS names.
import { spawn } from "node:child_process"
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import path from "node:path"

/** Folders of test/ by the process that runs them, each about as long; those not named run in the last. */
const PROCESSES = {
  demos: ["chaos", "dashboard", "demo", "scenario"],
  consumers: ["consumer", "interop", "keys", "plan", "store", "yang"],
  others: [],
}

const countsFile = process.env.KEYLOOM_TEST_COUNTS ?? ".cache/test-counts.json"

/** @returns {string[]} */
function testFiles() {
  return readdirSync("test", { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => path.join("test", name))
    .sort()
}

/** @param {string[]} files @param {boolean} live whether its report is shown as it grows, or at the end */
function run(files, live, name) {
  const counts = `${countsFile}.${name}`
  rmSync(counts, { force: true })
  const args = [
    "node_modules/mocha/bin/mocha.js",
    "--exit",
    "--reporter",
    "test/support/reporter.cjs",
    ...files,
  ]
  const child = spawn(process.execPath, args, {
    stdio: ["ignore", live ? "inherit" : "pipe", live ? "inherit" : "pipe"],
    env: { ...process.env, KEYLOOM_TEST_COUNTS: counts },
  })
  const report = []
  child.stdout?.on("data", (chunk) => report.push(chunk))
  child.stderr?.on("data", (chunk) => report.push(chunk))
  return new Promise((resolve) => {
    child.once("close", (status) => {
      resolve({ status: status ?? 1, report: Buffer.concat(report), counts })
    })
  })
}

const given = process.argv.slice(2)
const all = testFiles()
const named = Object.values(PROCESSES).flat()
const folderOf = (file) => file.split(path.sep)[1] ?? ""
const filesOf = (folders) =>
  all.filter((file) =>
    folders.length > 0 ? folders.includes(folderOf(file)) : !named.includes(folderOf(file)),
  )
const runs = await Promise.all(
  given.length > 0
    ? [run(given, true, "all")]
    : Object.entries(PROCESSES).map(([name, folders], at) => run(filesOf(folders), at === 0, name)),
)
const sum = { passes: 0, failures: 0, pending: 0 }
const failed = []
const seconds = {}
for (const { status, report, counts } of runs) {
  process.stdout.write(report)
  let own = { passes: 0, failures: 0, pending: 0, failed: [], seconds: {} }
  try {
    own = JSON.parse(readFileSync(counts, "utf8"))
  } catch {
    own.failures = 1
  }
  if (status !== 0 && own.failures === 0) own.failures = 1
  for (const key of Object.keys(sum)) sum[key] += own[key]
  failed.push(...own.failed)
  Object.assign(seconds, own.seconds)
}
const slowest = Object.entries(seconds).sort(([, a], [, b]) => b - a)
const shown = slowest.slice(0, 12).map(([file, s]) => `${file} ${Math.round(s)} s`)
console.log(`slowest: ${shown.join(", ")}`)
// Once more at the end, where whoever sees only the last lines of a long run finds it.
for (const { title, error } of failed) {
  console.log(`FAILED: ${title}\n${error.slice(0, 2000).replace(/^/gm, "    ")}`)
}
writeFileSync(countsFile, JSON.stringify({ ...sum, seconds }))
process.exitCode = sum.failures === 0 ? 0 : 1
