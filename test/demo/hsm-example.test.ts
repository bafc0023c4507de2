// The example as a user runs it.

import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { noSoftHsm } from "../../examples/lab/softhsm.js"
import { root } from "../support/demo.js"

describe("the example of keys preloaded into HSMs", function () {
  this.timeout(180_000)

  it("preloads, survives a kill, seals, opens, and ends with its figures", async function () {
    const reason = noSoftHsm() ?? (process.getuid?.() === 0 ? undefined : "it captures, as root")
    if (reason !== undefined) {
      process.stdout.write(`skipped: ${reason}\n`)
      this.skip()
    }
    const { code, output } = await new Promise<{ code: number; output: string }>((resolve) => {
      const command = [
        "run",
        "--silent",
        "example:hsm-storage",
        "--",
        "--keys",
        "12",
        "--kills",
        "1",
      ]
      execFile("npm", command, { cwd: root }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), output: stdout + stderr })
      })
    })
    assert.equal(code, 0, output)
    const last = output.trim().split("\n").at(-1) ?? ""
    assert.match(
      last,
      /^hsm-storage: \d+ keys ready in two tokens, proven equal, in [\d.]+ s with 1 kills; 3 files/,
    )
  })
})
