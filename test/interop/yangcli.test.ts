// yangcli of yuma123, a NETCONF client that learns our modules by itself (YANG library, get-schema) before it
// lets an operator type.

import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { NetconfServer } from "../../src/netconf/server.js"
import { systemClock } from "../../src/transport/ssh-clock.js"
import { StartupDepot, nameIn, two } from "../netconf/candidate-fixture.js"
import { DepotBackend } from "../netconf/fixture.js"
import { runYangcli } from "../support/yangcli.js"
import { sshFixture } from "../transport/ssh-fixture.js"

describe("yangcli against our server", function () {
  this.timeout(180_000)

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

  it("prepares and commits a candidate, copies, deletes startup, reads by XPath, with defaults and by datastore", async () => {
    const backend = new StartupDepot()
    const server = new NetconfServer({
      backend,
      initial: two,
      clock: systemClock,
      candidate: true,
    })
    const fixture = await sshFixture(server)
    try {
      const out = await runYangcli(fixture, [
        "replace /depot/name value=south",
        "sget-config source=candidate /depot/name",
        "validate source=candidate",
        "commit",
        "replace /depot/name value=west",
        "discard-changes",
        "lock target=candidate",
        "unlock target=candidate",
        "xget-config source=running select=/depot/shelf[id='b']/place",
        "get-config source=running with-defaults=report-all",
        "copy-config source=running target=startup",
        "copy-config source=startup target=candidate",
        "delete-config target=startup",
        "get-data datastore=ds:operational max-depth=2 config-filter=true",
        "get-schema identifier=depot",
        "sget /netconf-state/sessions",
        "kill-session session-id=99",
      ])
      assert.match(out, /Default target set to: <candidate> \(<running> also supported\)/)
      assert.match(out, /Default with-defaults behavior: explicit/)
      assert.equal(out.match(/RPC OK Reply/g)?.length, 10, out)
      assert.match(out, /depot \{\s+name south\s+\}/)
      assert.match(out, /shelf b \{\s+id b\s+place 2\s+\}/)
      assert.match(out, /mode quiet/)
      assert.match(out, /data 'module depot \{/)
      assert.match(out, /transport ncm:netconf-ssh/)
      assert.match(out, /error-tag invalid-value/)
      assert.equal(nameIn(server.datastore.running), "south")
      assert.equal(server.datastores.candidate?.modified, false)
      assert.equal(backend.stored, undefined)
    } finally {
      await fixture.close()
    }
  })
})
