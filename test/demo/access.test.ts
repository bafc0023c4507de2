// Logins of every kind at the nodes of a running demo, with ncclient: an admin writes rules, an observer sees less by them,
// and the controller goes on.

import assert from "node:assert/strict"
import path from "node:path"
import { type Demo, freshDir, removeDir, startDemo, writeTopology } from "../support/demo.js"
import { exchangeKey } from "../support/hostile-bystander.js"
import { type Call, ncclient, type Outcome } from "../support/ncclient.js"

const NACM = "urn:ietf:params:xml:ns:yang:ietf-netconf-acm"
const NODE = "urn:etsi:qkd:yang:etsi-qkd-node"

const HIDE_APPLICATIONS = `<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><nacm xmlns="${NACM}"><rule-list xmlns:y="urn:ietf:params:xml:ns:yang:1" y:insert="first"><name>quiet</name><group>observer</group><rule><name>who talks to whom</name><path xmlns:q="${NODE}">/q:qkd_node/q:qkd_applications</path><action>deny</action></rule></rule-list></nacm></config>`

describe("logins at the nodes of a demo", function () {
  this.timeout(180_000)
  let demo: Demo
  const dir = freshDir()

  before(async () => {
    const topology = writeTopology(dir, {
      name: "pair",
      nodes: [{ name: "a" }, { name: "b" }],
      links: [{ id: "a-b", a: "a", b: "b", lengthKm: 5, skrBps: 100_000 }],
    })
    demo = await startDemo({ dir, topology })
    await exchangeKey(demo, "sae-a", "sae-b")
  })
  after(async () => {
    await demo.stop()
    removeDir(dir)
  })

  const as = async (username: string, ...calls: Call[]): Promise<Outcome[]> => {
    const [node] = demo.file.nodes
    assert(node)
    const privateKeyFile = path.join(demo.dir, username, `${username}.ssh`)
    return (await ncclient({ ...node.netconf, username, privateKeyFile }, calls)).slice(1)
  }

  it("see and change what each may, by rules that an admin changes while all goes on", async () => {
    const [before] = await as("observer", { op: "get" })
    assert.match(before?.data ?? "", /sae-a/)
    const [refused] = await as("operator", { op: "edit", config: HIDE_APPLICATIONS })
    assert.equal(refused?.error?.tag, "access-denied")
    const [written, rules] = await as(
      "admin",
      { op: "edit", config: HIDE_APPLICATIONS },
      { op: "get" },
    )
    assert.equal(written?.ok, true, JSON.stringify(written))
    assert.match(rules?.data ?? "", /who talks to whom/)
    const [after] = await as("observer", { op: "get" })
    assert.doesNotMatch(after?.data ?? "", /server_app_id|nacm/)
    assert.match(after?.data ?? "", /qkd_link/)
    const [operators] = await as("operator", { op: "get" })
    assert.match(operators?.data ?? "", /sae-a/)
    await exchangeKey(demo, "sae-b", "sae-a")
  })
})
