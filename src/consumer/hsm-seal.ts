// Long-term storage: seals a file under the next preloaded key, inside the token, and opens such a file at either end.

import { randomBytes } from "node:crypto"
import { existsSync } from "node:fs"
import { type FileHandle, link, open, rename, rm } from "node:fs/promises"
import path from "node:path"
import { QkdError } from "../errors.js"
import type { HsmIndex } from "./hsm-index.js"
import type { HsmToken } from "./hsm-token.js"
import {
  HEADER_BYTES,
  makeHeader,
  nonceOf,
  readHeader,
  SEALED_SEGMENT_BYTES,
  SEGMENT_BYTES,
} from "./sealed-file.js"

/**
 * Seals `input` into `output`. The key is used up first, durably: one whose file did not come about is destroyed unused.
 *
 * @returns the key's id
 * @throws QkdError `resource-denied` app-tag `pool-empty`, `data-exists` when `output` is there, `invalid-value` when
 * `input` cannot be read
 */
export async function sealFile(
  index: HsmIndex,
  token: HsmToken,
  peer: string,
  files: { readonly input: string; readonly output: string },
  nowMs: number,
): Promise<string> {
  return transform(files, async (from, to) => {
    const { keyId } = index.claim(peer, nowMs)
    try {
      const header = makeHeader(keyId, randomBytes)
      await to.writeFile(header.bytes)
      for await (const { bytes, at, last } of segments(from, SEGMENT_BYTES)) {
        const nonce = nonceOf(header, at, last)
        await to.writeFile(await token.encrypt(keyId, nonce, header.bytes, bytes))
        bytes.fill(0)
      }
    } catch (fault) {
      index.change([keyId], ["used"], (key) => ({ ...key, state: "retiring" }))
      throw fault
    }
    // The token itself refuses a second sealing, even to whoever brings back an old index.
    await token.spend(keyId)
    index.change([keyId], ["used"], (key) => ({ ...key, spent: true }))
    return keyId
  })
}

/**
 * Opens `input` into `output`, which appears only when every segment was found whole and in place.
 *
 * @returns the key's id
 * @throws QkdError `malformed-message` no sealed file, `data-missing` the token has not the key, `invalid-value` changed,
 * cut or mixed up, `data-exists` when `output` is there
 */
export async function openFile(
  token: HsmToken,
  files: { readonly input: string; readonly output: string },
): Promise<string> {
  return transform(files, async (from, to) => {
    const start = Buffer.alloc(HEADER_BYTES)
    const { bytesRead } = await from.read(start, 0, HEADER_BYTES)
    const header = readHeader(start.subarray(0, bytesRead))
    for await (const { bytes, at, last } of segments(from, SEALED_SEGMENT_BYTES)) {
      const plain = await token.decrypt(
        header.keyId,
        nonceOf(header, at, last),
        header.bytes,
        bytes,
      )
      await to.writeFile(plain)
      plain.fill(0)
    }
    return header.keyId
  })
}

interface Segment {
  readonly bytes: Buffer
  readonly at: number
  readonly last: boolean
}

/** At least one segment, the last one possibly empty. Reads one ahead to know which is the last. */
async function* segments(from: FileHandle, size: number): AsyncGenerator<Segment> {
  let held = await readFull(from, size)
  for (let at = 0; ; at++) {
    const next = held.length < size ? Buffer.alloc(0) : await readFull(from, size)
    const last = next.length === 0
    yield { bytes: held, at, last }
    if (last) return
    held = next
  }
}

async function readFull(from: FileHandle, size: number): Promise<Buffer> {
  const bytes = Buffer.alloc(size)
  let length = 0
  while (length < size) {
    const { bytesRead } = await from.read(bytes, length, size - length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return bytes.subarray(0, length)
}

/** Writes beside the output and gives it its name only when all of it is on the disk. */
async function transform<T>(
  { input, output }: { readonly input: string; readonly output: string },
  work: (from: FileHandle, to: FileHandle) => Promise<T>,
): Promise<T> {
  if (existsSync(output)) throw taken(output)
  let from: FileHandle
  try {
    from = await open(input, "r")
  } catch (cause) {
    throw new QkdError("invalid-value", `cannot read ${input}`, { cause })
  }
  const partial = path.join(
    path.dirname(output),
    `.${path.basename(output)}.${randomBytes(6).toString("hex")}.partial`,
  )
  try {
    let to: FileHandle
    try {
      to = await open(partial, "wx", 0o600)
    } catch (cause) {
      throw new QkdError("invalid-value", `cannot write beside ${output}`, { cause })
    }
    try {
      const result = await work(from, to)
      await to.sync()
      await publish(partial, output)
      return result
    } finally {
      await to.close()
    }
  } finally {
    await from.close()
    await rm(partial, { force: true })
  }
}

/** A name that is taken meanwhile stays as it is, where the file system has hard links. */
async function publish(partial: string, output: string): Promise<void> {
  try {
    await link(partial, output)
  } catch (cause) {
    if (Reflect.get(Object(cause), "code") === "EEXIST") throw taken(output)
    await rename(partial, output)
  }
}

function taken(output: string): QkdError {
  return new QkdError("data-exists", `${output} is there already`)
}
