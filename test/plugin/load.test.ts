// Plugins are found by name, checked against the contract, and a misfit says what is wrong with it.

import assert from "node:assert/strict"
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import path from "node:path"
import { QkdError } from "../../src/plugin/index.js"
import { loadModuleDriver, loadNodeDriver } from "../../src/plugin/load.js"

describe("loading a plugin", () => {
  let folder: string
  let count = 0

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "keyloom-plugins-"))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  /** A package folder with this manifest and code. */
  const lay = async (
    keyloom: unknown,
    code = "export default { name: 'x', contract: 1, connect() {} }",
    where?: string,
  ): Promise<string> => {
    count += 1
    const home = where ?? path.join(folder, `p${count}`)
    await mkdir(home, { recursive: true })
    await writeFile(
      path.join(home, "package.json"),
      JSON.stringify({ name: "p", type: "module", keyloom }),
    )
    await writeFile(path.join(home, "index.js"), code)
    return home
  }
  const about = { id: "x", role: "node-driver", contract: [1], entry: "./index.js" }
  const refused = (tag: string, text: RegExp) => (error: unknown) => {
    assert.ok(error instanceof QkdError)
    assert.equal(error.tag, tag)
    assert.match(error.message, text)
    return true
  }

  it("knows the shipped plugins by their short names", async () => {
    assert.equal((await loadNodeDriver("etsi015")).name, "etsi015")
    assert.equal((await loadModuleDriver("simulated")).name, "simulated")
  })

  it("does not take a QKD module for a node driver", async () => {
    await assert.rejects(
      loadNodeDriver("simulated"),
      refused("operation-not-supported", /qkd-module/),
    )
    await assert.rejects(
      loadModuleDriver(await lay(about)),
      refused("operation-not-supported", /role|node-driver/),
    )
  })

  it("loads a package by its folder, and by its name from where it is asked for", async () => {
    assert.equal((await loadNodeDriver(await lay(about))).name, "x")
    const home = await lay(about)
    const site = path.join(folder, "site")
    await mkdir(path.join(site, "node_modules", "@acme"), { recursive: true })
    await symlink(home, path.join(site, "node_modules", "@acme", "keyloom-q7"))
    const driver = await loadNodeDriver("@acme/keyloom-q7", { from: site })
    assert.equal(driver.contract, 1)
  })

  it("makes a driver of a maker's profile alone, without code", async () => {
    const profile = { omit: ["phys_wavelength"], timeoutMs: 5000 }
    const { entry: _entry, ...rest } = about
    const home = await lay({ ...rest, id: "acme-q7", extends: "etsi015", profile })
    assert.equal((await loadNodeDriver(home)).name, "acme-q7")
    const wrong = await lay({ ...rest, extends: "etsi015", profile: { omit: ["qkdl_id"] } })
    await assert.rejects(loadNodeDriver(wrong), refused("invalid-value", /qkdl_id/))
    const other = await lay({ ...rest, extends: "simulated", profile })
    await assert.rejects(loadNodeDriver(other), refused("operation-not-supported", /simulated/))
  })

  it("refuses what speaks another contract, by manifest or by code", async () => {
    await assert.rejects(
      loadNodeDriver(await lay({ ...about, contract: [2] })),
      refused("operation-not-supported", /contracts \[2\]/),
    )
    await assert.rejects(
      loadNodeDriver(await lay(about, "export default { name: 'x', contract: 2, connect() {} }")),
      refused("operation-not-supported", /contract 2/),
    )
  })

  it("refuses what has not the shape of a driver", async () => {
    for (const [code, text] of [
      ["export const nothing = 1", /exports no driver/],
      ["export default { contract: 1, connect() {} }", /no name/],
      ["export default { name: 'x', contract: 1 }", /no method connect/],
    ] as const)
      await assert.rejects(
        loadNodeDriver(await lay(about, code)),
        refused("operation-not-supported", text),
      )
  })

  it("says what is missing, and what broke", async () => {
    await assert.rejects(loadNodeDriver("@acme/none"), refused("data-missing", /@acme\/none/))
    await assert.rejects(
      loadNodeDriver("./none", { from: folder }),
      refused("data-missing", /none/),
    )
    await assert.rejects(loadNodeDriver("../../etc?"), (error) => error instanceof QkdError)
    await assert.rejects(loadNodeDriver("a b"), refused("invalid-value", /a b/))
    await assert.rejects(
      loadNodeDriver(await lay(undefined)),
      refused("operation-not-supported", /keyloom/),
    )
    await assert.rejects(
      loadNodeDriver(await lay(about, "throw new Error('boom')")),
      refused("operation-failed", /broke while loading/),
    )
    await assert.rejects(
      loadNodeDriver(await lay({ ...about, entry: "./none.js" })),
      refused("data-missing", /entry/),
    )
  })

  it("never runs an entry outside the package's folder", async () => {
    const outside = path.join(folder, "outside.js")
    await writeFile(outside, "export default { name: 'x', contract: 1, connect() {} }")
    const home = await lay({ ...about, entry: "../outside.js" })
    await assert.rejects(loadNodeDriver(home), refused("operation-not-supported", /outside/))
    await symlink(outside, path.join(home, "link.js"))
    const linked = await lay({ ...about, entry: "./link.js" }, "", home)
    await assert.rejects(loadNodeDriver(linked), refused("operation-not-supported", /outside/))
  })
})
