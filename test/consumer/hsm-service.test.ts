// Two sites with real PKCS#11 tokens keep each other's filled, seal and open files, and survive what breaks. The key
// managers are another maker's.

import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import path from "node:path"
import { HEADER_BYTES, SEALED_SEGMENT_BYTES } from "../../src/consumer/sealed-file.js"
import { freshDir, removeDir } from "../support/demo.js"
import { HsmProcess } from "../../examples/lab/hsm-process.js"
import {
  type HsmSite,
  type HsmSitesOptions,
  makeHsmSites,
  type SiteName,
} from "../../examples/lab/hsm-sites.js"
import { IndependentKme } from "../support/independent-kme.js"
import { noSoftHsm } from "../../examples/lab/softhsm.js"

describe("preloaded keys", function () {
  // Each command is a program of its own, some twenty in the longest of these.
  this.timeout(600_000)
  let dir: string
  let kme: IndependentKme
  let sites: Record<SiteName, HsmSite>
  let alpha: HsmProcess
  let omega: HsmProcess

  before(async function () {
    const reason = noSoftHsm()
    if (reason !== undefined) {
      process.stdout.write(`skipped: ${reason}\n`)
      this.skip()
    }
    dir = freshDir()
    kme = await IndependentKme.start(path.join(dir, "kme"), ["vault-alpha", "vault-omega"])
  })
  afterEach(async () => {
    await alpha.stop()
    await omega.stop()
  })
  after(async () => {
    if (!dir) return
    await kme.stop()
    removeDir(dir)
  })

  async function make(options: HsmSitesOptions): Promise<void> {
    sites = await makeHsmSites(mkdtempSync(path.join(dir, "sites-")), kme.access, options)
    alpha = new HsmProcess(sites.alpha)
    omega = new HsmProcess(sites.omega)
  }

  async function start(options: HsmSitesOptions): Promise<void> {
    await make(options)
    await Promise.all([alpha.start(), omega.start()])
  }

  it("have no index before the service has run: a command that root types first makes none", async () => {
    await make({ count: { alpha: 1, omega: 1 } })
    const status = await alpha.run("status")
    assert.equal(status.status, 0, status.stderr)
    assert.match(status.stdout, /service never ran/)
    const sealed = await alpha.run("seal", path.join(dir, "none"))
    assert.equal(sealed.status, 1)
    assert.match(sealed.stderr, /the service has not run yet/)
    assert.ok(!existsSync(path.join(sites.alpha.dir, "state", "index")))
  })

  it("are proven equal at both ends, seal at one and open at the other, each once", async () => {
    await start({ count: { alpha: 5, omega: 3 } })
    await alpha.until(({ out, in: taken }) => out.ready === 5 && taken.ready === 3)
    await omega.until(({ out, in: taken }) => out.ready === 3 && taken.ready === 5)

    const file = path.join(dir, "deed.bin")
    const content = randomBytes(2_600_000)
    writeFileSync(file, content)
    const sealed = await alpha.run("seal", file)
    assert.equal(sealed.status, 0, sealed.stderr)
    assert.match(sealed.stdout, /deed\.bin\.sealed: sealed for omega under key [0-9a-f-]{36}/)
    const bytes = readFileSync(`${file}.sealed`)
    assert.equal(bytes.length, HEADER_BYTES + content.length + 3 * 16)
    const opened = await omega.run("open", `${file}.sealed`, "--output", `${file}.back`)
    assert.equal(opened.status, 0, opened.stderr)
    assert.ok(readFileSync(`${file}.back`).equals(content))
    // The sealing end opens it, too; nothing that is there is written over.
    assert.equal((await alpha.run("open", `${file}.sealed`)).status, 1)
    assert.equal((await alpha.run("open", `${file}.sealed`, "--output", `${file}.own`)).status, 0)

    const again = await alpha.run("seal", file, "--output", `${file}.2`)
    assert.notEqual(keyIn(again.stdout), keyIn(sealed.stdout))
    await omega.until(({ in: taken }) => taken.used === 2)
    const shown = await omega.run("status")
    assert.match(shown.stdout, /to open with: 3 ready, 0 being proven, 2 used/)
    // What was moved, cut or changed is seen, and leaves no file.
    const one = HEADER_BYTES + SEALED_SEGMENT_BYTES
    for (const [name, broken] of Object.entries({
      cut: bytes.subarray(0, one),
      swapped: Buffer.concat([
        bytes.subarray(0, HEADER_BYTES),
        bytes.subarray(one, one + SEALED_SEGMENT_BYTES),
        bytes.subarray(HEADER_BYTES, one),
        bytes.subarray(one + SEALED_SEGMENT_BYTES),
      ]),
      renamed: Buffer.concat([bytes.subarray(0, 40), Buffer.from([0x5a]), bytes.subarray(41)]),
    })) {
      writeFileSync(`${file}.${name}`, broken)
      const refused = await omega.run("open", `${file}.${name}`, "--output", `${file}.out`)
      assert.notEqual(refused.status, 0, name)
      assert.match(refused.stderr, /changed, or sealed with another key|is not one that/, name)
      assert.ok(!existsSync(`${file}.out`))
    }
  })

  it("are filled up below the watermark, and their end is carried out at both ends", async () => {
    await start({ count: { alpha: 4, omega: 0 } })
    await alpha.until(({ out }) => out.ready === 4)
    const file = path.join(dir, "note")
    writeFileSync(file, "")
    const ids: string[] = []
    for (const n of [1, 2]) {
      const { stdout, stderr } = await alpha.run("seal", file, "--output", `${file}.${n}`)
      assert.equal(stderr, "")
      ids.push(keyIn(stdout))
    }
    await alpha.until(({ out }) => out.ready === 4 && out.used === 2)
    assert.equal((await omega.run("open", `${file}.1`, "--output", `${file}.o`)).status, 0)
    assert.equal(readFileSync(`${file}.o`).length, 0, "an empty file is sealed and opened")
    assert.equal((await alpha.run("destroy", ids[0] ?? "")).status, 0)
    await omega.until(({ in: taken }) => taken.used === 1 && taken.ready === 4)
    for (const site of [alpha, omega]) {
      const gone = await site.run("open", `${file}.1`, "--output", `${file}.x`)
      assert.match(gone.stderr, /the token has no key/)
    }
    const others = await omega.run("destroy", ids[1] ?? "")
    assert.match(others.stderr, /is alpha's/)
  })

  it("that differ are found before use, dropped at both ends and replaced", async () => {
    await kme.order("wrong 2")
    await start({ count: { alpha: 4, omega: 0 } })
    await alpha.until(({ out }) => out.ready === 4 && out.imported === 0 && out.retiring === 0)
    await omega.until(({ in: taken }) => taken.ready === 4 && taken.imported === 0)
    assert.match(alpha.log, /keys-differ/)
  })

  it("wait while a key manager or the peer is away, and go on by themselves", async () => {
    await make({ count: { alpha: 3, omega: 0 } })
    await kme.order("stop kme-a")
    await alpha.start()
    await kme.order("start kme-a")
    await alpha.until(({ out }) => out.imported === 3)
    assert.equal(
      (await alpha.counts()).out.ready,
      0,
      "nothing is ready before the peer has proven it",
    )
    await omega.start()
    await alpha.until(({ out }) => out.ready === 3)
  })

  it("come back with a token that went away", async () => {
    await start({ count: { alpha: 2, omega: 0 } })
    await alpha.until(({ out }) => out.ready === 2)
    const { tokenDir } = sites.alpha.soft
    renameSync(tokenDir, `${tokenDir}.away`)
    const file = path.join(dir, "away")
    writeFileSync(file, "x")
    assert.notEqual((await alpha.run("seal", file)).status, 0)
    renameSync(`${tokenDir}.away`, tokenDir)
    assert.equal((await alpha.run("seal", file, "--output", `${file}.late`)).status, 0)
    await alpha.until(({ out }) => out.ready === 2)
  })

  it("are not used twice by who brings back an old index", async () => {
    await start({ count: { alpha: 3, omega: 0 } })
    await alpha.until(({ out }) => out.ready === 3)
    await alpha.stop()
    const state = path.join(sites.alpha.dir, "state")
    cpSync(state, `${state}.old`, { recursive: true })
    const file = path.join(dir, "once")
    writeFileSync(file, "x")
    const first = await alpha.run("seal", file, "--output", `${file}.1`)
    rmSync(state, { recursive: true })
    renameSync(`${state}.old`, state)
    const refused = await alpha.run("seal", file, "--output", `${file}.2`)
    const second = await alpha.run("seal", file, "--output", `${file}.3`)
    assert.match(refused.stderr, /may not be used so \(any more\)/)
    assert.notEqual(keyIn(second.stdout), keyIn(first.stdout))
    assert.equal((await omega.run("open", `${file}.1`, "--output", `${file}.o`)).status, 0)
  })
})

function keyIn(text: string): string {
  return /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(text)?.[0] ?? ""
}
