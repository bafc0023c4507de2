// A small file that says how far something has come, written so that after a crash the old or the new one is there, whole.
// Knows nothing of what it says.

import { mkdir, open, readFile, rename } from "node:fs/promises"
import path from "node:path"
import { QkdError } from "../errors.js"

/** @returns undefined where there is none. @throws QkdError `operation-failed` when it cannot be read, `too-big` */
export async function readMarkFile(file: string, maxBytes = 65_536): Promise<string | undefined> {
  let bytes: Buffer
  try {
    bytes = await readFile(file)
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined
    throw new QkdError("operation-failed", `cannot read ${file}`, { cause })
  }
  if (bytes.length > maxBytes) throw new QkdError("too-big", `${file} is too big`)
  return bytes.toString("utf8")
}

/** Durable, old or new whole: written aside, synced, renamed, and the folder synced. */
export async function writeMarkFile(file: string, text: string): Promise<void> {
  const folder = path.dirname(file)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const aside = `${file}.new`
  await syncAndClose(aside, "w", text)
  await rename(aside, file)
  await syncAndClose(folder, "r")
}

async function syncAndClose(file: string, flags: string, text?: string): Promise<void> {
  const handle = await open(file, flags, 0o600)
  try {
    if (text !== undefined) await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}
