// A node's sealing key, wrapped under a key in a real PKCS#11 token (SoftHSM): set up, used at start, rotated, and what
// happens when the token is not there.

import assert from "node:assert/strict"
import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process"
import { createHash, randomBytes, randomUUID } from "node:crypto"
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  writeFileSync,
} from "node:fs"
import path from "node:path"
import { promisify } from "node:util"
import { makeTokens, noSoftHsm, PIN, SOFTHSM, type SoftTokens } from "../../examples/lab/softhsm.js"
import { writeNodeFiles } from "../../src/demo/files.js"
import { openFibres } from "../../src/demo/fibres.js"
import { planDemo } from "../../src/demo/plan.js"
import { Secret } from "../../src/keys/secret.js"
import { readTopology } from "../../src/model/topology-file.js"
import type { SealTokenSetting } from "../../src/node/config.js"
import { lockFolder } from "../../src/node/dir-lock.js"
import { EpochKeys, rewrapEpochKeys } from "../../src/node/epoch-keys.js"
import { createSealingKey, rotateSealingKey, sealKeyState } from "../../src/node/seal-key.js"
import { SealTokenClient } from "../../src/node/seal-token-client.js"
import { SealedStore } from "../../src/node/sealed-store.js"
import { openSealingKey } from "../../src/node/sealing-key.js"
import { readWrappedKey, writeWrappedKey } from "../../src/node/wrapped-key.js"
import { isQkdError } from "../errors-helper.js"
import { freshDir, removeDir, root } from "../support/demo.js"

const random = (bytes: number): Uint8Array => randomBytes(bytes)
const bytesOf = (key: Secret): Buffer => key.use((bytes) => Buffer.from(bytes))
const RECORD = Buffer.from("a record")

describe("a sealing key that is wrapped in a token", function () {
  this.timeout(120_000)
  let dir: string
  let soft: SoftTokens
  const formerConf = process.env["SOFTHSM2_CONF"]
  let setting: SealTokenSetting
  let home: string

  before(function () {
    const reason = noSoftHsm()
    if (reason !== undefined) {
      process.stdout.write(`skipped: ${reason}\n`)
      this.skip()
    }
    dir = freshDir()
    soft = makeTokens(dir, ["vault", "other"])
    process.env["SOFTHSM2_CONF"] = soft.conf
  })
  beforeEach(() => {
    home = path.join(dir, randomUUID())
    setting = {
      qkdnId: randomUUID(),
      library: SOFTHSM,
      label: "vault",
      pin: { kind: "file", file: soft.pinFile },
      keyFile: path.join(home, "sealing-key.json"),
    }
  })
  after(() => {
    if (formerConf === undefined) delete process.env["SOFTHSM2_CONF"]
    else process.env["SOFTHSM2_CONF"] = formerConf
    if (dir) removeDir(dir)
  })

  const place = (): { setting: SealTokenSetting; dir: string } => ({ setting, dir: home })
  const sealingKey = (other: Partial<SealTokenSetting> = {}): Promise<Secret> =>
    openSealingKey({ kind: "token", ...setting, ...other })
  const openStore = async (key: Secret): Promise<SealedStore> =>
    SealedStore.open({
      dir: path.join(home, "keys"),
      sealingKey: key,
      now: () => Date.now(),
      random,
    })
  /** A store with one record, sealed under the key that is in force. */
  const fillStore = async (): Promise<void> => {
    const store = await openStore(await sealingKey())
    await store.commit([{ key: RECORD, value: Buffer.from("a value") }])
    await store.close()
  }
  const valueInStore = async (): Promise<string | undefined> => {
    const store = await openStore(await sealingKey())
    const value = store.get(RECORD)?.use((bytes) => Buffer.from(bytes).toString())
    await store.close()
    return value
  }
  /** Every file of the node's folder, with a digest of what is in it. */
  const contents = (folder = home): [string, string][] =>
    (existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : [])
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }): [string, string] => {
        const file = path.join(parentPath, name)
        return [
          path.relative(folder, file),
          createHash("sha256").update(readFileSync(file)).digest("hex"),
        ]
      })
      .sort()
  const tokenTool = (args: readonly string[]): string =>
    execFileSync(
      "pkcs11-tool",
      ["--module", SOFTHSM, "--token-label", "vault", "--login", "--pin", PIN, ...args],
      { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] },
    )

  it("is made once and is the same at every start; its file opens nothing by itself, and the token gives nothing out", async () => {
    const kekId = await createSealingKey(place(), process.env)
    const [first, second] = [bytesOf(await sealingKey()), bytesOf(await sealingKey())]
    assert.equal(first.length, 32)
    assert.deepEqual(first, second)
    const text = readFileSync(setting.keyFile, "utf8")
    for (const form of ["base64", "hex"] as const) assert.ok(!text.includes(first.toString(form)))
    const shown = tokenTool(["--list-objects", "--type", "secrkey", "--id", kekId])
    assert.match(shown, /never extractable/)
    assert.throws(() => tokenTool(["--read-object", "--type", "secrkey", "--id", kekId]))
    assert.deepEqual(await sealKeyState(setting, process.env), {
      kekId,
      rotating: false,
      others: 0,
    })
  })

  it("takes over a key that stores are sealed under already, and no other", async () => {
    const mine = randomBytes(32)
    const store = await openStore(Secret.take(Buffer.from(mine)))
    await store.commit([{ key: RECORD, value: Buffer.from("a value") }])
    await store.close()
    const before = contents()
    await assert.rejects(createSealingKey(place(), process.env), isQkdError("data-exists"))
    const wrong = Secret.take(randomBytes(32))
    await assert.rejects(createSealingKey(place(), process.env, wrong), isQkdError("access-denied"))
    assert.deepEqual(contents(), before)
    await createSealingKey(place(), process.env, Secret.take(Buffer.from(mine)))
    assert.deepEqual(bytesOf(await sealingKey()), mine)
    assert.equal(await valueInStore(), "a value")
  })

  it("changes by a rotation, after which copies of the former files open nothing", async () => {
    const former = await createSealingKey(place(), process.env)
    const bytes = bytesOf(await sealingKey())
    await fillStore()
    const copy = path.join(home, "copy.json")
    cpSync(setting.keyFile, copy)
    const kekId = await rotateSealingKey(place(), process.env)
    assert.notEqual(kekId, former)
    assert.notDeepEqual(bytesOf(await sealingKey()), bytes)
    assert.equal(await valueInStore(), "a value")
    await assert.rejects(sealingKey({ keyFile: copy }), isQkdError("data-missing"))
    assert.throws(
      () => new EpochKeys(path.join(home, "keys"), Secret.take(Buffer.from(bytes)), random),
      isQkdError("access-denied"),
    )
    assert.deepEqual(await sealKeyState(setting, process.env), {
      kekId,
      rotating: false,
      others: 0,
    })
  })

  for (const broken of ["before", "while"] as const) {
    it(`is finished by the next rotation when one was broken off ${broken} the store's keys were wrapped anew`, async () => {
      await createSealingKey(place(), process.env)
      await fillStore()
      await fillStore()
      const former = await sealingKey()
      const current = (await readWrappedKey(setting.keyFile))?.current
      assert.ok(current)
      const token = await SealTokenClient.open(setting, process.env)
      // An earlier one, broken off before anything was written.
      await token.make()
      const fresh = Secret.take(randomBytes(32))
      const next = await token.wrap(await token.make(), fresh)
      await token.close()
      await writeWrappedKey(setting.keyFile, { current, next })
      if (broken === "while") {
        const epochs = path.join(home, "keys", "epochs")
        const [one = ""] = readdirSync(epochs)
        assert.ok(readdirSync(epochs).length > 1)
        renameSync(path.join(epochs, one), path.join(home, one))
        rewrapEpochKeys(path.join(home, "keys"), former, fresh, random)
        renameSync(path.join(home, one), path.join(epochs, one))
      }
      const before = contents()
      await assert.rejects(sealingKey(), { tag: "operation-failed", message: /broken off.*rotate/ })
      assert.deepEqual(contents(), before)
      const state = await sealKeyState(setting, process.env)
      assert.deepEqual(state, { kekId: current.kekId, rotating: true, others: 1 })
      assert.equal(await rotateSealingKey(place(), process.env), next.kekId)
      assert.equal(await valueInStore(), "a value")
      const after = await sealKeyState(setting, process.env)
      assert.deepEqual(after, { kekId: next.kekId, rotating: false, others: 0 })
    })
  }

  it("is refused with a word for what is wrong, and nothing changes", async () => {
    await assert.rejects(sealingKey(), { tag: "data-missing", message: /seal-key create/ })
    await createSealingKey(place(), process.env)
    await fillStore()
    const before = contents()
    const absent = isQkdError("data-missing", "node-unreachable")
    await assert.rejects(sealingKey({ label: "nowhere" }), absent)
    await assert.rejects(sealingKey({ library: "/nowhere.so" }), isQkdError("invalid-value"))
    const noPin = { kind: "file", file: path.join(dir, "no-pin") } as const
    await assert.rejects(sealingKey({ pin: noPin }), { tag: "invalid-value", message: /PIN file/ })
    const credential = { kind: "credential", name: "pin" } as const
    await assert.rejects(sealingKey({ pin: credential }), {
      tag: "invalid-value",
      message: /CREDENTIALS_DIRECTORY/,
    })
    const wrong = path.join(dir, "wrong-pin")
    writeFileSync(wrong, "00000000")
    await assert.rejects(sealingKey({ pin: { kind: "file", file: wrong } }), {
      tag: "access-denied",
      message: /not tried again/,
    })
    // Another token, and another node with this one's file.
    await assert.rejects(sealingKey({ label: "other" }), isQkdError("data-missing"))
    await assert.rejects(sealingKey({ qkdnId: randomUUID() }), isQkdError("data-missing"))
    await assert.rejects(createSealingKey(place(), process.env), isQkdError("data-exists"))
    const unlock = await lockFolder(home)
    await assert.rejects(rotateSealingKey(place(), process.env), isQkdError("in-use"))
    await unlock()
    const file = JSON.parse(readFileSync(setting.keyFile, "utf8")) as { current: object }
    assert.deepEqual(contents(), before)
    const flipped = randomBytes(48).toString("base64")
    const changed = path.join(dir, "changed.json")
    writeFileSync(
      changed,
      JSON.stringify({ ...file, current: { ...file.current, sealed: flipped } }),
    )
    await assert.rejects(sealingKey({ keyFile: changed }), {
      tag: "access-denied",
      message: /was changed/,
    })
    for (const [text, fault] of [
      ["{", /not JSON/],
      ["[]", /not an object/],
      [JSON.stringify({ ...file, version: 2 }), /\/version/],
      [JSON.stringify({ ...file, more: 1 }), /\/more is unknown/],
      [JSON.stringify({ version: 1 }), /\/current is missing/],
      [
        JSON.stringify({ ...file, current: { ...file.current, nonce: "AA==" } }),
        /\/current\/nonce/,
      ],
    ] as const) {
      writeFileSync(changed, text)
      await assert.rejects(sealingKey({ keyFile: changed }), {
        tag: "invalid-value",
        message: fault,
      })
    }
    assert.equal(await valueInStore(), "a value")
  })

  it("has its token's PIN from a systemd credential", async () => {
    const pin = { kind: "credential", name: "pin" } as const
    setting = { ...setting, pin }
    const environment = { ...process.env, CREDENTIALS_DIRECTORY: path.dirname(soft.pinFile) }
    await createSealingKey(place(), environment)
    const key = await openSealingKey({ kind: "token", ...setting }, environment)
    assert.equal(key.lengthBytes, 32)
  })

  describe("of a node program", () => {
    const children: ChildProcess[] = []
    afterEach(() => {
      for (const child of children.splice(0)) child.kill("SIGKILL")
    })

    /** A node's configuration as the demo writes it, its sealing key in the token. */
    async function nodeFile(): Promise<string> {
      const topology = readTopology(
        JSON.stringify({
          name: "pair",
          nodes: [{ name: "a" }, { name: "b" }],
          links: [{ id: "a-b", a: "a", b: "b", lengthKm: 5 }],
        }),
        "pair.json",
      )
      const plan = await planDemo(home, topology)
      const fibres = await openFibres(home, [{ id: "a-b", lossDb: 1 }])
      const [node] = (await writeNodeFiles(home, plan, fibres)).nodes
      await fibres.close()
      const file = node?.configFile ?? ""
      const config = JSON.parse(readFileSync(file, "utf8")) as Record<string, object>
      const [name = "", members] = Object.entries(config)[0] ?? []
      const token = { library: SOFTHSM, label: "vault", pin_file: soft.pinFile }
      const changed = { ...members, sealing_key_file: undefined, sealing_key_token: token }
      writeFileSync(file, JSON.stringify({ [name]: changed }))
      return file
    }
    const sealKeyCommand = async (file: string, ...verb: readonly string[]): Promise<string> => {
      const args = ["bin/keyloom.js", "node", "seal-key", ...verb, "--config", file]
      return (await promisify(execFile)(process.execPath, args, { cwd: root })).stdout
    }
    interface Started {
      readonly ended: Promise<number | null>
      readonly ready: Promise<boolean>
      said(): string
      readonly child: ChildProcess
    }
    function start(file: string): Started {
      const child = spawn(process.execPath, ["bin/keyloom.js", "node", "--config", file], {
        cwd: root,
        stdio: ["ignore", "pipe", "pipe", "ipc"],
      })
      children.push(child)
      let text = ""
      for (const stream of [child.stdout, child.stderr])
        stream?.on("data", (chunk: Buffer) => {
          text += chunk.toString()
        })
      const ended = new Promise<number | null>((resolve) => child.once("close", resolve))
      const ready = Promise.race([
        new Promise<boolean>((resolve) => {
          child.once("message", () => {
            resolve(true)
          })
        }),
        ended.then(() => false),
      ])
      return { child, ended, ready, said: () => text }
    }
    const stop = async (node: Started): Promise<void> => {
      node.child.kill("SIGTERM")
      await node.ended
    }

    it("is needed at its start, and not while it runs; the PIN is told to nobody", async () => {
      const file = await nodeFile()
      const early = start(file)
      assert.equal(await early.ready, false, early.said())
      assert.match(early.said(), /seal-key create/)
      assert.equal(await early.ended, 1)
      assert.match(
        await sealKeyCommand(file, "create"),
        /sealing key made, wrapped under key [0-9a-f]{32}/,
      )
      const node = start(file)
      assert.ok(await node.ready, node.said())
      const environment = readFileSync(`/proc/${node.child.pid ?? 0}/environ`, "utf8")
      const arguments_ = readFileSync(`/proc/${node.child.pid ?? 0}/cmdline`, "utf8")
      // The token goes away, and the node goes on.
      renameSync(soft.tokenDir, `${soft.tokenDir}.away`)
      mkdirSync(soft.tokenDir)
      try {
        await assert.rejects(sealKeyCommand(file, "show"), /no token is labelled vault/)
        assert.equal(node.child.exitCode, null)
        await stop(node)
        const before = contents(path.dirname(file))
        const without = start(file)
        assert.equal(await without.ready, false)
        assert.equal(await without.ended, 1)
        assert.match(without.said(), /no token is labelled vault/)
        const keys = (all: [string, string][]): [string, string][] =>
          all.filter(([name]) => /keys\/|sealing-key/.test(name))
        assert.deepEqual(keys(contents(path.dirname(file))), keys(before))
      } finally {
        rmdirSync(soft.tokenDir)
        renameSync(`${soft.tokenDir}.away`, soft.tokenDir)
      }
      assert.match(await sealKeyCommand(file, "rotate"), /the former key is destroyed/)
      const again = start(file)
      assert.ok(await again.ready, again.said())
      assert.match(await sealKeyCommand(file, "show"), /which opens it/)
      await stop(again)
      for (const text of [environment, arguments_, node.said(), again.said()])
        assert.ok(!text.includes(PIN))
    })
  })
})
