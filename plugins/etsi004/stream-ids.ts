// The ids of streams and blocks: both ends work them out alike from the link's id, and no block id ever comes twice.
// Where in the streams an end is, kept in a file.

import { createHash } from "node:crypto"
import { open, readFile, rename } from "node:fs/promises"
import { isObject, type JsonValue, QkdError } from "../../src/plugin/index.js"

/** Key_stream_ID of the link's stream `number`. */
export function streamIdOf(linkId: string, number: number): string {
  return uuidOf(`keyloom etsi004 stream ${linkId} ${number}`)
}

/** Id of the block that is chunk `index` of a stream. */
export function blockIdOf(ksid: string, index: number): string {
  return uuidOf(`keyloom etsi004 block ${ksid} ${index}`)
}

/** A name-based UUID (RFC 9562, version 8). */
function uuidOf(name: string): string {
  const bytes = createHash("sha256").update(name, "utf8").digest().subarray(0, 16)
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString("hex")
  const cuts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)]
  return [...cuts, hex.slice(20)].join("-")
}

export interface StreamState {
  /** Number of the stream this end is at; 0 before the first. */
  readonly number: number
  /** Whether the other end was there. */
  readonly met: boolean
}

/** @throws QkdError `malformed-message` for a file that is none of ours: a guess might give block ids twice. */
export async function readState(file: string): Promise<StreamState> {
  let text: string
  try {
    text = await readFile(file, "utf8")
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT")
      return { number: 0, met: false }
    throw new QkdError("data-missing", "the state file cannot be read", {
      path: "/options/stateFile",
      cause,
    })
  }
  let value: JsonValue | undefined
  try {
    value = JSON.parse(text) as JsonValue
  } catch {
    // Said below.
  }
  const { number, met } = isObject(value) ? value : {}
  if (typeof number === "number" && Number.isSafeInteger(number) && typeof met === "boolean")
    return { number, met }
  throw new QkdError("malformed-message", "the state file is none", { path: "/options/stateFile" })
}

/** On disk when this resolves. */
export async function writeState(file: string, state: StreamState): Promise<void> {
  const draft = `${file}.new`
  const handle = await open(draft, "w", 0o600)
  try {
    await handle.writeFile(JSON.stringify(state))
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(draft, file)
}
