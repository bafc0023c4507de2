// How edits get onto a node, by what it offers: provisional commits, locks of others, an edit for each entry.

import assert from "node:assert/strict"
import {
  type AppConfig,
  type NodeConfig,
  type NodeConnection,
  type NodeEvent,
  QkdError,
} from "../../../src/plugin/index.js"
import {
  APP,
  benchOf,
  CANDIDATE,
  CAP,
  closeBenches,
  driverWith,
  CONFIRMED,
  empty,
  EVENTS,
  INTERLEAVE,
  LINK,
  NEIGHBOUR,
  phys,
  ROLLBACK,
  RUNNING,
  VALIDATE,
  wanted,
} from "./bench.js"
import { QKDN } from "./scripted.js"

const app: AppConfig = {
  appId: APP,
  type: "CLIENT",
  serverAppId: "sae-a",
  clientAppIds: ["sae-b"],
  priority: 0,
  qos: {},
  backingQkdlIds: [LINK],
  localQkdnId: QKDN,
  remoteQkdnId: NEIGHBOUR,
}
const withApp: NodeConfig = { ...wanted, apps: [app] }
const ALL = [RUNNING, CANDIDATE, CONFIRMED, ROLLBACK, VALIDATE]

async function nextEvent({ events }: NodeConnection): Promise<NodeEvent | undefined> {
  const next: IteratorResult<NodeEvent, undefined> = await events[Symbol.asyncIterator]().next()
  return next.value
}

describe("a provisional change", () => {
  afterEach(closeBenches)

  it("is locked, edited, validated, committed for a time, and confirmed by asking for the same for good", async () => {
    const { connection, session } = await benchOf({ capabilities: ALL })
    assert.equal(await connection.hold?.(wanted, 30), true)
    assert.deepEqual(session.calls, [
      "get-config",
      "lock candidate",
      "edit candidate rollback-on-error",
      "validate candidate",
      "commit confirmed 30",
    ])
    await connection.apply(wanted)
    assert.deepEqual(session.calls.slice(5), ["commit keyloom", "unlock candidate"])
    await connection.apply(wanted)
    assert.equal(session.calls.length, 7, "nothing is left to confirm")
  })

  it("is taken back by the node itself when what was there before is asked for", async () => {
    const { connection, session } = await benchOf({ capabilities: ALL })
    await connection.hold?.(wanted, 30)
    await connection.apply(empty)
    assert.deepEqual(session.calls.slice(5), ["cancel-commit", "unlock candidate"])
    const before = session.calls.length
    await connection.apply(empty)
    assert.equal(session.calls.length, before)
  })

  it("is confirmed together with what else is to change, through the candidate", async () => {
    const { connection, session } = await benchOf({ capabilities: ALL })
    await connection.hold?.(wanted, 30)
    await connection.apply(withApp)
    assert.deepEqual(session.calls.slice(5), [
      "edit candidate rollback-on-error",
      "validate candidate",
      "commit keyloom",
      "unlock candidate",
    ])
  })

  it("grows by another one, and both are taken back together", async () => {
    const { connection, session } = await benchOf({ capabilities: ALL })
    await connection.hold?.(wanted, 30)
    await connection.hold?.(withApp, 30)
    await connection.apply(empty)
    assert.deepEqual(
      session.calls.filter((call) => call.startsWith("commit")),
      ["commit confirmed 30", "commit confirmed 30 keyloom"],
    )
    assert.equal(session.calls.at(-2), "cancel-commit")
  })

  it("says so when the node was so already and nothing is provisional", async () => {
    const { connection, session } = await benchOf({ capabilities: ALL })
    assert.equal(await connection.hold?.(empty, 30), false)
    assert.deepEqual(session.calls, ["get-config"])
  })

  it("is not believed to stand once its time is over: the node is read and written anew", async () => {
    const { connection, session } = await benchOf({ capabilities: ALL })
    await connection.hold?.(wanted, 0.01)
    await new Promise((resolve) => setTimeout(resolve, 30))
    await connection.apply(wanted)
    assert.deepEqual(session.calls.slice(5, 9), [
      "unlock candidate",
      "get-config",
      "lock candidate",
      "edit candidate rollback-on-error",
    ])
    assert.equal(session.calls.at(-2), "commit")
  })

  it("leaves the node as it was when it is refused, with the lock given back", async () => {
    let refuse = true
    const { connection, session } = await benchOf({
      capabilities: ALL,
      rpc: (call) => {
        if (refuse && call === "validate candidate")
          throw new QkdError("operation-failed", "no", { appTag: "must-violation" })
      },
    })
    await assert.rejects(connection.hold?.(wanted, 30) ?? Promise.resolve(), {
      appTag: "must-violation",
    })
    // The commit was on its way when the refusal came: it is taken back.
    const last = session.calls.slice(-3)
    assert.deepEqual(last, ["cancel-commit", "discard-changes", "unlock candidate"])
    refuse = false
    assert.equal(await connection.hold?.(wanted, 30), true)
  })

  it("is kept, by the word it was given, by the next connection that comes in time", async () => {
    const { settled } = await benchOf({ capabilities: ALL })
    assert.ok(settled)
    const { settled: plain } = await benchOf({ capabilities: [RUNNING, CANDIDATE] })
    assert.ok(!plain)
  })

  it("is an ability of nodes that offer candidate and confirmed commit, unless a profile knows better", async () => {
    for (const [capabilities, profile] of [
      [[RUNNING, ROLLBACK], {}],
      [[RUNNING, CANDIDATE], {}],
      [ALL, { confirmedCommit: false }],
      [ALL, { datastore: "running" }],
    ] as const) {
      const { connection } = await benchOf({ capabilities }, driverWith(profile))
      assert.equal(connection.hold, undefined)
    }
  })

  it("that a node tells to have taken back is made anew", async () => {
    const { connection, session } = await benchOf({
      capabilities: [...ALL, EVENTS, INTERLEAVE],
    })
    await connection.hold?.(wanted, 30)
    session.notify(
      `<netconf-confirmed-commit xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-notifications"><username>u</username><session-id>1</session-id><confirm-event>timeout</confirm-event></netconf-confirmed-commit>`,
    )
    assert.deepEqual(await nextEvent(connection), { kind: "resync" })
    const before = session.calls.length
    await connection.apply(wanted)
    assert.deepEqual(session.calls.slice(before, before + 2), ["get-config", "lock candidate"])
  })
})

describe("a change of one node", () => {
  afterEach(closeBenches)

  it("waits for a lock that somebody else holds, and gives up in the end", async () => {
    let denials = 2
    const { connection, session } = await benchOf({
      capabilities: [CANDIDATE],
      rpc: (call) => {
        if (call === "lock candidate" && denials-- > 0)
          throw new QkdError("lock-denied", "held", { info: { "session-id": "7" } })
      },
    })
    await connection.apply(wanted)
    assert.equal(session.calls.filter((call) => call === "lock candidate").length, 3)
    denials = Number.POSITIVE_INFINITY
    await assert.rejects(connection.apply(empty), { tag: "lock-denied" })
    assert.equal(session.calls.filter((call) => call.startsWith("edit")).length, 1)
  }).timeout(20_000)

  it("is one edit of running where a profile wants it quick, though there is a candidate", async () => {
    const quick = driverWith({ datastore: "quick" })
    const { connection, session } = await benchOf({ capabilities: ALL }, quick)
    await connection.apply(wanted)
    assert.deepEqual(session.calls, ["get-config", "edit running rollback-on-error"])
    const locked = await benchOf({ capabilities: [CANDIDATE, CONFIRMED] }, quick)
    await locked.connection.apply(wanted)
    assert.ok(locked.session.calls.includes("edit candidate"))
  })

  it("is an edit for each entry where the node cannot roll back: links before their applications, and the reverse", async () => {
    const { connection, session, edits } = await benchOf({ capabilities: [RUNNING] })
    await connection.apply(withApp)
    assert.deepEqual(session.calls, [
      "get-config",
      "lock running",
      "edit running",
      "edit running",
      "unlock running",
    ])
    assert.match(edits[0] ?? "", /<qkd_link /)
    assert.match(edits[1] ?? "", /<qkd_app /)
    await connection.apply(empty)
    assert.match(edits[2] ?? "", /<qkd_app nc:operation="delete"/)
    assert.match(edits[3] ?? "", /<qkd_link nc:operation="delete"/)
  })

  it("undoes exactly what was done when a later entry is refused", async () => {
    const linkXml = `<qkd_links><qkd_link><qkdl_id>${LINK}</qkdl_id><qkdl_local><qkdn_id>${QKDN}</qkdn_id><qkdi_id>1</qkdi_id></qkdl_local><qkdl_remote><qkdn_id>${NEIGHBOUR}</qkdn_id><qkdi_id>1</qkdi_id></qkdl_remote><qkdl_type>PHYS</qkdl_type><phys_wavelength>34</phys_wavelength><phys_qkd_role>TRANSMITTER</phys_qkd_role></qkd_link></qkd_links>`
    let data = ""
    const { connection, edits } = await benchOf({
      capabilities: [RUNNING],
      data: () => data,
      edit: (_target, xml) => {
        if (xml.includes("<qkd_app")) throw new QkdError("resource-denied", "full")
        data = xml.includes("delete") ? "" : linkXml
      },
    })
    await assert.rejects(connection.apply(withApp), { tag: "resource-denied" })
    assert.equal(edits.length, 3)
    assert.match(edits[2] ?? "", /<qkd_link nc:operation="delete"/)
    assert.equal(data, "")
  })

  it("is copied to startup where the node would forget it otherwise", async () => {
    const { connection, session } = await benchOf({
      capabilities: [RUNNING, ROLLBACK, `${CAP}startup:1.0`],
    })
    await connection.apply(wanted)
    assert.equal(session.calls.at(-1), "copy-config")
  })

  it("can be seen before anything is sent, entry by entry and to the letter", async () => {
    const { connection, session, edits } = await benchOf({ capabilities: ALL })
    const plan = await connection.plan?.(withApp)
    assert.deepEqual(plan?.edits, [
      { operation: "create", path: `/qkd_node/qkd_links/qkd_link[qkdl_id='${LINK}']` },
      { operation: "create", path: `/qkd_node/qkd_applications/qkd_app[app_id='${APP}']` },
    ])
    assert.deepEqual(session.calls, ["get-config"])
    await connection.apply(withApp)
    assert.equal(edits[0], plan.payload)
    assert.equal((await connection.plan?.(withApp))?.payload, "")
  })

  it("of somebody else's doing is seen where the node tells of it, and nothing is assumed from before", async () => {
    const { connection, session } = await benchOf({
      capabilities: [RUNNING, ROLLBACK, EVENTS, INTERLEAVE],
    })
    await connection.apply(wanted)
    const change = (id: number, datastore: string): string =>
      `<netconf-config-change xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-notifications"><changed-by><username>u</username><session-id>${id}</session-id></changed-by><datastore>${datastore}</datastore></netconf-config-change>`
    session.notify(change(1, "running"))
    session.notify(change(9, "startup"))
    session.notify(change(9, "running"))
    assert.deepEqual(await nextEvent(connection), { kind: "resync" })
    await connection.apply({ ...wanted, links: [{ ...phys, enabled: false }] })
    assert.deepEqual(session.calls.slice(-2), ["get-config", "edit running rollback-on-error"])
    await connection.close()
    const rest = await connection.events[Symbol.asyncIterator]().next()
    assert.equal(rest.done, true, "its own changes and other datastores are no news")
  })
})
