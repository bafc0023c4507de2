// Optional extensions that nobody knows cross our network unchanged (ETSI GS QKD 020): a key manager that is not ours gives
// keys with them at one border, and gets them with the same keys at the other.
//
//   Python peer ══ 020 ══ border ─ relay ─ border ══ 020 ══ Python peer

import assert from "node:assert/strict"
import { randomBytes, randomUUID } from "node:crypto"
import { extensionsIn, extensionsText } from "../../src/node/etsi020-extensions.js"
import { ForeignKme, type Told, TransitNetwork } from "./etsi020-sites.js"

interface Given {
  readonly keys: readonly {
    readonly key_id: string
    readonly value: string
    readonly extension?: object
  }[]
  readonly initiator_sae_id: string
  readonly target_sae_ids: readonly string[]
  readonly extension_optional?: object
  readonly extension_mandatory?: object
}

const OPTIONAL = { E1_trace: { hops: [1, "zwei", null, { drei: 3.5 }] }, E99999_note: "grün & <b>" }

describe("optional extensions of ETSI 020", function () {
  this.timeout(180_000)
  const transit = new TransitNetwork("transit", ["alice", "amy"], ["bob", "ben"])
  const foreign = new ForeignKme()

  before(async () => {
    await Promise.all([transit.start(), foreign.start()])
    await transit.openFace("asynchronous", 5000)
    await transit.feed(8, 8192)
    transit.setNear(foreign.asDomain(["alice", "amy"]))
    transit.setDomain(foreign.asDomain(["bob", "ben"]))
    transit.configureAll()
    await foreign.behave({
      ...{ on_keys: "relayed", on_void: "honest", synchronous: true },
      ...{ drop_acks: 0, refuse_acks: 0 },
    })
  })
  after(async () => {
    foreign.close()
    await transit.closeFace()
    await transit.close()
  })

  const key = (bytes: number, extension?: object) => ({
    ...{ key_id: randomUUID(), value: randomBytes(bytes).toString("base64") },
    ...(extension !== undefined && { extension }),
  })
  const give = (body: Given): Promise<Told> =>
    foreign.ask(transit.nearFace?.port ?? 0, {
      ...{ method: "POST", target: "/kmapi/v1/ext_keys", body: JSON.stringify(body) },
      headers: { "content-type": "application/json" },
    })
  const given = async (): Promise<Given[]> =>
    (await foreign.seen())
      .filter(({ path }) => path.endsWith("/ext_keys"))
      .map(({ body }) => body as unknown as Given)
  const of = (keys: Given["keys"], more: Partial<Given> = {}): Given => ({
    ...{ keys, initiator_sae_id: "alice", target_sae_ids: ["bob"], ...more },
  })

  it("go on unchanged with the keys they came with, those of a key with that key alone", async () => {
    const keys = [key(32, { E7_of: { one: true } }), key(32), key(16, { E7_of: "another" })]
    const told = await give(of(keys, { extension_optional: OPTIONAL }))
    assert.equal(told.status, 200, told.body)
    const seen = await given()
    // One request for each size.
    assert.equal(seen.length, 2)
    for (const one of seen) assert.deepEqual(one.extension_optional, OPTIONAL)
    const byId = (one: { readonly key_id: string }, other: { readonly key_id: string }): number =>
      one.key_id < other.key_id ? -1 : 1
    assert.deepEqual(seen.flatMap((one) => one.keys).sort(byId), keys.slice().sort(byId))
    assert.ok(seen.every((one) => !("extension_mandatory" in one)))
  })

  it("are not made up where there were none", async () => {
    assert.equal((await give(of([key(32)], { extension_optional: {} }))).status, 200)
    const [one] = await given()
    assert.deepEqual(Object.keys(one ?? {}).sort(), [
      ...["ack_callback_url", "initiator_sae_id", "keys", "target_sae_ids"],
    ])
    assert.deepEqual(Object.keys(one?.keys[0] ?? {}).sort(), ["key_id", "value"])
  })

  it("are refused when they are longer than what travels with keys, and nothing goes on", async () => {
    const long = { E1_x: "x".repeat(2048) }
    for (const body of [of([key(32)], { extension_optional: long }), of([key(32, long)])]) {
      const told = await give(body)
      assert.equal(told.status, 400, told.body)
      assert.match(told.body, /extension_optional/)
    }
    assert.deepEqual(await given(), [])
  })

  it("do not make a mandatory one known", async () => {
    const told = await give(
      of([key(32)], { extension_optional: OPTIONAL, extension_mandatory: OPTIONAL }),
    )
    assert.equal(told.status, 503, told.body)
    assert.deepEqual(await given(), [])
  })

  it("are read again before they leave: a node in between cannot put other things into the request", () => {
    const id = randomUUID()
    for (const text of [
      "",
      "[]",
      "{",
      '{"optional":[],"byKey":{}}',
      '{"optional":{"initiator_sae_id":"mallory"},"byKey":{}}',
      `{"optional":{},"byKey":{"${id}":{"value":"AAAA"}}}`,
      `{"optional":{},"byKey":[]}`,
      `{"optional":{"E1_x":"${"x".repeat(2048)}"}}`,
    ])
      assert.throws(() => extensionsIn(text, [id]), { name: "QkdError" }, text.slice(0, 40))
    const text = extensionsText({ optional: OPTIONAL, byKey: { [id]: { E1_y: 1 }, other: {} } })
    assert.deepEqual(extensionsIn(text, [id, randomUUID()]), {
      optional: OPTIONAL,
      byKey: { [id]: { E1_y: 1 } },
    })
    assert.deepEqual(extensionsIn(undefined, [id]), {})
    assert.equal(extensionsText({ optional: {}, byKey: { [id]: {} } }), undefined)
  })
})
