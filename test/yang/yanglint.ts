// yanglint, asked about many things at once.

import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"

function run(
  args: readonly string[],
  input: string,
): Promise<{ status: number | null; out: string; err: string }> {
  const home = mkdtempSync(path.join(tmpdir(), "keyloom-yanglint-"))
  return new Promise((resolve, reject) => {
    const child = spawn("yanglint", args, { env: { ...process.env, HOME: home } })
    let out = ""
    let err = ""
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()))
    child.stdin.on("error", () => undefined)
    child.stdin.end(input)
    child.on("error", reject)
    child.on("close", (status) => {
      rmSync(home, { recursive: true })
      resolve({ status, out, err })
    })
  })
}

export interface ModuleToTry {
  readonly name: string
  readonly file: string
  readonly folders: readonly string[]
}

/**
 * Does it compile each of these modules, each by itself? In one process, which keeps what it has read of a folder: not
 * for modules whose imports have one name and several texts.
 */
export async function acceptedModules(
  modules: readonly ModuleToTry[],
): Promise<readonly boolean[]> {
  const commands = modules.flatMap(({ file, folders }) => [
    "clear",
    "searchpath --clear",
    ...folders.map((folder) => `searchpath ${folder}`),
    `add ${file}`,
    "list",
  ])
  const { out } = await run([], `${commands.join("\n")}\n`)
  const lists = out.split("List of the loaded models:").slice(1)
  if (lists.length !== modules.length) throw new Error(`yanglint ended early: ${out.slice(-500)}`)
  // Implemented is what was added and taken.
  return modules.map(({ name }, i) => new RegExp(`^\\s+I ${name}(@|$)`, "m").test(lists[i] ?? ""))
}

/** The same with a process for each. */
export async function acceptedModule({ file, folders }: ModuleToTry): Promise<boolean> {
  const { status } = await run([...folders.flatMap((f) => ["-p", f]), file], "")
  return status === 0
}

/**
 * Which of many files with data it refuses, all of the same modules: by file, with what it says.
 *
 * @throws Error when it does not take the modules.
 */
export async function refusedFiles(
  modules: readonly string[],
  folders: readonly string[],
  files: readonly { readonly file: string; readonly type: string }[],
): Promise<ReadonlyMap<string, string>> {
  const commands = [
    ...folders.map((folder) => `searchpath ${folder}`),
    ...modules.map((module) => `${module.includes("/") ? "add" : "load"} ${module}`),
    ...files.map(({ file, type }) => `data -t ${type} ${file}`),
  ]
  const { err } = await run([], `${commands.join("\n")}\n`)
  const refused = new Map<string, string>()
  let said = ""
  for (const line of err.split("\n")) {
    const failed = /Failed to parse input data file "(.*)"/.exec(line)
    if (failed?.[1] !== undefined) {
      refused.set(failed[1], said.trim())
      said = ""
    } else if (/(Loading|Parsing schema) module .* failed/.test(line))
      throw new Error(`yanglint: ${line} ${said}`)
    else if (line.includes("YANGLINT[W]")) said = ""
    else said += `${line} `
  }
  return refused
}

/**
 * The same for what an operation takes or gives and what a notification tells: a process for each, since yanglint 2.1
 * does not survive all of these in one.
 *
 * @param modules files.
 */
export async function refusedOperations(
  modules: readonly string[],
  folders: readonly string[],
  files: readonly { readonly file: string; readonly type: string }[],
): Promise<ReadonlyMap<string, string>> {
  const refused = new Map<string, string>()
  const waiting = [...files]
  const worker = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { file, type } = next
      const searched = folders.flatMap((folder) => ["-p", folder])
      const { status, err } = await run([...searched, "-t", type, ...modules, file], "")
      // A crash is no verdict; none of these crash when they are alone.
      if (status === null) throw new Error(`yanglint crashed on ${file}`)
      const faults = err.split("\n").filter((line) => line.startsWith("libyang err"))
      if (status !== 0) refused.set(file, faults.join(" ") || "refused")
    }
  }
  await Promise.all([worker(), worker(), worker()])
  return refused
}
