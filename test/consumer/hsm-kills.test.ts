// Two sites whose tokens are being filled are killed again and again, service or token process, at one site or both, at
// random moments, and files are sealed in between. Afterwards another maker's tool, and the tokens themselves, are asked
// what is there. The whole of it: `KEYLOOM_HSM_KEYS=1000 KEYLOOM_HSM_KILLS=20 npx mocha --exit test/consumer/hsm-kills.test.ts`

import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { HsmProcess } from "../../examples/lab/hsm-process.js"
import { type HsmSite, makeHsmSites, SITES, type SiteName } from "../../examples/lab/hsm-sites.js"
import { noSoftHsm, PIN, SOFTHSM } from "../../examples/lab/softhsm.js"
import { HsmIndex, type IndexedKey } from "../../src/consumer/hsm-index.js"
import { openToken } from "../../src/consumer/token-client.js"
import { freshDir, removeDir } from "../support/demo.js"
import { IndependentKme } from "../support/independent-kme.js"

/** Keys that alpha seals with; omega has half as many. */
const KEYS = Number(process.env["KEYLOOM_HSM_KEYS"] ?? 60)
const KILLS = Number(process.env["KEYLOOM_HSM_KILLS"] ?? 4)

describe("tokens whose filling is killed again and again", function () {
  this.timeout(60_000 + 120 * KEYS + 15_000 * KILLS)
  let dir: string
  let kme: IndependentKme
  let sites: Record<SiteName, HsmSite>
  const service = new Map<SiteName, HsmProcess>()
  const sealed: { readonly keyId: string; readonly file: string }[] = []
  let seconds = 0

  before(async function () {
    const reason = noSoftHsm()
    if (reason !== undefined) {
      process.stdout.write(`skipped: ${reason}\n`)
      this.skip()
    }
    dir = freshDir()
    kme = await IndependentKme.start(path.join(dir, "kme"), ["vault-alpha", "vault-omega"])
    sites = await makeHsmSites(mkdtempSync(path.join(dir, "sites-")), kme.access, {
      count: { alpha: KEYS, omega: KEYS / 2 },
      hybrid: true,
    })
    for (const name of SITES) service.set(name, new HsmProcess(sites[name]))
  })
  after(async () => {
    if (!dir) return
    for (const one of service.values()) await one.stop()
    await kme.stop()
    removeDir(dir)
  })

  function at(name: SiteName): HsmProcess {
    return service.get(name) ?? assert.fail(`no site ${name}`)
  }

  async function seal(name: SiteName, n: number): Promise<void> {
    const file = path.join(dir, `deed-${n}`)
    writeFileSync(file, `deed ${n}`)
    const { status, stdout, stderr } = await at(name).run("seal", file)
    // None is ready yet, or the token is just being opened by two: no file then.
    if (status !== 0) assert.match(stderr, /no preloaded key|token/)
    else sealed.push({ keyId: keyIn(stdout), file })
  }

  async function indexOf(name: SiteName): Promise<IndexedKey[]> {
    const index = new HsmIndex(path.join(sites[name].dir, "state", "index"))
    const keys = index.all()
    await index.close()
    return keys
  }

  it("are filled to the target all the same", async () => {
    const startedAt = Date.now()
    await Promise.all(SITES.map((name) => at(name).start()))
    for (let i = 0; i < KILLS; i++) {
      await new Promise((done) => setTimeout(done, Math.random() * 1500))
      const hit = SITES.filter(() => Math.random() < 0.7)
      if (i % 4 === 3) for (const name of hit) at(name).killTokenProcess()
      else {
        const sealing = i % 4 === 1 ? seal("alpha", i) : undefined
        await Promise.all(hit.map((name) => at(name).stop("SIGKILL")))
        await Promise.all(hit.map((name) => at(name).start()))
        await sealing
      }
    }
    const wait = 60_000 + 120 * KEYS
    await at("alpha").until(({ out }) => out.ready > 0, wait)
    await seal("alpha", KILLS)
    const whole = (one: Readonly<Record<string, number>>, count: number): boolean =>
      one["ready"] === count && !one["imported"] && !one["importing"] && !one["retiring"]
    const used = sealed.length
    assert.ok(used > 0)
    // What was sealed with is replaced below the low watermark, or at a start.
    await at("alpha").stop()
    await at("alpha").start()
    const filled = at("alpha").until(
      ({ out, in: taken }) => whole(out, KEYS) && whole(taken, KEYS / 2),
      wait,
    )
    await filled.catch((fault: unknown) => assert.fail(`${String(fault)}\n${at("omega").log}`))
    await at("omega").until(
      ({ out, in: taken }) => whole(out, KEYS / 2) && whole(taken, KEYS) && taken.used === used,
      wait,
    )
    seconds = (Date.now() - startedAt) / 1000
  })

  it("hold what their indexes say and nothing else, the same at both ends", async () => {
    const token = new Map<SiteName, Awaited<ReturnType<typeof openToken>>>()
    for (const one of service.values()) await one.stop()
    const before = process.env["SOFTHSM2_CONF"]
    for (const name of SITES) {
      process.env["SOFTHSM2_CONF"] = sites[name].soft.conf
      const { pinFile } = sites[name].soft
      const setting = { library: SOFTHSM, label: name, pinFile, importMode: "plain" as const }
      token.set(name, await openToken(setting))
    }
    if (before === undefined) delete process.env["SOFTHSM2_CONF"]
    else process.env["SOFTHSM2_CONF"] = before
    const ids = async (name: SiteName): Promise<string[]> => {
      const held = (await token.get(name)?.keys()) ?? []
      return held.map(({ keyId }) => keyId).sort()
    }
    try {
      const inIndex = (await indexOf("alpha")).map(({ keyId }) => keyId).sort()
      assert.deepEqual(await ids("alpha"), inIndex, "no orphan at alpha")
      assert.deepEqual(await ids("omega"), inIndex, "no orphan at omega")
      const words = randomBytes(64)
      for (const keyId of inIndex) {
        const one = await token.get("alpha")?.prove(keyId, [words])
        assert.equal(one?.length, 1)
        const other = await token.get("omega")?.prove(keyId, [words])
        assert.deepEqual(other, one, `${keyId} is the same at both ends`)
      }
    } finally {
      for (const one of token.values()) await one.close()
    }
  })

  it("have used no key twice, and each sealed file opens at the other site", async () => {
    assert.equal(new Set(sealed.map(({ keyId }) => keyId)).size, sealed.length)
    const used = (await indexOf("alpha")).filter(({ state }) => state === "used")
    assert.deepEqual(used.map(({ keyId }) => keyId).sort(), sealed.map(({ keyId }) => keyId).sort())
    for (const { file } of sealed) {
      const opened = await at("omega").run("open", `${file}.sealed`, "--output", `${file}.back`)
      assert.equal(opened.status, 0, opened.stderr)
      assert.deepEqual(readFileSync(`${file}.back`), readFileSync(file))
    }
  })

  it("show another maker's tool no value", () => {
    let held = 0
    for (const name of SITES) {
      const listed = pkcs11Tool(name, "--list-objects", "--type", "secrkey").toString("latin1")
      const objects = listed.match(/Secret Key Object/g)?.length ?? 0
      assert.equal(listed.match(/Access: +sensitive/g)?.length, objects)
      assert.doesNotMatch(listed, /extractable$/m)
      held += objects
      const ids = [...listed.matchAll(/ID: +([0-9a-f]{32})/g)].map(([, id]) => id ?? "")
      for (const id of ids.slice(0, 5)) {
        assert.throws(() => pkcs11Tool(name, "--read-object", "--type", "secrkey", "--id", id))
      }
      // Neither in the token's files.
      const files = execFileSync("bash", ["-c", `cat ${sites[name].soft.tokenDir}/*/*`], {
        maxBuffer: 1 << 30,
      })
      for (const key of kme.delivered().values()) assert.ok(!files.includes(key))
    }
    process.stdout.write(
      `      ${KEYS} + ${KEYS / 2} keys ready at both ends after ${KILLS} kills, in ${seconds.toFixed(1)} s; ` +
        `${held} objects in two tokens, 0 orphans, 0 mismatches, ${sealed.length} used, each once, 0 readable\n`,
    )
  })

  function pkcs11Tool(name: SiteName, ...args: readonly string[]): Buffer {
    const login = ["--module", SOFTHSM, "--token-label", name, "--login", "--pin", PIN]
    const env = { ...process.env, SOFTHSM2_CONF: sites[name].soft.conf }
    return execFileSync("pkcs11-tool", [...login, ...args], {
      env,
      stdio: "pipe",
      maxBuffer: 1 << 26,
    })
  }
})

function keyIn(text: string): string {
  return /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(text)?.[0] ?? ""
}
