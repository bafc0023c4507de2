// The token process against a real PKCS#11 token (SoftHSM), and pkcs11-tool looking at what is in it.

import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { createDecipheriv, randomBytes, randomUUID } from "node:crypto"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import type { HsmToken, ImportMode, TokenKey } from "../../src/consumer/hsm-token.js"
import { openToken } from "../../src/consumer/token-client.js"
import { isQkdError } from "../errors-helper.js"
import { freshDir, removeDir } from "../support/demo.js"
import { makeTokens, noSoftHsm, PIN, SOFTHSM, type SoftTokens } from "../../examples/lab/softhsm.js"

/** CKA_VALUE and what follows from it: what SoftHSM writes last. */
const VALUE: readonly number[] = [0x11, 0x90, 0x161]
/** CKA_TOKEN, LABEL, ID, SENSITIVE: what it has not written, either, when it has just begun. */
const TERMS: readonly number[] = [0x01, 0x03, 0x102, 0x103]

/** A file of SoftHSM's: generation, then type, kind (1 bool, 2 number, 3 bytes behind their length), value of each attribute. */
function without(file: Buffer, types: readonly number[]): Buffer {
  const kept = [file.subarray(0, 8)]
  for (let at = 8; at < file.length; ) {
    const [type, kind] = [file.readBigUInt64BE(at), file.readBigUInt64BE(at + 8)]
    const bytes = kind === 3n ? 8 + Number(file.readBigUInt64BE(at + 16)) : kind === 1n ? 1 : 8
    const end = at + 16 + bytes
    if (!types.includes(Number(type))) kept.push(file.subarray(at, end))
    at = end
  }
  return Buffer.concat(kept)
}

describe("a PKCS#11 token", function () {
  this.timeout(180_000)
  let dir: string
  let soft: SoftTokens
  const before_ = process.env["SOFTHSM2_CONF"]
  const opened: HsmToken[] = []

  before(function () {
    const reason = noSoftHsm()
    if (reason !== undefined) {
      process.stdout.write(`skipped: ${reason}\n`)
      this.skip()
    }
    dir = freshDir()
    soft = makeTokens(dir, ["vault"])
    process.env["SOFTHSM2_CONF"] = soft.conf
  })
  afterEach(async () => {
    for (const token of opened.splice(0)) await token.close()
  })
  after(() => {
    if (before_ === undefined) delete process.env["SOFTHSM2_CONF"]
    else process.env["SOFTHSM2_CONF"] = before_
    if (dir) removeDir(dir)
  })

  async function open(importMode: ImportMode, more: object = {}): Promise<HsmToken> {
    const token = await openToken({
      library: SOFTHSM,
      label: "vault",
      pinFile: soft.pinFile,
      importMode,
      ...more,
    })
    opened.push(token)
    return token
  }

  function key(way: TokenKey["way"] = "out"): TokenKey {
    return { keyId: randomUUID(), peer: "far.site-2", way }
  }

  for (const mode of ["plain", "rsa-oaep", "aes-key-wrap"] as const) {
    it(`takes a key by ${mode}, never gives it back, and has it after a new login`, async () => {
      const token = await open(mode)
      const value = randomBytes(32)
      const mine = Buffer.from(value)
      const held = key()
      await token.import(held, value)
      assert.ok(
        value.every((byte) => byte === 0),
        "what was lent is wiped",
      )
      const [nonce, aad] = [randomBytes(12), Buffer.from("header")]
      const sealed = await token.encrypt(held.keyId, nonce, aad, Buffer.from("a deed"))
      const cipher = createDecipheriv("aes-256-gcm", mine, nonce).setAAD(aad)
      cipher.setAuthTag(sealed.subarray(-16))
      assert.equal(
        `${cipher.update(sealed.subarray(0, -16)).toString()}${cipher.final("utf8")}`,
        "a deed",
      )
      await token.close()
      const again = await open("plain")
      assert.deepEqual(
        (await again.keys()).find(({ keyId }) => keyId === held.keyId),
        held,
      )
      assert.equal((await again.decrypt(held.keyId, nonce, aad, sealed)).toString(), "a deed")
      const shown = pkcs11Tool(["--list-objects", "--type", "secrkey"])
      assert.match(shown, /Access: +sensitive/)
      assert.doesNotMatch(shown, new RegExp(mine.toString("hex"), "i"))
      const id = held.keyId.replaceAll("-", "")
      assert.throws(
        () => pkcs11Tool(["--read-object", "--type", "secrkey", "--id", id]),
        /./,
        "pkcs11-tool reads no value",
      )
    })
  }

  it("lets the same key, and only that, make the same proof", async () => {
    const token = await open("plain")
    const value = randomBytes(32)
    const [one, same, other] = [key("out"), key("in"), key("in")]
    await token.import(one, Buffer.from(value))
    await token.import(same, Buffer.from(value))
    await token.import(other, randomBytes(32))
    const words = randomBytes(200)
    const more = randomBytes(9)
    const [proof, proofOfMore] = await token.prove(one.keyId, [words, more])
    assert.ok(proof && proofOfMore)
    assert.deepEqual(await token.prove(same.keyId, [words, more]), [proof, proofOfMore])
    assert.deepEqual(await token.prove(same.keyId, [more]), [proofOfMore])
    assert.notDeepEqual(await token.prove(other.keyId, [words]), [proof])
    words[0] = (words[0] ?? 0) ^ 1
    assert.notDeepEqual(await token.prove(same.keyId, [words]), [proof])
  })

  it("encrypts with a key of its own until it is spent, and never with the peer's", async () => {
    const token = await open("plain")
    const [own, peers] = [key("out"), key("in")]
    await token.import(own, randomBytes(32))
    await token.import(peers, randomBytes(32))
    const seal = (keyId: string): Promise<Buffer> =>
      token.encrypt(keyId, randomBytes(12), Buffer.alloc(0), Buffer.from("x"))
    await seal(own.keyId)
    await token.spend(own.keyId)
    await assert.rejects(seal(own.keyId), isQkdError("access-denied", "policy"))
    await assert.rejects(seal(peers.keyId), isQkdError("access-denied", "policy"))
  })

  it("says when data was changed, a key is unknown, there twice, or destroyed", async () => {
    const token = await open("plain")
    const held = key()
    await token.import(held, randomBytes(32))
    await assert.rejects(token.import(held, randomBytes(32)), isQkdError("data-exists"))
    const nonce = randomBytes(12)
    const sealed = await token.encrypt(held.keyId, nonce, Buffer.alloc(0), Buffer.from("x"))
    sealed[0] = (sealed[0] ?? 0) ^ 1
    await assert.rejects(
      token.decrypt(held.keyId, nonce, Buffer.alloc(0), sealed),
      isQkdError("invalid-value"),
    )
    await token.destroy(held.keyId)
    await token.destroy(held.keyId)
    await assert.rejects(token.prove(held.keyId, [randomBytes(9)]), isQkdError("data-missing"))
  })

  it("is tried with a PIN once, and the PIN is in no argument and no environment", async () => {
    const wrong = path.join(dir, "wrong-pin")
    writeFileSync(wrong, "00000000\n", { mode: 0o600 })
    await assert.rejects(open("plain", { pinFile: wrong }), isQkdError("access-denied"))
    await open("plain")
    for (const pid of readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name))) {
      for (const file of ["cmdline", "environ"]) {
        assert.ok(!readIfThere(`/proc/${pid}/${file}`).includes(PIN), `${file} of process ${pid}`)
      }
    }
  })

  it("is entered by one process of a service at a time: the next waits until it has ended", async () => {
    const lockDir = path.join(dir, "lock")
    const first = await open("plain", { lockDir })
    let entered = false
    const second = open("plain", { lockDir }).then((token) => {
      entered = true
      return token
    })
    // Long enough for a process that does not wait.
    await (await open("plain")).keys()
    await (await open("plain")).keys()
    assert.equal(entered, false)
    await first.close()
    // A token lists its objects in the order it pleases.
    const ids = async (token: HsmToken): Promise<string[]> =>
      (await token.keys()).map(({ keyId, way }) => `${keyId} ${way}`).sort()
    assert.deepEqual(await ids(await second), await ids(await open("plain")))
  })

  it("is rid of objects that a kill left half-made, and of nothing else", async () => {
    const token = await open("plain")
    const held = key()
    await token.import(held, randomBytes(32))
    await token.close()
    const [folder = ""] = readdirSync(soft.tokenDir)
    const tokenDir = path.join(soft.tokenDir, folder)
    const whole = readdirSync(tokenDir).filter((name) => /^[0-9a-f-]{36}\.object$/.test(name))
    const listed = (): number => pkcs11Tool(["-O"]).match(/Secret Key Object/g)?.length ?? 0
    const before = listed()
    const leave = (attributes: readonly number[]): void => {
      const bytes = readFileSync(path.join(tokenDir, whole[0] ?? ""))
      const name = path.join(tokenDir, randomUUID())
      writeFileSync(`${name}.object`, without(bytes, attributes), { mode: 0o600 })
      writeFileSync(`${name}.lock`, "", { mode: 0o600 })
    }
    leave([...TERMS, ...VALUE])
    leave([...TERMS, ...VALUE])
    assert.equal(listed(), before + 2)
    const again = await open("plain")
    assert.ok((await again.keys()).some(({ keyId }) => keyId === held.keyId))
    assert.equal(await again.sweep(), 2)
    assert.equal(await again.sweep(), 0)
    assert.equal(listed(), before)
    await again.prove(held.keyId, [randomBytes(9)])
  })

  it("that is not there, or whose library is not, is named", async () => {
    await assert.rejects(open("plain", { label: "nowhere" }), isQkdError("data-missing"))
    await assert.rejects(open("plain", { library: "/nowhere.so" }), isQkdError("invalid-value"))
    await assert.rejects(
      open("plain", { pinFile: path.join(dir, "no") }),
      isQkdError("invalid-value"),
    )
  })

  function readIfThere(file: string): Buffer {
    try {
      return readFileSync(file)
    } catch {
      return Buffer.alloc(0)
    }
  }

  function pkcs11Tool(args: readonly string[]): string {
    const login = ["--module", SOFTHSM, "--token-label", "vault", "--login", "--pin", PIN]
    return execFileSync("pkcs11-tool", [...login, ...args], { stdio: "pipe" }).toString("latin1")
  }
})
