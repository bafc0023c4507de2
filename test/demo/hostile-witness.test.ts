// The positive control of the other hostile tests: what they call unharmed is not so when a configuration was changed
// or the controller's own session was ended, and the network mends itself afterwards.

import assert from "node:assert/strict"
import path from "node:path"
import { type Demo, eventually, freshDir, removeDir, root, startDemo } from "../support/demo.js"
import { exchangeKey, reaches, Witness } from "../support/hostile-bystander.js"
import { NODE_NS, RawNetconf, rpcErrorOf } from "../support/hostile-netconf.js"

describe("the witness of hostile tests", function () {
  this.timeout(180_000)
  let demo: Demo
  const dir = freshDir()

  before(async () => {
    demo = await startDemo({ dir, topology: path.join(root, "examples/luxembourg/topology.json") })
  })
  after(async () => {
    await demo.stop()
    removeDir(dir)
  })

  /** What the witness says after `deed` at the middle node; nothing when it saw no harm. */
  const verdict = async (
    deed: (session: RawNetconf, qkdnId: string) => Promise<void>,
  ): Promise<string> => {
    const { netconf, qkdnId } = demo.file.nodes[1] ?? assert.fail()
    const witness = await Witness.of(demo, [["sae-Windhof", "sae-Betzdorf"]])
    const session = await RawNetconf.open(netconf)
    try {
      await deed(session, qkdnId)
      return await witness.unharmed().then(() => "", String)
    } finally {
      session.close()
      await witness.close()
    }
  }

  it("sees no harm where none is", async () => {
    assert.equal(await verdict(() => Promise.resolve()), "")
  })

  it("sees a configuration that was changed", async () => {
    const said = await verdict(async (session, qkdnId) => {
      const reply = await session.ask(
        `<edit-config><target><running/></target><config><qkd_node xmlns="${NODE_NS}"><qkdn_id>${qkdnId}</qkdn_id><qkdn_location_id>elsewhere</qkdn_location_id></qkd_node></config></edit-config>`,
      )
      assert.equal(rpcErrorOf(reply), undefined, reply)
    })
    assert.match(said, /Kirchberg is configured anew/)
  })

  it("sees that the controller lost its session, which it opens again by itself", async () => {
    const said = await verdict(async (session) => {
      const state = await session.ask(
        '<get><filter><netconf-state xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"><sessions/></netconf-state></filter></get>',
      )
      // The node's first session is that of the controller, which waits for it.
      const first = /<session-id>(\d+)</.exec(state)?.[1] ?? assert.fail(state)
      const reply = await session.ask(
        `<kill-session><session-id>${first}</session-id></kill-session>`,
      )
      assert.equal(rpcErrorOf(reply), undefined, reply)
    })
    assert.match(said, /Kirchberg lost the session/)
    await eventually(
      async () => ((await reaches(demo)).every((r) => r === "connected") ? true : undefined),
      "the controller is back at every node",
    )
    await exchangeKey(demo, "sae-Windhof", "sae-Betzdorf")
  })
})
