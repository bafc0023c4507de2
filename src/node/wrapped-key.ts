// The file that holds a node's sealing key, wrapped under a key-encryption key in a token. Of no use without that token.
// Two keys stand in it while a rotation is under way: the one in force, and the one to come.

import { randomBytes } from "node:crypto"
import { mkdir, open, readFile, rename } from "node:fs/promises"
import path from "node:path"
import { QkdError } from "../errors.js"
import { isObject, type JsonValue } from "../yang/json-text.js"

export interface WrappedKey {
  /** CKA_ID of the key-encryption key, 16 bytes in hexadecimal. */
  readonly kekId: string
  readonly nonce: Buffer
  /** AES-256-GCM, its tag at the end. */
  readonly sealed: Buffer
}

export interface WrappedKeyFile {
  readonly current: WrappedKey
  readonly next?: WrappedKey
}

const KEK_ID = /^[0-9a-f]{32}$/
const NONCE_BYTES = 12
const SEALED_BYTES = 48

/**
 * Undefined when there is no such file.
 *
 * @throws QkdError `invalid-value` with the place of the fault.
 */
export async function readWrappedKey(file: string): Promise<WrappedKeyFile | undefined> {
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined
    throw new QkdError("invalid-value", `cannot read ${file}`, { cause })
  })
  if (text === undefined) return undefined
  const fault = (what: string): QkdError =>
    new QkdError("invalid-value", `${file} is no wrapped sealing key: ${what}`)
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch {
    throw fault("not JSON")
  }
  if (!isObject(value)) throw fault("not an object")
  const { version, current, next, ...rest } = value
  if (version !== 1) throw fault("/version is not 1")
  const [unknown] = Object.keys(rest)
  if (unknown !== undefined) throw fault(`/${unknown} is unknown`)
  const one = (found: JsonValue | undefined, at: string): WrappedKey => {
    if (!isObject(found)) throw fault(`${at} is missing`)
    const { kek_id: kekId, nonce, sealed } = found
    if (typeof kekId !== "string" || !KEK_ID.test(kekId)) throw fault(`${at}/kek_id`)
    const bytes = (member: unknown, name: string, length: number): Buffer => {
      const read = typeof member === "string" ? Buffer.from(member, "base64") : Buffer.alloc(0)
      if (read.length !== length || read.toString("base64") !== member) throw fault(`${at}/${name}`)
      return read
    }
    return {
      kekId,
      nonce: bytes(nonce, "nonce", NONCE_BYTES),
      sealed: bytes(sealed, "sealed", SEALED_BYTES),
    }
  }
  return {
    current: one(current, "/current"),
    ...(next !== undefined && { next: one(next, "/next") }),
  }
}

/** Whole and durable, or as it was. */
export async function writeWrappedKey(file: string, keys: WrappedKeyFile): Promise<void> {
  const one = ({ kekId, nonce, sealed }: WrappedKey): object => ({
    kek_id: kekId,
    nonce: nonce.toString("base64"),
    sealed: sealed.toString("base64"),
  })
  const { current, next } = keys
  const text = JSON.stringify({
    version: 1,
    current: one(current),
    ...(next !== undefined && { next: one(next) }),
  })
  const dir = path.dirname(file)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const fresh = `${file}.${randomBytes(4).toString("hex")}.new`
  const handle = await open(fresh, "wx", 0o600)
  try {
    await handle.writeFile(`${text}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(fresh, file)
  const folder = await open(dir, "r")
  await folder.sync().finally(() => folder.close())
}
