// ncclient against the datastores of our servers: candidate, confirmed commits, whole configurations, XPath, defaults,
// NMDA; of a server in memory and of a real node's agent, over SSH.

import assert from "node:assert/strict"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { NetconfServer } from "../../src/netconf/server.js"
import { systemClock } from "../../src/transport/ssh-clock.js"
import { StartupDepot, two } from "../netconf/candidate-fixture.js"
import { NS } from "../netconf/fixture.js"
import { SELF } from "../node/agent-fixtures.js"
import { AgentSite } from "../node/agent-site.js"
import { USER, sshFixture } from "../transport/ssh-fixture.js"

const PYTHON = "/usr/bin/python3"
const SCRIPT = fileURLToPath(new URL("ncclient-datastores.py", import.meta.url))
const NODE_NS = "urn:etsi:qkd:yang:etsi-qkd-node"

interface Peer {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly key: string
  readonly hostkey: string
}

interface Data {
  readonly ns: string
  readonly edit: string
  readonly leaf: string
  readonly bad: string
  readonly xpath: string
}

type Seen = Readonly<Record<string, unknown>>

async function runPeer(peer: Peer, data: Data): Promise<Seen> {
  const child = spawn(PYTHON, [SCRIPT, JSON.stringify({ ...peer, ...data })])
  let [out, err] = ["", ""]
  child.stdout.on("data", (b: Buffer) => (out += b.toString()))
  child.stderr.on("data", (b: Buffer) => (err += b.toString()))
  const [status] = (await once(child, "close")) as [number | null]
  assert.equal(status, 0, err)
  return JSON.parse(out) as Seen
}

const DEPOT: Data = {
  ns: NS,
  edit: `<depot xmlns="${NS}"><name>{}</name></depot>`,
  leaf: "name",
  bad: `<depot xmlns="${NS}"><favourite>nowhere</favourite></depot>`,
  xpath: "/d:depot/d:name",
}

const node = (inner: string): string =>
  `<qkd_node xmlns="${NODE_NS}"><qkdn_id>${SELF}</qkdn_id>${inner}</qkd_node>`
const NODE: Data = {
  ns: NODE_NS,
  edit: node("<qkdn_location_id>{}</qkdn_location_id>"),
  leaf: "qkdn_location_id",
  bad: node("<qkdn_version>9</qkdn_version>"),
  xpath: "/d:qkd_node/d:qkdn_location_id",
}

/** Starts a server, lets ncclient at it, and ends it. */
async function depotSeen(): Promise<Seen> {
  const server = new NetconfServer({
    backend: new StartupDepot(),
    initial: two,
    clock: systemClock,
    candidate: true,
  })
  const fixture = await sshFixture(server)
  const { host, port, privateKeyFile } = fixture.target
  const hostkey = fixture.hostKey.publicKey.split(" ")[1] ?? ""
  try {
    return await runPeer({ host, port, user: USER, key: privateKeyFile, hostkey }, DEPOT)
  } finally {
    await fixture.close()
  }
}

async function nodeSeen(): Promise<Seen> {
  const site = await AgentSite.open()
  const { port } = site.listener
  try {
    const [hostkey, user] = [site.hostKey.split(" ")[1] ?? "", "admin"]
    return await runPeer({ host: "127.0.0.1", port, user, key: site.keyFile, hostkey }, NODE)
  } finally {
    await site.close()
  }
}

for (const [what, look, bad] of [
  ["a server in memory", depotSeen, /data-missing|instance-required/],
  ["a node's agent", nodeSeen, /operation-not-supported/],
] as const)
  describe(`ncclient and the datastores of ${what}`, function () {
    this.timeout(180_000)
    let seen: Seen
    const tagOf = (name: string): unknown => (seen[name] as { tag?: string } | null)?.tag
    const ok = (...names: string[]): void => {
      for (const name of names) assert.equal(seen[name], true, name)
    }
    const text = (name: string): string => String(seen[name])

    before(async function () {
      if (spawnSync(PYTHON, ["-c", "import ncclient"]).status !== 0) {
        console.error("      python3-ncclient is not installed: skipped")
        this.skip()
      }
      seen = await look()
    })

    it("prepares, discards, locks, validates and commits", () => {
      ok("edit", "discard", "discarded", "validate", "commit")
      assert.deepEqual(seen["candidate"], ["one"])
      assert.notDeepEqual(seen["notYet"], ["one"])
      assert.deepEqual(seen["committed"], ["one"])
      assert.equal(tagOf("lockDenied"), "lock-denied")
      assert.equal(tagOf("inUse"), "in-use")
    })

    it("hears what is wrong with a candidate at validate and at commit", () => {
      for (const name of ["badValidate", "badCommit"]) {
        assert.match(JSON.stringify(seen[name]), bad, name)
        assert.match(JSON.stringify(seen[name]), /"path":"\//, name)
      }
    })

    it("commits to be confirmed, confirms, and goes back", () => {
      ok("confirmed", "cancel", "confirm")
      assert.deepEqual(seen["meanwhile"], ["two"])
      assert.equal(tagOf("otherCommit"), "in-use")
      assert.equal(tagOf("runningLocked"), "lock-denied")
      assert.deepEqual(seen["cancelled"], ["one"])
      assert.deepEqual(seen["kept"], ["two"])
      assert.deepEqual(seen["orphan"], ["five"])
      assert.deepEqual(seen["orphanGone"], ["three"])
    })

    it("lets a commit persist, for whoever has the token", () => {
      ok("persist", "confirmByToken", "cancelByToken")
      assert.deepEqual(seen["outlived"], ["three"])
      assert.equal(tagOf("wrongToken"), "invalid-value")
      assert.equal(tagOf("noToken"), "operation-failed")
      assert.deepEqual(seen["back"], ["three"])
    })

    it("copies whole configurations, and cannot delete running", () => {
      ok("copyInline", "copyBack", "copiedBack", "validateRunning")
      assert.deepEqual(seen["copied"], ["whole"])
      assert.equal(tagOf("deleteRunning"), "operation-not-supported")
      if (seen["startup"] === undefined) return
      ok("copyStartup", "deleteStartup")
      assert.deepEqual([seen["startup"], seen["noStartup"]], [["three"], []])
    })

    it("reads by XPath, with defaults in every mode, and by datastore with origins", () => {
      assert.match(text("xpath"), />three</)
      assert.equal(tagOf("badXPath"), "invalid-value")
      ok("getAll", "editData")
      assert.match(text("report-all-tagged"), /default="true"/)
      assert.ok(text("report-all").length > text("explicit").length)
      assert.ok(text("explicit").length >= text("trim").length)
      assert.match(text("getData"), /origin="or:(intended|system)"/)
      assert.match(text("getData"), /<netconf-state/)
      assert.doesNotMatch(text("getDataRunning"), />three</)
      assert.equal(tagOf("getDataStartup"), "invalid-value")
      assert.deepEqual(seen["editedData"], ["six"])
    })

    it("gets schemas and the state of the server", () => {
      assert.match(text("schema"), /module ietf-netconf-monitoring \{/)
      assert.equal(tagOf("noSchema"), "invalid-value")
      assert.match(text("monitoring"), /<session>.*<netconf-start-time>.*<in-rpcs>/s)
      ok("closed")
    })
  })
