// yangcli of yuma123, a NETCONF client that learns our modules by itself (YANG library, get-schema) before it
// lets an operator type.

import assert from "node:assert/strict"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { writeFileSync } from "node:fs"
import path from "node:path"
import { NetconfServer } from "../../src/netconf/server.js"
import { systemClock } from "../../src/transport/ssh-clock.js"
import { DepotBackend } from "../netconf/fixture.js"
import { USER, sshFixture, type SshFixture } from "../transport/ssh-fixture.js"

async function runYangcli(fixture: SshFixture, commands: readonly string[]): Promise<string> {
  const { dir, listener, target, userKey } = fixture
  const script = path.join(dir, "script")
  writeFileSync(script, `${commands.join("\n")}\n`)
  writeFileSync(`${target.privateKeyFile}.pub`, `${userKey.publicKey}\n`)
  const args = [
    ...["--server=127.0.0.1", `--ncport=${listener.port}`, `--user=${USER}`, "--password=unused"],
    ...[`--private-key=${target.privateKeyFile}`, `--public-key=${target.privateKeyFile}.pub`],
    ...["--batch-mode", `--run-script=${script}`],
  ]
  // It keeps what it learns below HOME.
  const child = spawn("yangcli", args, { env: { ...process.env, HOME: dir }, timeout: 40_000 })
  let out = ""
  child.stdout.on("data", (b: Buffer) => (out += b.toString()))
  child.stderr.on("data", (b: Buffer) => (out += b.toString()))
  child.stdin.end()
  await once(child, "close")
  return out
}

describe("yangcli against our server", function () {
  this.timeout(60_000)

  before(function () {
    if (spawnSync("yangcli", ["--version"]).error === undefined) return
    console.error("      yangcli is not installed: skipped")
    this.skip()
  })

  it("learns the module, edits by it, locks, calls an rpc and is refused a second delete", async () => {
    const backend = new DepotBackend()
    const initial = { "depot:depot": { name: "north", tag: ["x"] } }
    const server = new NetconfServer({ backend, initial, clock: systemClock })
    const fixture = await sshFixture(server)
    try {
      const out = await runYangcli(fixture, [
        "replace /depot/name value=south",
        "merge /depot/limit value=77",
        "delete /depot/limit",
        "lock target=running",
        "unlock target=running",
        "empty-shelf id=a",
        "sget-config source=running /depot",
        "delete /depot/limit",
      ])
      assert.match(out, /depot@2026-01-01/)
      assert.match(out, /Protocol version set to: RFC 6241 \(base:1\.1\)/)
      assert.match(out, /taken 3/)
      assert.match(out, /depot \{\s+name south\s+tag x\s+\}/)
      assert.equal(out.match(/RPC OK Reply/g)?.length, 5, out)
      assert.match(out, /error-tag +data-missing/)
      assert.deepEqual(server.datastore.running, { "depot:depot": { name: "south", tag: ["x"] } })
      assert.equal(backend.log.filter((line) => line === "commit").length, 3)
    } finally {
      await fixture.close()
    }
  })
})
