// What the pages for administrators tell to type is right: configurations are read, units are the files of examples/systemd
// and sound to systemd.

import assert from "node:assert/strict"
import { execFile, spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { promisify } from "node:util"
import {
  CONSUMER_CONFIG_MODULES,
  readIpsecConfig,
  readWireguardConfig,
} from "../../src/consumer/config.js"
import { HSM_CONFIG_MODULES, readHsmConfig } from "../../src/consumer/hsm-config.js"
import { loadYangFiles } from "../../src/transport/yang-files.js"
import { freshDir, removeDir, root } from "../support/demo.js"

const run = promisify(execFile)

interface Page {
  readonly page: string
  readonly unit: string
  readonly role: string
  readonly config: string
  /** What the page leaves to the reader, and a value for it. */
  readonly gaps?: readonly (readonly [string, string])[]
  readonly read: (text: string, dir: string) => { readonly dir: string }
}

const PAGES: readonly Page[] = [
  {
    page: "VPN-IPSEC.md",
    unit: "keyloom-vpn-ipsec.service",
    role: "ipsec",
    config: "vpn.json",
    read: (text, dir) => readIpsecConfig(loadYangFiles(CONSUMER_CONFIG_MODULES), text, dir).tunnel,
  },
  {
    page: "VPN-WIREGUARD.md",
    unit: "keyloom-vpn-wireguard.service",
    role: "wireguard",
    config: "vpn.json",
    gaps: [["the other end's, as wg prints it", "whCMtGjkqv2OUuswjKBWFTYDlyhIi1l+wO39PKwy/Gs="]],
    read: (text, dir) =>
      readWireguardConfig(loadYangFiles(CONSUMER_CONFIG_MODULES), text, dir).tunnel,
  },
  {
    page: "HSM-STORAGE.md",
    unit: "keyloom-hsm.service",
    role: "hsm",
    config: "hsm.json",
    read: (text, dir) => readHsmConfig(loadYangFiles(HSM_CONFIG_MODULES), text, dir),
  },
]

function block(page: string, language: string): string {
  const text = readFileSync(path.join(root, "docs", page), "utf8")
  const [, found] = new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``).exec(text) ?? []
  return found ?? assert.fail(`${page} shows no ${language}`)
}

function unitFile(unit: string): string {
  return readFileSync(path.join(root, "examples/systemd", unit), "utf8")
}

describe("a page for administrators", () => {
  let dir: string

  before(() => {
    dir = freshDir()
    mkdirSync(dir, { recursive: true })
  })
  after(() => {
    removeDir(dir)
  })

  for (const { page, unit, role, config, gaps = [], read } of PAGES) {
    it(`${page} shows a configuration that is read as it stands`, () => {
      let text = block(page, "json")
      for (const [gap, value] of gaps) {
        assert.ok(text.includes(gap))
        text = text.replace(gap, value)
      }
      const state = read(text, "/etc/keyloom").dir
      // systemd makes that folder, for the user that the service runs as.
      assert.match(unitFile(unit), new RegExp(`^StateDirectory=${path.basename(state)}$`, "m"))
      assert.equal(path.dirname(state), "/var/lib")
    })

    it(`${page} shows the unit ${unit}, which starts that role with that file`, async () => {
      assert.equal(block(page, "ini"), unitFile(unit))
      const [, program = "", words = ""] =
        /^ExecStart=\/usr\/bin\/node \/usr\/lib\/keyloom\/(\S+) (.*)$/m.exec(unitFile(unit)) ?? []
      assert.equal(words, `consumer ${role} --config /etc/keyloom/${config}`)
      const known = await run(process.execPath, [program, "consumer", role, "--help"], {
        cwd: root,
      })
      assert.match(known.stdout, /--config/)
    })

    it(`${page} shows a unit that systemd finds no fault with`, function () {
      const copy = path.join(dir, unit)
      // Node.js stands elsewhere here.
      writeFileSync(copy, unitFile(unit).replace("/usr/bin/node", process.execPath))
      const verified = spawnSync("systemd-analyze", ["verify", "--man=no", copy], {
        encoding: "utf8",
      })
      if (verified.error !== undefined) {
        console.log("      skipped: systemd-analyze is not here")
        this.skip()
      }
      assert.equal(verified.stderr, "")
      assert.equal(verified.status, 0)
    })
  }

  for (const { unit } of PAGES)
    it(`${unit} leaves the service little that it does not need`, function () {
      const file = path.join(root, "examples/systemd", unit)
      // In tenths: 10.0 is a service that may do anything.
      const words = ["security", "--offline=true", "--no-pager", "--threshold=25", file]
      const judged = spawnSync("systemd-analyze", words, { encoding: "utf8" })
      if (judged.error !== undefined || /unrecognized option/.test(judged.stderr)) {
        console.log("      skipped: there is no systemd-analyze here that judges files")
        this.skip()
      }
      assert.equal(judged.status, 0, judged.stdout)
    })

  it("would be told of a unit with a fault (control)", function () {
    const copy = path.join(dir, "faulty.service")
    writeFileSync(
      copy,
      unitFile("keyloom-hsm.service")
        .replace("/usr/bin/node", process.execPath)
        .replace("MemorySwapMax", "MemorySwapMost"),
    )
    const verified = spawnSync("systemd-analyze", ["verify", "--man=no", copy], {
      encoding: "utf8",
    })
    if (verified.error !== undefined) {
      console.log("      skipped: systemd-analyze is not here")
      this.skip()
    }
    assert.match(verified.stderr, /MemorySwapMost/)
  })
})
