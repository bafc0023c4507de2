// The ETSI 015 driver with nodes that are not ours: without rollback, with a candidate, without interleave,
// written by others meanwhile, half done, misunderstood.

import assert from "node:assert/strict"
import { withProfile } from "../../../plugins/etsi015/index.js"
import { NODE_NS } from "../../../plugins/etsi015/wire.js"
import {
  lendDriverHost,
  type NodeConfig,
  type NodeConnection,
  type NodeDriver,
  QkdError,
} from "../../../src/plugin/index.js"
import { QKDN, type Script, ScriptedSession } from "./scripted.js"

const CAP = "urn:ietf:params:netconf:capability:"
const RUNNING = `${CAP}writable-running:1.0`
const ROLLBACK = `${CAP}rollback-on-error:1.0`
const EVENTS = `${CAP}notification:1.0`
const INTERLEAVE = `${CAP}interleave:1.0`
const LINK = "00000000-0000-4000-8000-000000000010"
const NEIGHBOUR = "00000000-0000-4000-8000-000000000002"
/** A scripted node does not hold what is written to it. */
const PLAIN = withProfile("etsi015", { readBack: false })
const target = {
  host: "h",
  port: 830,
  username: "u",
  privateKeyFile: "/k",
  hostKeyFingerprint: "SHA256:x",
}

const wanted: NodeConfig = {
  qkdnId: QKDN,
  links: [
    {
      type: "PHYS",
      qkdlId: LINK,
      enabled: true,
      local: { qkdnId: QKDN, qkdiId: 1 },
      remote: { qkdnId: NEIGHBOUR, qkdiId: 1 },
      wavelengthChannel: 34,
    },
  ],
  apps: [],
  peers: [{ qkdnId: NEIGHBOUR, host: "192.0.2.1", port: 1 }],
}
const linkXml = (more = ""): string =>
  `<qkd_links><qkd_link><qkdl_id>${LINK}</qkdl_id><qkdl_enable>true</qkdl_enable>
    <qkdl_local><qkdn_id>${QKDN}</qkdn_id><qkdi_id>1</qkdi_id></qkdl_local>
    <qkdl_remote><qkdn_id>${NEIGHBOUR}</qkdn_id><qkdi_id>1</qkdi_id></qkdl_remote>
    <qkdl_type>PHYS</qkdl_type>${more}</qkd_link></qkd_links>`

describe("the ETSI 015 driver at another maker's node", () => {
  const ends: (() => Promise<void>)[] = []
  afterEach(() => Promise.all(ends.splice(0).map((end) => end())))

  const connect = async (
    script: Script,
    driver: NodeDriver = PLAIN,
  ): Promise<{ connection: NodeConnection; sessions: ScriptedSession[] }> => {
    const sessions: ScriptedSession[] = []
    const lent = lendDriverHost({
      log: () => undefined,
      openNetconf: () => {
        const session = new ScriptedSession(script)
        sessions.push(session)
        return Promise.resolve(session)
      },
    })
    ends.push(() => lent.close())
    return { connection: await driver.connect(target, lent.host), sessions }
  }

  it("subscribes before it reads, and reads over the same session where the node interleaves", async () => {
    const { connection, sessions } = await connect({ capabilities: [RUNNING, EVENTS, INTERLEAVE] })
    await connection.read()
    assert.equal(sessions.length, 1)
    assert.deepEqual(sessions[0]?.calls, ["subscribe", "get"])
  })

  it("takes a second session where requests and notifications cannot share one", async () => {
    const { connection, sessions } = await connect({ capabilities: [RUNNING, EVENTS] })
    await connection.read()
    assert.deepEqual(
      sessions.map((session) => session.calls),
      [["subscribe"], ["get"]],
    )
    await connection.close()
    assert.ok(sessions.every((session) => session.calls.at(-1) === "close"))
  })

  it("asks for rollback where it is offered, reads first, and afterwards only writes", async () => {
    const { connection, sessions } = await connect({ capabilities: [RUNNING, ROLLBACK] })
    await connection.apply(wanted)
    await connection.apply({ ...wanted, links: [] })
    assert.deepEqual(sessions[0]?.calls, [
      "get-config",
      "edit running rollback-on-error",
      "edit running rollback-on-error",
    ])
  })

  it("writes nothing when the node already is so, whatever defaults and order it reports", async () => {
    const { connection, sessions } = await connect({
      capabilities: [RUNNING],
      data: () => linkXml("<phys_wavelength>34</phys_wavelength>"),
    })
    await connection.apply(wanted)
    assert.deepEqual(sessions[0]?.calls, ["get-config"])
  })

  it("edits and commits the candidate where running cannot be written, and discards a refused one", async () => {
    let refuse = false
    const { connection, sessions } = await connect({
      capabilities: [`${CAP}candidate:1.0`],
      rpc: (xml) => {
        if (refuse && xml === "commit") throw new QkdError("operation-failed", "no")
      },
    })
    await connection.apply(wanted)
    assert.deepEqual(sessions[0]?.calls, [
      "get-config",
      "lock candidate",
      "edit candidate",
      "commit",
      "unlock candidate",
    ])
    refuse = true
    await assert.rejects(connection.apply({ ...wanted, links: [] }), QkdError)
    assert.deepEqual(sessions[0].calls.slice(5), [
      "lock candidate",
      "edit candidate",
      "commit",
      "discard-changes",
      "unlock candidate",
    ])
  })

  it("puts back what a node without rollback did before it refused", async () => {
    let data = ""
    const edits: string[] = []
    const { connection } = await connect({
      capabilities: [RUNNING],
      data: () => data,
      edit: (_target, xml) => {
        edits.push(xml)
        if (edits.length > 1) return
        data = linkXml()
        throw new QkdError("resource-denied", "only the first half")
      },
    })
    await assert.rejects(connection.apply(wanted), { tag: "resource-denied" })
    assert.equal(edits.length, 2)
    assert.match(edits[1] ?? "", /nc:operation="delete"/)
  })

  it("says rollback-failed when what was half done cannot be put back", async () => {
    let data = ""
    const { connection } = await connect({
      capabilities: [RUNNING],
      data: () => data,
      edit: () => {
        data = linkXml()
        throw new QkdError("resource-denied", "no")
      },
    })
    await assert.rejects(connection.apply(wanted), { tag: "rollback-failed" })
  })

  it("looks again when somebody else has written to the node meanwhile", async () => {
    let data = ""
    let edits = 0
    const { connection, sessions } = await connect({
      capabilities: [RUNNING, ROLLBACK],
      data: () => data,
      edit: (_target, xml) => {
        edits += 1
        if (edits > 1 && data !== "" && xml.includes('"create"'))
          throw new QkdError("data-exists", "it is there")
      },
    })
    await connection.apply({ ...wanted, links: [] })
    await connection.apply(wanted)
    await connection.apply({ ...wanted, links: [] })
    data = linkXml()
    await connection.apply(wanted)
    assert.deepEqual(sessions[0]?.calls.slice(-3), [
      "edit running rollback-on-error",
      "get-config",
      "edit running rollback-on-error",
    ])
  })

  it("does not take an answer from before an edit for what is there after it", async () => {
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const edits: string[] = []
    const { connection } = await connect({
      capabilities: [RUNNING, ROLLBACK],
      hold: () => held,
      edit: (_target, xml) => edits.push(xml),
    })
    const reading = connection.read()
    await connection.apply(wanted)
    release()
    await reading
    await connection.apply({ ...wanted, links: [] })
    assert.match(edits[1] ?? "", /nc:operation="delete"/)
  })

  it("does not write another node's configuration", async () => {
    const { connection, sessions } = await connect({ capabilities: [RUNNING] })
    await assert.rejects(connection.apply({ ...wanted, qkdnId: NEIGHBOUR }), {
      tag: "invalid-value",
    })
    assert.ok(sessions[0]?.calls.every((call) => !call.startsWith("edit")))
  })

  it("finds keyloom-node in the YANG library where the hello is silent about it", async () => {
    const name = "<module-set><module><name>keyloom-node</name></module></module-set>"
    const { connection } = await connect({
      capabilities: [RUNNING, `${CAP}yang-library:1.1?revision=2019-01-04&content-id=1`],
      other: () =>
        `<yang-library xmlns="urn:ietf:params:xml:ns:yang:ietf-yang-library">${name}</yang-library>`,
    })
    assert.ok(connection.refuse !== undefined)
    const plain = await connect({ capabilities: [RUNNING, `${CAP}yang-library:1.1?content-id=1`] })
    assert.equal(plain.connection.refuse, undefined)
  })

  it("asks for a new reading when a notification cannot be understood, and skips other modules'", async () => {
    const { connection, sessions } = await connect({ capabilities: [RUNNING, EVENTS, INTERLEAVE] })
    const events = connection.events[Symbol.asyncIterator]()
    sessions[0]?.notify(`<netconf-config-change xmlns="urn:other"/>`)
    sessions[0]?.notify(
      `<sdqkdn_link_down xmlns="${NODE_NS}"><qkd_link><qkdl_id>five</qkdl_id></qkd_link></sdqkdn_link_down>`,
    )
    sessions[0]?.notify(
      `<sdqkdn_link_down xmlns="${NODE_NS}"><qkd_link><qkdl_id>${LINK}</qkdl_id></qkd_link></sdqkdn_link_down>`,
    )
    assert.deepEqual((await events.next()).value, { kind: "resync" })
    assert.deepEqual((await events.next()).value, { kind: "link-down", qkdlId: LINK })
  })

  it("leaves out what a maker's profile says, and is content without it", async () => {
    const edits: string[] = []
    const { connection } = await connect(
      { capabilities: [RUNNING], edit: (_target, xml) => edits.push(xml) },
      withProfile("acme", { readBack: false, omit: ["phys_wavelength", "virt_next_hop"] }),
    )
    await connection.apply(wanted)
    await connection.apply(wanted)
    assert.equal(edits.length, 1)
    assert.ok(!edits[0]?.includes("phys_wavelength"))
    const relayed: NodeConfig = {
      ...wanted,
      links: [
        {
          type: "VIRT",
          qkdlId: LINK,
          enabled: true,
          local: { qkdnId: QKDN },
          remote: { qkdnId: NEIGHBOUR },
          nextHops: [NEIGHBOUR],
        },
      ],
    }
    await assert.rejects(connection.apply(relayed), { tag: "operation-not-supported" })
  })

  it("refuses a profile that says what it does not know", () => {
    for (const profile of [{ colour: 1 }, { omit: ["qkdl_id"] }, { timeoutMs: -1 }, null])
      assert.throws(() => withProfile("acme", profile), QkdError)
  })
})
