// Threat D3: a wiped secret is nowhere in the process's memory, though the collector ran while it was in use. V8 moves
// small typed arrays, and what it moves it leaves behind.

import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { type Found, keysInMemory } from "../node/memory-search.js"

const KEYS = 200
const NOTHING: Found = { latin1: 0, hex: 0, base64: 0 }

describe("a secret that was wiped (D3)", function () {
  this.timeout(120_000)
  this.slow(10_000)
  const folder = mkdtempSync(path.join(tmpdir(), "keyloom-secret-"))

  after(() => {
    rmSync(folder, { recursive: true })
  })

  for (const way of ["take", "zero", "slice", "cut", "divide", "base64", "json"]) {
    it(`D3: leaves no copy where the collector moved it from (${way})`, async function () {
      const found = await leftBy(way)
      if (found === undefined) this.skip()
      assert.deepEqual(found, NOTHING)
    })
  }

  it("would leave copies if it were an ordinary small array (control)", async function () {
    const found = await leftBy("heap")
    if (found === undefined) this.skip()
    assert.ok(found.latin1 > KEYS / 2, JSON.stringify(found))
  })

  async function leftBy(way: string): Promise<Found | undefined> {
    const prefix = randomBytes(6)
    const keys = Array.from({ length: KEYS }, () => Buffer.concat([prefix, randomBytes(26)]))
    const keyFile = path.join(folder, `keys-${way}`)
    writeFileSync(keyFile, Buffer.concat(keys), { mode: 0o600 })
    const script = fileURLToPath(new URL("./secret-memory-child.ts", import.meta.url))
    const child = spawn(
      process.execPath,
      ["--expose-gc", "--import", "tsx", script, keyFile, way, String(KEYS)],
      { stdio: ["pipe", "pipe", "inherit"] },
    )
    try {
      const [line] = (await once(child.stdout, "data")) as [Buffer]
      assert.equal(line.toString(), "wiped\n")
      return keysInMemory(child.pid ?? 0, keys, prefix)
    } finally {
      child.stdin.end()
      await once(child, "close")
    }
  }
})
