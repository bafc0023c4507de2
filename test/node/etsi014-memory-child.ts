// The process whose memory etsi014-memory.test.ts searches: an 014 server that hands out keys from a file.
// With `--leak` it also makes the JSON strings that a naive server would make: the positive control.

import { closeSync, openSync, readSync } from "node:fs"
import { randomUUID } from "node:crypto"
import { Secret } from "../../src/keys/secret.js"
import { unmovedBytes } from "../../src/unmoved.js"
import type { EndKey } from "../../src/node/ports.js"
import { Sites } from "./etsi014-site.js"
import { FakeKeyManager } from "./fakes-014.js"

const [, , keyFile = "", leak] = process.argv
const KEY_BYTES = 32

function collect(): void {
  for (let i = 0; i < 2; i++) globalThis.gc?.({ type: "minor", execution: "sync" })
}

class FileKeyManager extends FakeKeyManager {
  readonly #fd = openSync(keyFile, "r")

  override make(_master: string, _slaves: readonly string[], count: number): EndKey[] {
    const keys = Array.from({ length: count }, () => {
      const bytes = unmovedBytes(KEY_BYTES)
      readSync(this.#fd, bytes, 0, KEY_BYTES, null)
      return { keyId: randomUUID(), key: Secret.take(bytes) }
    })
    // What the collector can move it moves now, while the keys are in use.
    collect()
    if (leak === "--leak") this.#asJson(keys)
    return keys
  }

  /** As a server would that answers with JSON.stringify: the result is garbage at once. */
  #asJson(keys: readonly EndKey[]): number {
    const entries = keys.map(({ keyId, key }) => ({
      key_ID: keyId,
      key: key.use((bytes) => Buffer.from(bytes).toString("base64")),
    }))
    return Buffer.from(JSON.stringify({ keys: entries })).length
  }

  close(): void {
    closeSync(this.#fd)
  }
}

const sites = new Sites()
const keyManager = new FileKeyManager()
sites.keysReady()
keyManager.ready = true
await sites.serve({ keyManager })
process.stdout.write(`${JSON.stringify({ port: sites.port, folder: sites.folder })}\n`)
process.stdin.resume()
process.stdin.once("end", () => {
  keyManager.close()
  void sites.close()
})
