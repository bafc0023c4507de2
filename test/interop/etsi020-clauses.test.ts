// ETSI GS QKD 020 V1.1.1 in the order of its clauses: asked by, and asking, a key manager on Python's standard library
// that is not ours, beside a border node with a source node behind it. Each line of a table is a check of its own.

import assert from "node:assert/strict"
import { ackClauses } from "./etsi020-acks.js"
import { clauseDesk } from "./etsi020-desk.js"
import { givingClauses } from "./etsi020-giving.js"
import { BorderNetwork, ForeignKme, kmeCertificate } from "./etsi020-sites.js"
import { takingClauses } from "./etsi020-taking.js"

describe("ETSI GS QKD 020 by its clauses", function () {
  this.slow(1500)
  const ours = new BorderNetwork("ours", ["alice", "amy"], ["bob", "ben"])
  const foreign = new ForeignKme()

  before(async () => {
    await Promise.all([ours.start(), foreign.start()])
    await ours.openFace("asynchronous", 3000)
    await ours.feed(24, 8192)
    ours.setDomain(foreign.asDomain(["bob", "ben"]))
    ours.configureAll()
  })
  after(async () => {
    foreign.close()
    await ours.closeFace()
    await ours.close()
  })
  beforeEach(() =>
    foreign.behave({
      ...{ on_keys: "relayed", on_void: "honest", synchronous: true },
      ...{ drop_acks: 0, refuse_acks: 0 },
    }),
  )

  const desk = clauseDesk(ours, foreign)
  const { get, post, container, assertProblem } = desk

  describe("transport", () => {
    it("is HTTP/1.1 over TLS 1.3 with certificates on both sides", async () => {
      const told = await get("/kmapi/versions")
      assert.equal(told.status, 200)
      assert.equal(told.tls, "TLSv1.3")
    })

    for (const [what, more] of [
      ["no certificate", { who: null }],
      ["TLS 1.2, whatever the site allows SAEs", { tls12: true }],
    ] as const)
      it(`ends the connection: ${what}`, async () => {
        assert.equal((await get("/kmapi/versions", more)).status, 0)
      })

    it("answers 401 to a key manager whose key the site policy does not pin", async () => {
      foreign.certificate("stranger", kmeCertificate("foreign"))
      assertProblem(await get("/kmapi/versions", { who: "stranger" }), 401)
      const told = await post("/kmapi/v1/ext_keys", container(), { who: "stranger" })
      assertProblem(told, 401)
    })

    for (const target of ["/", "/kmapi/v1", "/kmapi/v2/ext_keys", "/kmapi/versions?x=1"])
      it(`answers plain 404: ${target}`, async () => {
        assert.equal((await get(target)).status, 404)
      })

    for (const [method, target] of [
      ["POST", "/kmapi/versions"],
      ["GET", "/kmapi/v1/ext_keys"],
      ["PUT", "/kmapi/v1/ext_keys"],
      ["GET", "/kmapi/v1/ext_keys/ack"],
      ["DELETE", "/kmapi/v1/ext_keys/void"],
    ] as const)
      it(`answers plain 405: ${method} ${target}`, async () => {
        assert.equal((await get(target, { method })).status, 405)
      })
  })

  describe("versions", () => {
    it("names v1 and the synchronous mode", async () => {
      const told = JSON.parse((await get("/kmapi/versions")).body) as unknown
      assert.deepEqual(told, { versions: ["v1"], capabilities: ["synchronous_mode"] })
    })
  })

  takingClauses(desk)
  givingClauses(desk)
  ackClauses(desk)
})
