// Outlets: processes beside a node that serve ETSI 014 on connections which it hands over (decision 0086).

import assert from "node:assert/strict"
import { once } from "node:events"
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs"
import { connect } from "node:net"
import { connect as connectTls } from "node:tls"
import { spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import { OutletSite, parentOf } from "./outlet-site.js"

function socketsOf(pid: number): number {
  const dir = `/proc/${pid}/fd`
  return readdirSync(dir).filter((fd) => readlinkSync(`${dir}/${fd}`).startsWith("socket:")).length
}

describe("a node with outlets", function () {
  this.timeout(180_000)
  const site = new OutletSite()
  afterEach(() => site.close())
  after(() => {
    site.remove()
  })

  it("hands connections to all of them in turn, and serves none itself", async () => {
    await site.open()
    const { pids } = site.outlets
    assert.equal(pids.length, 2)
    for (const pid of pids) assert.equal(parentOf(pid), process.pid)
    const before = pids.map(socketsOf)
    for (const name of ["alice", "alice"]) assert.equal((await site.caller(name).ask())[0], 200)
    assert.deepEqual(
      pids.map(socketsOf),
      before.map((count) => count + 1),
    )
  })

  it("goes on when one is killed, and has as many again soon", async () => {
    await site.open()
    await site.killOutlets()
    // A connection that comes while none serves waits for one that does.
    for (const name of ["alice", "alice"]) assert.equal((await site.caller(name).ask())[0], 200)
    await site.until(() => site.outlets.pids.length === 2)
  })

  it("N3: ends connections of revoked certificates at every outlet, and tells how many those were", async () => {
    await site.open({ tls: site.tls([]) })
    const callers = ["alice", "alice", "amy", "amy"].map((name) => site.caller(name))
    for (const caller of callers) assert.equal((await caller.ask())[0], 200)
    assert.equal(await site.outlets.renew(site.tls(["alice"])), 2)
    for (const [nth, caller] of callers.entries())
      assert.equal((await caller.ask())[0], nth < 2 ? 0 : 200)
    for (const name of ["alice", "alice"]) assert.equal((await site.caller(name).ask())[0], 0)
    // An outlet that starts later knows of it as well.
    await site.killOutlets()
    for (const name of ["alice", "alice"]) assert.equal((await site.caller(name).ask())[0], 0)
    assert.equal((await site.caller("amy").ask())[0], 200)
  })

  it("refuses TLS material that cannot be used, and goes on with what it has", async () => {
    await site.open()
    const identity = { certificatePem: "no", privateKeyPem: "no" }
    await assert.rejects(site.outlets.renew({ ...site.tls(), identity }), { tag: "invalid-value" })
    for (const name of ["alice", "alice"]) assert.equal((await site.caller(name).ask())[0], 200)
    assert.equal(site.outlets.pids.length, 2)
  })

  it("has a new site policy in force at every outlet once it says so, on connections that stand", async () => {
    await site.open()
    const callers = ["alice", "alice", "amy", "amy"].map((name) => site.caller(name))
    for (const caller of callers) assert.equal((await caller.ask())[0], 200)
    const before = site.policy
    // Alice is of the site still, but her certificate is another now: that is for the outlets to see.
    site.policy = site.policyOf(2, ["alice", "amy"], { alice: "server" })
    await site.outlets.policyChanged()
    for (const [nth, caller] of callers.entries())
      assert.equal((await caller.ask())[0], nth < 2 ? 401 : 200)
    site.policy = before
  })

  it("N5: cuts off who drips a handshake or a request, at an outlet too", async () => {
    await site.open()
    const mute = connect(site.outlets.port, "127.0.0.1")
    const { folder } = site
    const slow = connectTls({
      ...{ host: "127.0.0.1", port: site.outlets.port, ca: folder.pem("kme.pem") },
      ...{ cert: folder.pem("alice.pem"), key: folder.pem("alice.key") },
    })
    slow.write("GET /api/v1/keys/bob/status HTTP/1.1\r\nhost: kme\r\n")
    slow.resume()
    const began = performance.now()
    await Promise.all([once(mute, "close"), once(slow, "close")])
    const tookMs = performance.now() - began
    assert.ok(tookMs > 9000, "a request has its time")
    assert.ok(tookMs < 50_000, "and no more: an idle connection has a minute")
  })

  it("leaves no process behind when it closes, nor when it is killed", async () => {
    await site.open()
    const { pids } = site.outlets
    await site.close()
    for (const pid of pids) assert.equal(existsSync(`/proc/${pid}`), false)

    const script = fileURLToPath(new URL("outlet-orphans-child.ts", import.meta.url))
    const run = spawn(process.execPath, ["--import", "tsx", script], {
      stdio: ["ignore", "pipe", "inherit"],
    })
    const [line] = (await once(run.stdout, "data")) as [Buffer]
    const orphans = JSON.parse(line.toString()) as number[]
    assert.equal(orphans.length, 2)
    run.kill("SIGKILL")
    const lives = (pid: number): boolean =>
      existsSync(`/proc/${pid}`) &&
      !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))
    await site.until(() => !orphans.some(lives))
  })

  it("I1: keeps memory of an outlet out of core dumps, and gives it none of its environment's secrets", async () => {
    process.env["KEYLOOM_TEST_SEALING_KEY"] = "a secret of the node"
    await site.open()
    delete process.env["KEYLOOM_TEST_SEALING_KEY"]
    for (const pid of site.outlets.pids) {
      assert.equal(Number.parseInt(readFileSync(`/proc/${pid}/coredump_filter`, "latin1"), 16), 0)
      assert.doesNotMatch(readFileSync(`/proc/${pid}/environ`, "latin1"), /a secret of the node/)
    }
  })
})
