// Writes a small file so that after a crash either the old or the new one is there, whole.

import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs"
import path from "node:path"

/** @param mode permissions of the file; its folder is made with 0700 where missing. */
export function writeFileDurably(file: string, content: string | Uint8Array, mode: number): void {
  const dir = path.dirname(file)
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const draft = path.join(dir, `.${path.basename(file)}.${process.pid}.draft`)
  const fd = openSync(draft, "w", mode)
  try {
    writeSync(fd, typeof content === "string" ? Buffer.from(content) : content)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(draft, file)
  const folder = openSync(dir, "r")
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
