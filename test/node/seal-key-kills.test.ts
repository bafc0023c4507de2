// A rotation of the sealing key that is killed with SIGKILL at any moment leaves a key that opens the store, and is
// finished by the next one. More kills by KEYLOOM_SEAL_KILLS.

import assert from "node:assert/strict"
import { spawn } from "node:child_process"
import { randomBytes, randomInt } from "node:crypto"
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { makeTokens, noSoftHsm, SOFTHSM } from "../../examples/lab/softhsm.js"
import type { SealTokenSetting } from "../../src/node/config.js"
import { createSealingKey, rotateSealingKey, sealKeyState } from "../../src/node/seal-key.js"
import { SealedStore } from "../../src/node/sealed-store.js"
import { openSealingKey } from "../../src/node/sealing-key.js"
import { freshDir, removeDir } from "../support/demo.js"

const KILLS = Number(process.env["KEYLOOM_SEAL_KILLS"] ?? 10)
const EPOCHS = 20
const CHILD = path.join(import.meta.dirname, "seal-key-child.ts")

describe("a rotation of the sealing key that is killed", function () {
  this.timeout(120_000 + 20_000 * KILLS)
  let dir: string
  let home: string
  let setting: SealTokenSetting
  const formerConf = process.env["SOFTHSM2_CONF"]

  before(async function () {
    const reason = noSoftHsm()
    if (reason !== undefined) {
      process.stdout.write(`skipped: ${reason}\n`)
      this.skip()
    }
    dir = freshDir()
    const soft = makeTokens(dir, ["vault"])
    process.env["SOFTHSM2_CONF"] = soft.conf
    home = path.join(dir, "node")
    mkdirSync(home)
    setting = {
      ...{ qkdnId: "00000000-0000-4000-8000-000000000001", library: SOFTHSM, label: "vault" },
      pin: { kind: "file", file: soft.pinFile },
      keyFile: path.join(home, "sealing-key.json"),
    }
    writeFileSync(path.join(dir, "place.json"), JSON.stringify({ setting, dir: home }))
    await createSealingKey({ setting, dir: home }, process.env)
    // A record in each of many epochs: their keys are wrapped anew one after the other.
    let now = Date.now()
    const store = await open(() => now, EPOCHS + 1)
    for (let epoch = 0; epoch < EPOCHS; epoch += 1) {
      await store.commit([{ key: record(epoch), value: Buffer.from(`value ${epoch}`) }])
      now += 3_600_000
      await store.sweep()
    }
    await store.close()
  })
  after(() => {
    if (formerConf === undefined) delete process.env["SOFTHSM2_CONF"]
    else process.env["SOFTHSM2_CONF"] = formerConf
    if (dir) removeDir(dir)
  })

  const record = (epoch: number): Buffer => Buffer.from(`record ${epoch}`)
  async function open(now = (): number => Date.now(), maxEpochs = 1000): Promise<SealedStore> {
    const sealingKey = await openSealingKey({ kind: "token", ...setting })
    const random = (bytes: number): Uint8Array => randomBytes(bytes)
    const options = { dir: path.join(home, "keys"), sealingKey, now, random, maxEpochs }
    return SealedStore.open(options)
  }
  /** Everything is there, whichever key is in force. */
  async function assertWhole(): Promise<void> {
    const store = await open()
    try {
      for (let epoch = 0; epoch < EPOCHS; epoch += 1)
        assert.equal(
          store.get(record(epoch))?.use((bytes) => Buffer.from(bytes).toString()),
          `value ${epoch}`,
        )
    } finally {
      await store.close()
    }
  }

  /** One rotation in a process of its own. @returns how long it took from its first step, or undefined when killed */
  function rotate(killAfterMs?: number): Promise<number | undefined> {
    const child = spawn(
      process.execPath,
      ["--import", "tsx", CHILD, path.join(dir, "place.json")],
      {
        stdio: ["ignore", "inherit", "inherit", "ipc"],
        env: process.env,
      },
    )
    let begunMs = 0
    let timer: NodeJS.Timeout | undefined
    child.once("message", () => {
      begunMs = performance.now()
      if (killAfterMs !== undefined) timer = setTimeout(() => child.kill("SIGKILL"), killAfterMs)
    })
    return new Promise((resolve, reject) => {
      child.once("error", reject)
      child.once("exit", (code, signal) => {
        clearTimeout(timer)
        if (signal === "SIGKILL") resolve(undefined)
        else if (code === 0) resolve(performance.now() - begunMs)
        else reject(new Error(`a rotation ended with ${String(code)}`))
      })
    })
  }

  it("leaves a key that opens the store, or says what finishes it; then nothing is left of it", async () => {
    let took = (await rotate()) ?? assert.fail("not killed")
    const count = { killed: 0, midway: 0, others: 0 }
    for (let kill = 0; kill < KILLS; kill += 1) {
      // The first at once, so that one is killed however fast the machine has become.
      const done = await rotate(kill === 0 ? 0 : randomInt(Math.ceil(took * 1.1)))
      if (done === undefined) count.killed += 1
      else took = Math.min(took, done)
      const state = await sealKeyState(setting, process.env)
      if (state.others > 0) count.others += 1
      if (state.rotating) {
        count.midway += 1
        const before = readFileSync(setting.keyFile)
        await assert.rejects(open(), { tag: "operation-failed", message: /broken off.*rotate/ })
        assert.deepEqual(readFileSync(setting.keyFile), before)
      } else await assertWhole()
      // Now and then the next one is killed as well: what is finished is a rotation that was broken off twice.
      if (randomInt(3) === 0) continue
      const kekId = await rotateSealingKey({ setting, dir: home }, process.env)
      assert.deepEqual(await sealKeyState(setting, process.env), {
        ...{ kekId, rotating: false, others: 0 },
      })
      await assertWhole()
      const drafts = readdirSync(home, { recursive: true, encoding: "utf8" }).filter((name) =>
        /\.(new|draft|tmp)$/.test(name),
      )
      assert.deepEqual(drafts, [], "nothing half written is left")
    }
    await rotateSealingKey({ setting, dir: home }, process.env)
    await assertWhole()
    console.log(
      `      ${count.killed} of ${KILLS} rotations killed, ${count.midway} between the two keys, ${count.others} left keys in the token`,
    )
    assert.ok(count.killed > 0, "none was killed")
  })
})
