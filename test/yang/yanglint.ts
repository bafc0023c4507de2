// yanglint, asked about many things at once.

import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"

function run(
  args: readonly string[],
  input: string,
): Promise<{ status: number | null; text: string }> {
  const home = mkdtempSync(path.join(tmpdir(), "keyloom-yanglint-"))
  return new Promise((resolve, reject) => {
    const child = spawn("yanglint", args, { env: { ...process.env, HOME: home } })
    let text = ""
    const add = (chunk: Buffer): void => {
      text += chunk.toString()
    }
    child.stdout.on("data", add)
    child.stderr.on("data", add)
    child.stdin.on("error", () => undefined)
    child.stdin.end(input)
    child.on("error", reject)
    child.on("close", (status) => {
      rmSync(home, { recursive: true })
      resolve({ status, text })
    })
  })
}

/** Does it compile a module? */
export async function acceptsModule(file: string, folders: readonly string[]): Promise<boolean> {
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
  const { text } = await run([], `${commands.join("\n")}\n`)
  const refused = new Map<string, string>()
  let said = ""
  for (const line of text.split("\n")) {
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
