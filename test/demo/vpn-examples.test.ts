// The VPN examples, as a reader of the README runs them: against the demo network, with a few rotations.

import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { whyNoLab } from "../../examples/lab/namespaces.js"
import { root } from "../support/demo.js"

const run = promisify(execFile)
const why = whyNoLab(["charon-systemd", "swanctl", "wireguard-go", "wg"])

describe("the VPN examples", function () {
  this.timeout(180_000)

  before(function () {
    if (why === undefined) return
    console.log(`      skipped: ${why}`)
    this.skip()
  })

  it("run to their last line, with status 0, both at a time", async () => {
    await Promise.all(
      (
        [
          ["vpn-ipsec", /^vpn-ipsec: 3 rotations, \d+ of \d+ pings lost .* 0 packets outside/],
          ["vpn-wireguard", /^vpn-wireguard: 3 rotations, \d+ of \d+ pings lost .* 0 handshakes/],
        ] as const
      ).map(async ([name, figures]) => {
        const args = ["--import", "tsx", `examples/${name}/main.ts`, "--rotations", "3"]
        const { stdout } = await run(process.execPath, args, { cwd: root })
        const lines = stdout.trim().split("\n")
        assert.match(lines.at(-1) ?? "", figures, stdout)
        assert.ok(lines.includes("   Before there is a key: nothing passes."), stdout)
        assert.ok(lines.includes("   With the first key: traffic passes."), stdout)
      }),
    )
  })
})
