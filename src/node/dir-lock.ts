// One process a folder, a node's or a consumer's: a lock file in it, which names its holder by process id and start time, so
// that a lock left by a crash is not mistaken for one that is held. A second process must not even open the key
// store: it would make the first one refuse to write.

import { mkdir, open, readFile, rm } from "node:fs/promises"
import path from "node:path"
import { QkdError } from "../errors.js"

/** A lock that is being written is short of its text for an instant. */
const TRIES = 5
const TRY_MS = 20

/**
 * Takes the folder.
 *
 * @returns the way to let it go
 * @throws QkdError `in-use` while another process, or another node of this one, has it
 */
export async function lockFolder(dir: string): Promise<() => Promise<void>> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const file = path.join(dir, "lock")
  const mine = await holder(process.pid)
  for (let tried = 0; tried < TRIES; tried += 1) {
    if (await create(file, mine)) return () => rm(file, { force: true })
    const held = await readFile(file, "utf8").catch(() => "")
    const pid = Number(held.split(" ")[0])
    if (held !== "" && held === (await holder(pid)))
      throw new QkdError("in-use", `process ${pid} has taken ${dir}`)
    // Left by a process that is no more. Empty: maybe just being written.
    if (held === "") await new Promise((done) => setTimeout(done, TRY_MS))
    if (held !== "" || tried === TRIES - 2) await rm(file, { force: true })
  }
  throw new QkdError("in-use", `${file} cannot be taken`)
}

async function create(file: string, text: string): Promise<boolean> {
  try {
    const handle = await open(file, "wx", 0o600)
    await handle.writeFile(text).finally(() => handle.close())
    return true
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false
    throw new QkdError("operation-failed", `cannot write ${file}`, { cause: error })
  }
}

/** Process id and, where the system tells, its start time: ids are used again. Empty when there is no such process. */
async function holder(pid: number): Promise<string> {
  if (!Number.isInteger(pid) || pid <= 0) return ""
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined)
  // proc(5): the name in parentheses may hold anything; start time is field 22, the 20th after it.
  if (stat !== undefined) {
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    // A zombie holds nothing any more.
    return fields[0] === "Z" || fields[0] === "X" ? "" : `${pid} ${fields[19] ?? ""}`
  }
  try {
    process.kill(pid, 0)
    return `${pid} -`
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM" ? `${pid} -` : ""
  }
}
