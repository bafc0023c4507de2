// The process whose memory secret-memory.test.ts searches: it makes secrets in one way from the keys of a file, lets the
// collector run, wipes them and waits. With the way `heap` it keeps them as any program would (the positive control).

import { closeSync, openSync, readSync } from "node:fs"
import { readBase64, writeBase64 } from "../../src/keys/base64.js"
import { takeSecrets } from "../../src/keys/secret-json.js"
import { Secret } from "../../src/keys/secret.js"
import { unmovedBytes } from "../../src/unmoved.js"

const KEY_BYTES = 32
const [, , keyFile = "", way = "", count = "0"] = process.argv

/** The next key of the file, in memory of its own that is wiped after `use`. */
function lend<T>(fd: number, use: (bytes: Uint8Array) => T): T {
  const bytes = unmovedBytes(KEY_BYTES)
  readSync(fd, bytes, 0, KEY_BYTES, null)
  try {
    return use(bytes)
  } finally {
    bytes.fill(0)
  }
}

const BEFORE = Buffer.from('{"keys":[{"key":"')
const AFTER = Buffer.from('"}]}')

const ways: Record<string, (fd: number) => { wipe: () => void }[]> = {
  take: (fd) => [lend(fd, (bytes) => Secret.take(bytes))],
  zero: (fd) => {
    const secret = Secret.zero(KEY_BYTES)
    secret.use((own) => {
      lend(fd, (bytes) => {
        own.set(bytes)
      })
    })
    return [secret]
  },
  slice: (fd) => {
    const whole = lend(fd, (bytes) => Secret.take(bytes))
    return [whole, whole.slice(0, KEY_BYTES)]
  },
  cut: (fd) => lend(fd, (bytes) => Secret.take(bytes)).cut(0, KEY_BYTES, 1),
  divide: (fd) => lend(fd, (bytes) => Secret.take(bytes)).divide(0, KEY_BYTES, 1),
  base64: (fd) => {
    const text = unmovedBytes(44)
    lend(fd, (bytes) => writeBase64(bytes, text, 0))
    const secret = readBase64(text)
    text.fill(0)
    return [secret]
  },
  json: (fd) => {
    const body = unmovedBytes(BEFORE.length + 44 + AFTER.length)
    body.set(BEFORE)
    body.set(
      AFTER,
      lend(fd, (bytes) => writeBase64(bytes, body, BEFORE.length)),
    )
    const secrets = takeSecrets(body, "keys", "key")
    body.fill(0)
    return secrets
  },
  heap: (fd) => {
    const copy = lend(fd, (bytes) => Uint8Array.from(bytes))
    return [{ wipe: () => void copy.fill(0) }]
  },
}

const fd = openSync(keyFile, "r")
const make = ways[way]
if (make === undefined) throw new Error(`no such way: ${way}`)
const secrets = Array.from({ length: Number(count) }, () => make(fd))
closeSync(fd)
for (let i = 0; i < 2; i++) globalThis.gc?.({ type: "minor", execution: "sync" })
for (const secret of secrets.flat()) secret.wipe()
process.stdout.write("wiped\n")
process.stdin.resume()
