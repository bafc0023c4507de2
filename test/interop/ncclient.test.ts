// ncclient, a NETCONF client that is not ours, against our server over SSH.

import assert from "node:assert/strict"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { NetconfServer } from "../../src/netconf/server.js"
import type { JsonObject } from "../../src/yang/json.js"
import { systemClock } from "../../src/transport/ssh-clock.js"
import { DepotBackend, MODULE, NS } from "../netconf/fixture.js"
import { USER, sshFixture, type SshFixture } from "../transport/ssh-fixture.js"

const PYTHON = "/usr/bin/python3"
const SCRIPT = fileURLToPath(new URL("ncclient-peer.py", import.meta.url))

interface Fault {
  readonly type: string
  readonly tag: string
  readonly appTag: string | null
  readonly path: string | null
  readonly message: string | null
  readonly info: string | null
}

type Seen = Readonly<Record<string, unknown>> & {
  readonly capabilities: readonly string[]
  readonly notifications: readonly (string | null)[]
}

/** Raises an event for each `empty-shelf`. */
class RaisingBackend extends DepotBackend {
  server: NetconfServer | undefined

  override rpc(...call: Parameters<DepotBackend["rpc"]>): Promise<JsonObject> {
    const [, input] = call
    setImmediate(() => this.server?.notify({ "depot:shelf-empty": { id: input["id"] ?? "" } }))
    return super.rpc(...call)
  }
}

async function runPeer(fixture: SshFixture): Promise<Seen> {
  const hostKey = fixture.hostKey.publicKey.split(" ")[1] ?? ""
  const { host, port, privateKeyFile } = fixture.target
  const child = spawn(PYTHON, [SCRIPT, host, String(port), USER, privateKeyFile, hostKey])
  let out = ""
  let err = ""
  child.stdout.on("data", (b: Buffer) => (out += b.toString()))
  child.stderr.on("data", (b: Buffer) => (err += b.toString()))
  const [status] = (await once(child, "close")) as [number | null]
  assert.equal(status, 0, err)
  return JSON.parse(out) as Seen
}

describe("ncclient against our server", function () {
  this.timeout(180_000)
  let fixture: SshFixture
  let server: NetconfServer
  let seen: Seen
  const fault = (name: string): Fault => {
    const found = seen[name]
    assert.ok(typeof found === "object" && found !== null, `${name} was not refused`)
    return found as Fault
  }

  before(async function () {
    if (spawnSync(PYTHON, ["-c", "import ncclient"]).status !== 0) {
      console.error("      python3-ncclient is not installed: skipped")
      this.skip()
    }
    const backend = new RaisingBackend()
    backend.weights = { a: "5000000000" }
    server = new NetconfServer({ backend, initial: {}, clock: systemClock })
    backend.server = server
    fixture = await sshFixture(server)
    seen = await runPeer(fixture)
  })
  after(() => fixture.close())

  it("reads our hello", () => {
    assert.equal(seen["sessionId"], 1)
    assert.ok(seen.capabilities.includes("urn:ietf:params:netconf:base:1.1"))
    assert.ok(seen.capabilities.some((c) => c.startsWith(`${NS}?module=depot`)))
  })

  it("merges, creates, replaces, deletes, removes, and uses default-operation none", () => {
    for (const name of ["merge", "create", "replace", "delete", "remove", "none", "testOnly"])
      assert.equal(seen[name], true, name)
    assert.equal(fault("createAgain").tag, "data-exists")
    assert.equal(fault("deleteAgain").tag, "data-missing")
    assert.match(String(seen["config"]), /<name>south<.*<id>a<.*<place>9</s)
    assert.doesNotMatch(String(seen["config"]), /<id>b|red|never/)
    assert.match(JSON.stringify(server.datastore.running), /south/)
  })

  it("gets errors with type, tag, path and message", () => {
    const { type, tag, path, message } = fault("wrongType")
    assert.equal(type, "application")
    assert.equal(tag, "invalid-value")
    assert.equal(path?.trim(), "/depot:depot/depot:limit")
    assert.ok(message)
    assert.equal(fault("commit").tag, "operation-not-supported")
    assert.equal(fault("unknown").tag, "unknown-element")
  })

  it("reads state, filtered or not, and the schema", () => {
    assert.match(String(seen["get"]), /<total>7</)
    assert.match(String(seen["get"]), /<weight>5000000000</)
    assert.match(String(seen["filtered"]), /<weight>5000000000</)
    assert.doesNotMatch(String(seen["filtered"]), /total|south/)
    assert.equal(String(seen["schema"]).trim(), MODULE.trim())
    assert.match(String(seen["rpc"]), /<taken xmlns="urn:keyloom:test:depot">3<\/taken>/)
    assert.equal(seen["validate"], true)
  })

  it("locks, is denied, kills the other session and gets its lock", () => {
    assert.equal(fault("lockDenied").tag, "lock-denied")
    assert.match(fault("lockDenied").info ?? "", /session-id>1</)
    assert.equal(fault("inUse").tag, "in-use")
    for (const name of ["lockAfter", "kill", "lockAfterKill"]) assert.equal(seen[name], true, name)
  })

  it("subscribes and gets notifications in order, then closes", () => {
    assert.equal(seen["subscribed"], true)
    assert.equal(seen.notifications.length, 2)
    assert.match(seen.notifications[0] ?? "", /<eventTime>.*<shelf-empty .*<id>k1</s)
    assert.match(seen.notifications[1] ?? "", /<id>k2</)
    assert.equal(seen["closed"], true)
    assert.deepEqual(server.sessions, [])
  })
})
