// Threat D3: after a hundred known keys were delivered, the memory of the serving process holds none of them, as
// raw bytes, hex or base64. The same search finds them in a server that makes JSON strings.

import assert from "node:assert/strict"
import { execFile, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { type Found, keysInMemory } from "./memory-search.js"

const KEYS = 100

/** Every key begins alike (whole bytes, hex digits, base64 groups), so that one search finds them all. */
const prefix = randomBytes(6)

describe("a site that has delivered a hundred keys (D3)", function () {
  this.timeout(180_000)
  this.slow(10_000)
  const folder = mkdtempSync(path.join(tmpdir(), "keyloom-memory-"))

  after(() => {
    rmSync(folder, { recursive: true })
  })

  it("D3: keeps none of them in its memory", async function () {
    const found = await delivered()
    if (found === undefined) this.skip()
    assert.deepEqual(found, { latin1: 0, hex: 0, base64: 0 })
  })

  it("would keep most of them if it made JSON strings (control)", async function () {
    const found = await delivered("--leak")
    if (found === undefined) this.skip()
    assert.ok(found.base64 > KEYS / 2, JSON.stringify(found))
  })

  /** How many keys are found in each form; undefined where this machine does not let us look. */
  async function delivered(...flags: string[]): Promise<Found | undefined> {
    const keys = Array.from({ length: KEYS }, () => Buffer.concat([prefix, randomBytes(26)]))
    const keyFile = path.join(folder, "keys")
    writeFileSync(keyFile, Buffer.concat(keys), { mode: 0o600 })
    const script = fileURLToPath(new URL("./etsi014-memory-child.ts", import.meta.url))
    const child = spawn(
      process.execPath,
      ["--expose-gc", "--import", "tsx", script, keyFile, ...flags],
      {
        stdio: ["pipe", "pipe", "inherit"],
      },
    )
    try {
      const [line] = (await once(child.stdout, "data")) as [Buffer]
      const site = JSON.parse(line.toString()) as { port: number; folder: string }
      const got: string[] = []
      for (const number of [...new Array<number>(50).fill(1), 10, 40]) {
        got.push(...(await fetchKeys(site, number)))
      }
      assert.deepEqual(
        got,
        keys.map((key) => key.toString("base64")),
      )
      // An answer is wiped once it has left, a turn after the client has it: by the time another connection was
      // accepted and served, that is over.
      await fetchKeys(site, 1)
      return keysInMemory(child.pid ?? 0, keys, prefix)
    } finally {
      child.stdin.end()
      await once(child, "close")
    }
  }
})

async function fetchKeys(
  site: { port: number; folder: string },
  number: number,
): Promise<string[]> {
  const file = (name: string): string => path.join(site.folder, name)
  const { stdout } = await promisify(execFile)("curl", [
    ...[
      "--silent",
      "--cacert",
      file("ca.pem"),
      "--cert",
      file("alice.pem"),
      "--key",
      file("alice.key"),
    ],
    `https://127.0.0.1:${site.port}/api/v1/keys/bob/enc_keys?number=${number}`,
  ])
  const { keys } = JSON.parse(stdout) as { keys: { key: string }[] }
  return keys.map(({ key }) => key)
}
