import assert from "node:assert/strict"
import { type ChildProcess, fork } from "node:child_process"
import { randomInt } from "node:crypto"
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { open } from "lmdb"
import { QkdError } from "../../src/errors.js"
import { openEmbeddedStore } from "../../src/store/embedded.js"
import { MemoryStore } from "../../src/store/memory.js"
import { storeConformance } from "./conformance.js"

const fresh = (): string => mkdtempSync(path.join(tmpdir(), "keyloom-store-"))
const remove = (dir: string): void => {
  rmSync(dir, { recursive: true, force: true })
}

storeConformance(
  "memory",
  () => ({
    open: () => Promise.resolve(new MemoryStore()),
    reopen: (store) => Promise.resolve(store),
    dispose: () => undefined,
  }),
  { forgets: true },
)

storeConformance("embedded", () => {
  const dir = fresh()
  return {
    open: () => Promise.resolve(openEmbeddedStore(dir)),
    reopen: async (store) => {
      await store.close()
      return openEmbeddedStore(dir)
    },
    dispose: () => {
      remove(dir)
    },
  }
})

describe("the embedded store on its disk", () => {
  it("is nobody else's to read", async () => {
    const dir = path.join(fresh(), "db")
    const store = openEmbeddedStore(dir)
    assert.equal(statSync(dir).mode & 0o777, 0o700)
    await store.close()
    remove(path.dirname(dir))
  })

  it("refuses what a newer program wrote, naming both formats", async () => {
    const dir = fresh()
    const db = open<unknown, string>({ path: dir, encoding: "json", noSubdir: false })
    await db.put("meta/format", 99)
    await db.close()
    assert.throws(
      () => openEmbeddedStore(dir),
      (e: unknown) =>
        e instanceof QkdError && /format 99/.test(e.message) && /knows 1/.test(e.message),
    )
    remove(dir)
  })

  it("has every commit it acknowledged, whole, when its process is killed at any moment", async function () {
    this.timeout(180_000)
    const dir = fresh()
    let acknowledged = 0
    for (let round = 0; round < 8; round += 1) {
      const child: ChildProcess = fork(
        fileURLToPath(new URL("writer.ts", import.meta.url)),
        [dir],
        {
          execArgv: ["--import", "tsx"],
          stdio: ["ignore", "ignore", "inherit", "ipc"],
        },
      )
      await new Promise<void>((resolve, reject) => {
        child.once("error", reject)
        child.once("exit", () => {
          resolve()
        })
        let commits = 0
        child.on("message", (revision: number) => {
          acknowledged = Math.max(acknowledged, revision)
          // However slow the disk is, some are made in every round.
          if (++commits !== 3) return
          setTimeout(() => child.kill("SIGKILL"), 20 + randomInt(200))
        })
      })
      const store = openEmbeddedStore(dir)
      const { revision, changes } = await store.load()
      await store.close()
      assert(revision >= acknowledged, `acknowledged ${acknowledged}, found ${revision}`)
      // The writer puts its revision into three entries at once: all or none of them are there.
      const reasons = changes.map((c) => (c.kind === "service" ? c.value?.reason : undefined))
      assert.deepEqual(new Set(reasons), new Set([String(revision)]))
      assert.equal(changes.length, 3)
    }
    assert(acknowledged > 20, `only ${acknowledged} commits were tried`)
    remove(dir)
  })
})
