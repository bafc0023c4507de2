// ETSI GS QKD 020 V1.1.1 in the order of its clauses: asked by, and asking, a key manager on Python's standard library
// that is not ours, beside a border node with a source node behind it. Each line of a table is a check of its own.

import assert from "node:assert/strict"
import { randomBytes, randomUUID } from "node:crypto"
import { QkdError } from "../../src/errors.js"
import type { AppTag } from "../../src/errors.js"
import type { EndKey } from "../../src/node/ports.js"
import { BorderNetwork, ForeignKme, kmeCertificate } from "./etsi020-sites.js"
import type { Seen, Told } from "./etsi020-sites.js"

const base64 = ({ key }: EndKey): string =>
  key.use((bytes) => Buffer.from(bytes).toString("base64"))

const CALLBACK = "/ack_callback_url"

interface Container {
  readonly keys: readonly { readonly key_id: string; readonly value: string }[]
  readonly initiator_sae_id: string
  readonly target_sae_ids: readonly string[]
  readonly ack_callback_url?: string
}

interface AckContainer {
  readonly key_id_container: readonly { readonly key_id: string }[]
  readonly ack_status: string
  readonly initiator_sae_id: string
  readonly target_sae_ids: readonly string[]
  readonly message?: string
}

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

  const get = (target: string, more: Readonly<Record<string, unknown>> = {}): Promise<Told> =>
    foreign.ask(ours.face?.port ?? 0, { method: "GET", target, ...more })
  const post = (
    target: string,
    body: unknown,
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<Told> =>
    foreign.ask(ours.face?.port ?? 0, {
      ...{ method: "POST", target, headers: { "content-type": "application/json" } },
      body: typeof body === "string" ? body : JSON.stringify(body),
      ...more,
    })
  const give = (body: unknown): Promise<Told> => post("/kmapi/v1/ext_keys", body)
  const takeBack = (body: unknown): Promise<Told> => post("/kmapi/v1/ext_keys/void", body)

  const keysOf = (count = 1, bytes = 32): Container["keys"] =>
    Array.from({ length: count }, () => {
      return { key_id: randomUUID(), value: randomBytes(bytes).toString("base64") }
    })
  const container = (over: Readonly<Record<string, unknown>> = {}): Container => ({
    ...{ keys: keysOf(), initiator_sae_id: "bob", target_sae_ids: ["alice"] },
    ...over,
  })
  const voidOf = (
    { keys, initiator_sae_id, target_sae_ids }: Container,
    over: Readonly<Record<string, unknown>> = {},
  ): Readonly<Record<string, unknown>> => ({
    ...{ key_ids: keys.map(({ key_id }) => key_id), initiator_sae_id, target_sae_ids },
    ...over,
  })
  const callback = (): string => `${foreign.url}/kmapi/v1/ext_keys/ack`
  const idsIn = (acks: readonly AckContainer[], status: string): string[] =>
    acks
      .filter(({ ack_status }) => ack_status === status)
      .flatMap(({ key_id_container }) => key_id_container.map(({ key_id }) => key_id))
  const acksIn = (told: Told): AckContainer[] => {
    assert.equal(told.status, 200, told.body)
    return JSON.parse(told.body) as AckContainer[]
  }
  /** What the node has told the foreign key manager by call back, once it has told so much. */
  async function heard(count = 1): Promise<AckContainer[]> {
    const acks: AckContainer[] = []
    for (const end = Date.now() + 60_000; acks.length < count; ) {
      assert.ok(Date.now() < end, "nothing was heard")
      for (const { path, body } of await foreign.seen())
        if (path.endsWith("/ack")) acks.push(...(body as unknown as AckContainer[]))
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    return acks
  }
  const fetch = (slave: string, { keys }: Container): Promise<EndKey[]> =>
    ours.first.takeKeys(
      slave,
      "bob",
      keys.map(({ key_id }) => key_id),
    )
  const assertGone = (slave: string, body: Container): Promise<void> =>
    assert.rejects(fetch(slave, body), { tag: "data-missing" })

  function assertProblem(told: Told, status: number): Readonly<Record<string, string>> {
    assert.equal(told.status, status, told.body)
    assert.match(told.headers["content-type"] ?? "", /^application\/json/)
    const {
      type,
      title,
      status: said,
      details = {},
      ...more
    } = JSON.parse(told.body) as {
      type: unknown
      title: unknown
      status: unknown
      details?: Readonly<Record<string, string>>
    }
    assert.equal(typeof type, "string")
    assert.equal(typeof title, "string")
    assert.equal(said, status)
    assert.deepEqual(more, {}, "RFC 9457 with details, no more")
    assert.ok(Object.values(details).every((one) => typeof one === "string"))
    return details
  }

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

  describe("ext_keys, taking", () => {
    it("takes keys at once and tells later that they are relayed", async () => {
      const body = container({ keys: keysOf(3), ack_callback_url: callback() })
      const told = await give(body)
      assert.deepEqual([told.status, told.body], [202, ""])
      const [ack, ...more] = await heard()
      const ids = body.keys.map(({ key_id }) => ({ key_id }))
      assert.deepEqual(
        [ack, more],
        [
          {
            ...{ key_id_container: ids, ack_status: "relayed" },
            ...{ initiator_sae_id: "bob", target_sae_ids: ["alice"] },
          },
          [],
        ],
      )
      const fetched = await fetch("alice", body)
      assert.deepEqual(
        fetched.map(base64),
        body.keys.map(({ value }) => value),
      )
      await assertGone("alice", body)
    })

    it("answers with the acks where no call back is named", async () => {
      const body = container({ keys: keysOf(2) })
      const acks = acksIn(await give(body))
      assert.deepEqual(
        idsIn(acks, "relayed"),
        body.keys.map(({ key_id }) => key_id),
      )
      assert.equal((await fetch("alice", body)).length, 2)
    })

    it("takes keys of several sizes, ids in capitals, and JSON as others write it", async () => {
      const keys = [...keysOf(1, 16), ...keysOf(1, 32), ...keysOf(1, 9)].map((one) => one)
      const text = JSON.stringify({ ...container({ keys }), extension_optional: { E1_x: {} } })
      const odd = text.replaceAll("/", "\\/").replaceAll(",", " ,\n\t")
      const shouted = odd.replace(keys[0]?.key_id ?? "", keys[0]?.key_id.toUpperCase() ?? "")
      const acks = acksIn(await give(shouted))
      assert.equal(idsIn(acks, "relayed").length, 3)
      const fetched = await fetch("alice", container({ keys }))
      assert.deepEqual(
        fetched.map(base64),
        keys.map(({ value }) => value),
      )
    })

    it("gives several targets the same key, each once", async () => {
      const body = container({ target_sae_ids: ["alice", "amy"] })
      assert.equal(idsIn(acksIn(await give(body)), "relayed").length, 1)
      const [one] = await fetch("alice", body)
      const [two] = await fetch("amy", body)
      assert.ok(one !== undefined && two !== undefined)
      assert.equal(base64(one), base64(two))
      await assertGone("alice", body)
    })

    it("takes keys for an SAE of its own", async () => {
      const body = container({ target_sae_ids: ["own-ours"] })
      assert.equal(idsIn(acksIn(await give(body)), "relayed").length, 1)
      const ids = body.keys.map(({ key_id }) => key_id)
      assert.equal((await ours.last.takeKeys("own-ours", "bob", ids)).length, 1)
    })

    it("repeats the answer to the same keys, however they are grouped, and delivers them once", async () => {
      const body = container({ keys: keysOf(2) })
      assert.equal(idsIn(acksIn(await give(body)), "relayed").length, 2)
      const again = container({ keys: [...body.keys.slice(1), ...keysOf(1)] })
      assert.equal(idsIn(acksIn(await give(again)), "relayed").length, 2)
      await fetch("alice", body)
      assert.equal(idsIn(acksIn(await give(body)), "relayed").length, 2)
      await assertGone("alice", body)
    })

    it("tells again by call back what was asked again", async () => {
      const body = container({ ack_callback_url: callback() })
      await give(body)
      assert.equal((await heard())[0]?.ack_status, "relayed")
      await give(body)
      assert.equal((await heard())[0]?.ack_status, "relayed")
    })

    it("tells again when the one who waits did not hear", async () => {
      await foreign.behave({ refuse_acks: 2 })
      const body = container({ ack_callback_url: callback() })
      await give(body)
      assert.equal(idsIn(await heard(3), "relayed").length, 3)
    })

    it("takes no other key under an id that was used", async () => {
      const body = container()
      await give(body)
      for (const other of [
        container({ keys: [{ ...body.keys[0], value: randomBytes(32).toString("base64") }] }),
        container({ keys: body.keys, target_sae_ids: ["amy"] }),
        container({ keys: body.keys, initiator_sae_id: "ben" }),
      ])
        assert.equal(idsIn(acksIn(await give(other)), "failed").length, 1)
      const [fetched] = await fetch("alice", body)
      assert.equal(fetched && base64(fetched), body.keys[0]?.value)
    })

    const [key] = keysOf()
    for (const [what, body, at] of [
      ["no JSON", "{", "/"],
      ["not an object", [], "/"],
      ["a member twice", '{"keys":[],"keys":[]}', "/"],
      ["no keys", container({ keys: undefined }), "/keys"],
      ["keys of nobody", container({ initiator_sae_id: undefined }), "/initiator_sae_id"],
      ["keys for nobody", container({ target_sae_ids: undefined }), "/target_sae_ids"],
      ["an empty list of keys", container({ keys: [] }), "/keys"],
      ["an empty list of targets", container({ target_sae_ids: [] }), "/target_sae_ids"],
      ["more keys than the site allows", container({ keys: keysOf(129, 8) }), "/keys"],
      ["a key without id", container({ keys: [{ value: key?.value }] }), "/keys/0/key_id"],
      ["a key without value", container({ keys: [{ key_id: key?.key_id }] }), "/keys/0/value"],
      ["an id that is no UUID", container({ keys: [{ ...key, key_id: "7" }] }), "/keys/0/key_id"],
      ["an id twice", container({ keys: [key, { ...key, value: "AAAAAAAAAAA=" }] }), "/keys"],
      ["a value that is no text", container({ keys: [{ ...key, value: 7 }] }), "/keys/0/value"],
      ["a value that is no base64", container({ keys: [{ ...key, value: "????" }] }), undefined],
      [
        "stray bits of padding",
        container({ keys: [{ ...key, value: "AAAAAAAAAAB=" }] }),
        undefined,
      ],
      ["an empty value", container({ keys: [{ ...key, value: "" }] }), undefined],
      ["a key below the site's sizes", container({ keys: keysOf(1, 7) }), "/keys/0/value"],
      ["a key above the site's sizes", container({ keys: keysOf(1, 513) }), "/keys/0/value"],
      ["an unknown member", container({ priority: 1 }), "/priority"],
      ["an unknown member of a key", container({ keys: [{ ...key, ttl: 1 }] }), "/keys/0/ttl"],
      ["an SAE id with a space", container({ target_sae_ids: ["a b"] }), "/target_sae_ids/0"],
      ["an SAE id of 65", container({ initiator_sae_id: "a".repeat(65) }), "/initiator_sae_id"],
      ["a target twice", container({ target_sae_ids: ["alice", "alice"] }), "/target_sae_ids"],
      ["an initiator of ours", container({ initiator_sae_id: "amy" }), "/initiator_sae_id"],
      ["an initiator of nobody", container({ initiator_sae_id: "eve" }), "/initiator_sae_id"],
      [
        "a target that lies back there",
        container({ target_sae_ids: ["ben"] }),
        "/target_sae_ids/0",
      ],
      ["a target that nobody has", container({ target_sae_ids: ["zoe"] }), undefined],
      ["extensions in an array", container({ extension_mandatory: [] }), "/extension_mandatory"],
      [
        "an extension of nobody",
        container({ extension_optional: { x: 1 } }),
        "/extension_optional",
      ],
      ["a call back in clear", container({ ack_callback_url: "http://127.0.0.1/" }), CALLBACK],
      [
        "R5, a call back elsewhere",
        container({ ack_callback_url: "https://127.0.0.1:1/" }),
        CALLBACK,
      ],
      [
        "a call back of 1025",
        container({ ack_callback_url: `https://${"a".repeat(1017)}` }),
        CALLBACK,
      ],
    ] as const)
      it(`answers 400 and keeps nothing: ${what}`, async () => {
        const { intakes } = ours.last.border.countsOf("foreign")
        const details = assertProblem(await give(body), 400)
        if (at !== undefined) assert.equal(details["path"], at)
        assert.equal(ours.last.border.countsOf("foreign").intakes, intakes)
      })

    it("answers 400 to a call back that is not ASCII: it would not fit where it is kept", async () => {
      const { intakes } = ours.last.border.countsOf("foreign")
      const body = container({ ack_callback_url: `${callback()}?${"ä".repeat(600)}` })
      assertProblem(await give(body), 400)
      assert.equal(ours.last.border.countsOf("foreign").intakes, intakes)
    })

    it("answers 400 to a name written so that a key could hide behind it", async () => {
      const text = JSON.stringify(container()).replace('"value"', '"val\\u0075e"')
      assertProblem(await give(text), 400)
    })

    it("answers 400 to another content type", async () => {
      const headers = { "content-type": "text/plain" }
      assertProblem(await post("/kmapi/v1/ext_keys", container(), { headers }), 400)
    })

    it("answers 503 and names the mandatory extension that it does not know", async () => {
      const body = container({ extension_mandatory: { E99999_route: { via: "sea" } } })
      assert.deepEqual(assertProblem(await give(body), 503), {
        unsupported_mandatory_extension: "E99999_route",
      })
      assert.deepEqual(acksIn(await takeBack(voidOf(body)))[0]?.ack_status, "key not present")
    })

    it("answers 503 to more targets than it can", async () => {
      const many = Array.from({ length: 49 }, (_, i) => `sae-${i}`)
      const details = assertProblem(await give(container({ target_sae_ids: many })), 503)
      assert.deepEqual(Object.keys(details), ["no_multi_target_route"])
    })

    for (const [appTag, detail] of [
      ["no-path", "no_route"],
      ["node-unreachable", "no_route"],
      ["timeout", "no_route"],
      ["pool-empty", "insufficient_key_material"],
    ] satisfies [AppTag, string][])
      it(`answers 503 ${detail}: ${appTag}`, async () => {
        ours.deskFault = new QkdError("operation-failed", "secret words", { appTag })
        const told = await give(container())
        ours.deskFault = undefined
        assert.deepEqual(Object.keys(assertProblem(told, 503)), [detail])
        assert.ok(!told.body.includes("secret words"))
      })

    it("takes no key that it cannot audit", async () => {
      ours.auditFault = new Error("disk")
      const body = container()
      const told = await give(body)
      ours.auditFault = undefined
      assertProblem(told, 503)
      await assertGone("alice", body)
    })

    it("says failed where the keys find no way, and keeps none of them", async () => {
      const source = ours.faults[0] ?? {}
      source.allowsEnd = () => false
      const body = container({ ack_callback_url: callback() })
      assert.equal((await give(body)).status, 202)
      const [ack] = await heard()
      delete source.allowsEnd
      assert.equal(ack?.ack_status, "failed")
      assert.equal(typeof ack.message, "string")
      await assertGone("alice", body)
      const { ack_callback_url: _, ...again } = body
      assert.equal(idsIn(acksIn(await give(again)), "failed").length, 1, "an id lives once")
    })
  })

  describe("ext_keys, giving", () => {
    const make = (slaves: readonly string[] = ["bob"], count = 1): Promise<EndKey[]> =>
      ours.make("alice", slaves, count)
    const sent = (seen: readonly Seen[], end: string): Readonly<Record<string, unknown>>[] =>
      seen
        .filter(({ path }) => path.endsWith(end))
        .map(({ body }) => body as Readonly<Record<string, unknown>>)

    it("hands an SAE's keys over, and to nobody before they are called relayed", async () => {
      await foreign.seen()
      const made = await make(["bob"], 3)
      const [body, ...more] = sent(await foreign.seen(), "/ext_keys")
      assert.deepEqual(more, [])
      assert.deepEqual(body, {
        keys: made.map((key) => ({ key_id: key.keyId, value: base64(key) })),
        ...{ initiator_sae_id: "alice", target_sae_ids: ["bob"] },
        ack_callback_url: `${ours.url}/kmapi/v1/ext_keys/ack`,
      })
      for (const key of made) assert.equal(await foreign.fetch(key.keyId), base64(key))
    })

    it("hands over keys of an SAE that lives at the border itself", async () => {
      const [key] = await ours.last.supplyKeys({
        ...{ masterSaeId: "own-ours", slaves: [{ saeId: "bob" }], count: 1, keySizeBits: 128 },
      })
      assert.equal(await foreign.fetch(key?.keyId ?? ""), key && base64(key))
      await foreign.behave({ on_keys: "failed" })
      const order = { masterSaeId: "own-ours", slaves: [{ saeId: "bob" }] }
      await assert.rejects(ours.last.supplyKeys({ ...order, count: 1, keySizeBits: 128 }), {
        appTag: "no-path",
      })
    })

    it("names several targets in one", async () => {
      await foreign.seen()
      await make(["bob", "ben"])
      const [body] = sent(await foreign.seen(), "/ext_keys")
      assert.deepEqual(body?.["target_sae_ids"], ["bob", "ben"])
    })

    it("audits keys before they leave, and lets none leave that it cannot", async () => {
      ours.audited.length = 0
      const [key] = await make()
      assert.deepEqual(ours.audited, [{ method: "given", keyIds: [key?.keyId] }])
      ours.auditFault = new Error("disk")
      await foreign.seen()
      await assert.rejects(make())
      ours.auditFault = undefined
      assert.deepEqual(sent(await foreign.seen(), "/ext_keys"), [])
    })

    for (const status of [503, 408])
      it(`gives the same keys again after ${status}`, async () => {
        await foreign.seen()
        await foreign.behave({ on_keys: [status, status, "relayed"] })
        const [key] = await make()
        const bodies = sent(await foreign.seen(), "/ext_keys")
        assert.equal(bodies.length, 3)
        assert.deepEqual(bodies[0], bodies[2])
        assert.equal(await foreign.fetch(key?.keyId ?? ""), key && base64(key))
      })

    it("gives the same keys again when the answer is lost", async () => {
      await foreign.seen()
      await foreign.behave({ drop_acks: 1, on_keys: [503, "relayed"] })
      // The first acknowledgement is lost and nothing asks for another: they are taken back.
      const { handovers } = ours.last.border.countsOf("foreign")
      await assert.rejects(make())
      await ours.until(() => ours.last.border.countsOf("foreign").handovers === handovers)
      const seen = await foreign.seen()
      assert.equal(sent(seen, "/void").length, 1)
      assert.equal((await make()).length, 1)
    })

    for (const [what, how] of [
      ["failed", { on_keys: "failed" }],
      ["no word in time", { on_keys: "mute" }],
      ["503 and nothing else", { on_keys: 503 }],
    ] as const)
      it(`takes keys back that were not relayed: ${what}`, async () => {
        await foreign.seen()
        const { handovers } = ours.last.border.countsOf("foreign")
        await foreign.behave(how)
        await assert.rejects(make())
        await ours.until(() => ours.last.border.countsOf("foreign").handovers === handovers)
        const seen = await foreign.seen()
        const ids = sent(seen, "/ext_keys").map(({ keys }) =>
          (keys as Container["keys"]).map(({ key_id }) => key_id),
        )
        const [taken] = sent(seen, "/void")
        assert.deepEqual(taken?.["key_ids"], ids[0])
        assert.equal(await foreign.fetch(ids[0]?.[0] ?? ""), null)
      })

    for (const status of [400, 401])
      it(`believes that nothing is there after ${status}`, async () => {
        await foreign.seen()
        await foreign.behave({ on_keys: status })
        await assert.rejects(make())
        const seen = await foreign.seen()
        assert.equal(sent(seen, "/ext_keys").length, 1)
        assert.deepEqual(sent(seen, "/void"), [])
      })

    it("takes keys back until it is heard", async () => {
      await foreign.seen()
      const { handovers } = ours.last.border.countsOf("foreign")
      await foreign.behave({ on_keys: "failed", on_void: 503 })
      await assert.rejects(make())
      assert.equal(ours.last.border.countsOf("foreign").handovers, handovers + 1)
      await foreign.behave({ on_void: "honest" })
      await ours.until(() => ours.last.border.countsOf("foreign").handovers === handovers)
    })
  })

  describe("ack", () => {
    const ackOf = (over: Readonly<Record<string, unknown>> = {}): unknown[] => [
      {
        ...{ key_id_container: [{ key_id: randomUUID() }], ack_status: "relayed" },
        ...{ initiator_sae_id: "alice", target_sae_ids: ["bob"], ...over },
      },
    ]
    const acknowledge = (body: unknown): Promise<Told> => post("/kmapi/v1/ext_keys/ack", body)

    for (const [what, body] of [
      ["of keys it does not know", ackOf()],
      ["with a message and extensions", ackOf({ message: "late", extension: { E1_x: 1 } })],
      ["of nothing", []],
    ] as const)
      it(`answers 200: ${what}`, async () => {
        assert.equal((await acknowledge(body)).status, 200)
      })

    for (const [what, body] of [
      ["not an array", {}],
      ["1025 containers", Array.from({ length: 1025 }, () => ackOf()[0])],
      ["an unknown status", ackOf({ ack_status: "done" })],
      ["no status", ackOf({ ack_status: undefined })],
      ["no keys", ackOf({ key_id_container: [] })],
      ["keys at array level", ackOf({ key_id_container: { key_id: randomUUID() } })],
      ["a message of 4097", ackOf({ message: "x".repeat(4097) })],
      ["no SAE", ackOf({ initiator_sae_id: undefined })],
      ["an unknown member", ackOf({ when: 0 })],
    ] as const)
      it(`answers 400: ${what}`, async () => {
        assertProblem(await acknowledge(body), 400)
      })

    it("R5: believes nobody but the domain that was given the keys", async () => {
      // The peer is mute; a word for other SAEs does not count as its own.
      await foreign.seen()
      await foreign.behave({ on_keys: "mute" })
      const appId = ours.appOf("alice", "bob")?.appId ?? ""
      const making = ours.first.makeKeys(appId, "alice", ["bob"], 1, 256)
      let keyId = ""
      for (const end = Date.now() + 60_000; keyId === "" && Date.now() < end; )
        for (const { path, body } of await foreign.seen())
          if (path.endsWith("/ext_keys"))
            keyId = (body as unknown as Container).keys[0]?.key_id ?? ""
      const key_id_container = [{ key_id: keyId }]
      await acknowledge(ackOf({ key_id_container, initiator_sae_id: "amy" }))
      await acknowledge(ackOf({ key_id_container, target_sae_ids: ["ben"] }))
      await acknowledge(ackOf({ key_id_container, ack_status: "failed to void" }))
      const late = Symbol("late")
      const pause = new Promise((resolve) => setTimeout(resolve, 200, late))
      assert.equal(await Promise.race([making, pause]), late)
      await acknowledge(ackOf({ key_id_container }))
      assert.equal((await making)[0]?.keyId, keyId)
    })
  })

  describe("void", () => {
    it("R5: takes back keys that were relayed to another node, and they never live again", async () => {
      const body = container({ keys: keysOf(2) })
      await give(body)
      const ids = body.keys.map(({ key_id }) => key_id)
      assert.deepEqual(idsIn(acksIn(await takeBack(voidOf(body))), "voided"), ids)
      await assertGone("alice", body)
      assert.deepEqual(idsIn(acksIn(await give(body)), "voided"), ids)
      await assertGone("alice", body)
      assert.deepEqual(idsIn(acksIn(await takeBack(voidOf(body))), "voided"), ids)
    })

    it("says so by call back where one is named", async () => {
      const body = container()
      await give(body)
      const told = await takeBack(voidOf(body, { ack_callback_url: callback() }))
      assert.equal(told.status, 202)
      assert.deepEqual((await heard())[0]?.ack_status, "voided")
    })

    it("fails to take back what an SAE has", async () => {
      const body = container()
      await give(body)
      await fetch("alice", body)
      assert.equal(acksIn(await takeBack(voidOf(body)))[0]?.ack_status, "failed to void")
    })

    it("says of keys that it never had that they are not present, and takes them no more", async () => {
      const body = container()
      assert.equal(acksIn(await takeBack(voidOf(body)))[0]?.ack_status, "key not present")
      assert.equal(acksIn(await give(body))[0]?.ack_status, "voided")
      await assertGone("alice", body)
    })

    it("R5: does not touch keys under other SAEs' names", async () => {
      const body = container()
      await give(body)
      for (const other of [{ initiator_sae_id: "ben" }, { target_sae_ids: ["amy"] }])
        assert.equal(acksIn(await takeBack(voidOf(body, other)))[0]?.ack_status, "key not present")
      assert.equal((await fetch("alice", body)).length, 1)
    })

    it("takes back all keys of a pair where that is confirmed, and no other pair's", async () => {
      const mine = container({ initiator_sae_id: "ben", target_sae_ids: ["amy"] })
      const other = container({ initiator_sae_id: "ben", target_sae_ids: ["alice"] })
      await give(mine)
      await give(other)
      const all = voidOf(mine, { key_ids: [], all_confirmation: true })
      assert.equal(idsIn(acksIn(await takeBack(all)), "voided").length, 1)
      const ids = other.keys.map(({ key_id }) => key_id)
      assert.equal((await ours.first.takeKeys("alice", "ben", ids)).length, 1)
    })

    it("takes back one of several that came together, for good, and the others stay", async () => {
      const body = container({ keys: keysOf(3) })
      await give(body)
      const [first, ...others] = body.keys
      const part = voidOf(body, { key_ids: [first?.key_id] })
      for (let again = 0; again < 2; again++)
        assert.equal(acksIn(await takeBack(part))[0]?.ack_status, "voided")
      const alone = { ...body, keys: first === undefined ? [] : [first] }
      await assertGone("alice", alone)
      assert.equal(acksIn(await give(alone))[0]?.ack_status, "voided")
      await assertGone("alice", alone)
      assert.equal((await fetch("alice", { ...body, keys: others })).length, 2)
    })

    it("takes back one by one what came together, and says of what an SAE has that it failed", async () => {
      const body = container({ keys: keysOf(3) })
      await give(body)
      const [first, second, third] = body.keys.map(({ key_id }) => key_id)
      await ours.first.takeKeys("alice", "bob", [second ?? ""])
      const acks = acksIn(await takeBack(voidOf(body, { key_ids: [first, second] })))
      assert.deepEqual(idsIn(acks, "voided"), [first])
      assert.deepEqual(idsIn(acks, "failed to void"), [second])
      const last = acksIn(await takeBack(voidOf(body, { key_ids: [third] })))
      assert.deepEqual(idsIn(last, "voided"), [third])
      for (const key_id of [first, second, third])
        await assertGone("alice", { ...body, keys: [{ key_id: key_id ?? "", value: "" }] })
    })

    it("takes back what is left after a part of it", async () => {
      const body = container({ keys: keysOf(3) })
      await give(body)
      const [first, ...left] = body.keys.map(({ key_id }) => key_id)
      await takeBack(voidOf(body, { key_ids: [first] }))
      const acks = acksIn(await takeBack(voidOf(body, { key_ids: left })))
      assert.deepEqual(idsIn(acks, "voided"), left)
      await assertGone("alice", body)
    })

    const body = container()
    for (const [what, message, at] of [
      ["no key_ids", voidOf(body, { key_ids: undefined }), "/key_ids"],
      ["all keys unconfirmed", voidOf(body, { key_ids: [] }), "/all_confirmation"],
      [
        "all keys denied",
        voidOf(body, { key_ids: [], all_confirmation: false }),
        "/all_confirmation",
      ],
      ["an id that is none", voidOf(body, { key_ids: ["x"] }), "/key_ids/0"],
      ["no initiator", voidOf(body, { initiator_sae_id: undefined }), "/initiator_sae_id"],
      ["SAEs that are not its own", voidOf(body, { initiator_sae_id: "amy" }), "/initiator_sae_id"],
      [
        "R5, a call back elsewhere",
        voidOf(body, { ack_callback_url: "https://10.0.0.1/" }),
        CALLBACK,
      ],
      ["an unknown member", voidOf(body, { reason: "" }), "/reason"],
    ] as const)
      it(`answers 400: ${what}`, async () => {
        assert.equal(assertProblem(await takeBack(message), 400)["path"], at)
      })

    it("calls an unconfirmed void of all keys no_all_confirmation in details", async () => {
      for (const over of [{}, { all_confirmation: false }]) {
        const told = await takeBack(voidOf(body, { key_ids: [], ...over }))
        assert.match(assertProblem(told, 400)["no_all_confirmation"] ?? "", /all keys/)
      }
      const other = await takeBack(voidOf(body, { key_ids: ["x"] }))
      assert.equal(assertProblem(other, 400)["no_all_confirmation"], undefined)
    })

    it("lets the domain take back what it was given and has not called relayed", async () => {
      await foreign.seen()
      await foreign.behave({ on_keys: "mute" })
      const appId = ours.appOf("alice", "bob")?.appId ?? ""
      const making = assert.rejects(ours.first.makeKeys(appId, "alice", ["bob"], 1, 256))
      let key_ids: string[] = []
      for (const end = Date.now() + 60_000; key_ids.length === 0 && Date.now() < end; )
        for (const { path, body } of await foreign.seen())
          if (path.endsWith("/ext_keys"))
            key_ids = (body as unknown as Container).keys.map(({ key_id }) => key_id)
      const parties = { initiator_sae_id: "alice", target_sae_ids: ["bob"] }
      assert.deepEqual(idsIn(acksIn(await takeBack({ key_ids, ...parties })), "voided"), key_ids)
      await making
    })
  })
})
