// Where a node's sealing key comes from: a file, a systemd credential, the environment.

import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { openSealingKey } from "../../src/node/sealing-key.js"
import type { Secret } from "../../src/keys/secret.js"

describe("the key that seals a node's stores", () => {
  let dir: string
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), "keyloom-seal-"))
  })
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true })
  })
  const bytesOf = (key: Secret): Buffer => key.use((bytes) => Buffer.from(bytes))

  it("is made in its file at first start, for its owner only, and read from there ever after", async () => {
    const file = path.join(dir, "deep", "sealing.key")
    const made = await openSealingKey({ kind: "file", file })
    assert.deepEqual(bytesOf(made), readFileSync(file))
    assert.equal(statSync(file).mode & 0o777, 0o600)
    assert.deepEqual(bytesOf(await openSealingKey({ kind: "file", file })), bytesOf(made))
  })

  it("is the credential that systemd hands over", async () => {
    const bytes = randomBytes(32)
    writeFileSync(path.join(dir, "sealing"), bytes)
    const source = { kind: "credential", name: "sealing" } as const
    const key = await openSealingKey(source, { CREDENTIALS_DIRECTORY: dir })
    assert.deepEqual(bytesOf(key), bytes)
    await assert.rejects(openSealingKey(source, {}), { tag: "invalid-value" })
    // Never made here: what systemd does not hand over, it will not hand over next time either.
    const other = { kind: "credential", name: "other" } as const
    await assert.rejects(openSealingKey(other, { CREDENTIALS_DIRECTORY: dir }), {
      tag: "invalid-value",
    })
  })

  it("is taken out of the environment once it is read", async () => {
    const bytes = randomBytes(32)
    const environment: NodeJS.ProcessEnv = { SEAL: bytes.toString("base64"), HOME: "/" }
    const key = await openSealingKey({ kind: "variable", name: "SEAL" }, environment)
    assert.deepEqual(bytesOf(key), bytes)
    assert.deepEqual(environment, { HOME: "/" })
  })

  it("is refused when it has another size, without showing any of it", async () => {
    const short = randomBytes(31)
    writeFileSync(path.join(dir, "short"), short)
    const text = short.toString("base64")
    const attempts = [
      openSealingKey({ kind: "file", file: path.join(dir, "short") }),
      openSealingKey({ kind: "credential", name: "short" }, { CREDENTIALS_DIRECTORY: dir }),
      openSealingKey({ kind: "variable", name: "SEAL" }, { SEAL: text }),
      openSealingKey({ kind: "variable", name: "SEAL" }, {}),
    ]
    for (const attempt of attempts)
      await assert.rejects(attempt, (error: Error) => {
        assert.equal((error as { tag?: string }).tag, "invalid-value")
        assert.equal(error.message.includes(text.slice(0, 8)), false)
        return true
      })
  })
})
