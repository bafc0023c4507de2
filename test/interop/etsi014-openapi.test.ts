// docs/api/etsi014.json beside two real sites: every answer is of a status, a type and a form that stand there, and what is
// no request by its forms is none to the node.

import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { Ajv2020 } from "ajv/dist/2020.js"
import formats from "ajv-formats"
import { keysOf, TwoSites } from "./etsi014-sites.js"
import type { Ask, Told } from "./etsi014-sites.js"

interface Media {
  readonly content?: Readonly<Record<string, { readonly schema: object }>>
}

interface Operation {
  readonly requestBody?: Media
  readonly responses: Readonly<Record<string, Media & { readonly $ref?: string }>>
}

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation | undefined>>>>
  readonly components: { readonly responses: Readonly<Record<string, Media>> }
}

const text = readFileSync(new URL("../../docs/api/etsi014.json", import.meta.url), "utf8")
const description = JSON.parse(text) as Description
const ajv = new Ajv2020({ strict: false, allErrors: false })
formats.default(ajv)
ajv.addSchema(description, "etsi014")

function operationOf({
  target,
  body,
  method = body === undefined ? "GET" : "POST",
}: Ask): Operation {
  const call = /\/(\w+)(\?|$)/.exec(target)?.[1] ?? ""
  const place = Object.keys(description.paths).find((name) => name.endsWith(`/${call}`)) ?? ""
  // What is not described is refused in a way that is.
  const [first] = Object.values(description.paths[place] ?? {}).filter((one) => !Array.isArray(one))
  const operation = description.paths[place]?.[method.toLowerCase()] ?? first
  assert.ok(operation, `${method} ${target}`)
  return operation
}

function holds(schema: object, value: unknown): string | undefined {
  const refs = JSON.stringify(schema).replaceAll('"#/', '"etsi014#/')
  const valid = ajv.validate(JSON.parse(refs) as object, value)
  return valid ? undefined : ajv.errorsText()
}

/** Status, content type and body of an answer are such as the description has them. */
function assertDescribed(asked: Ask, { status, headers, body }: Told): void {
  const { $ref, ...own } = operationOf(asked).responses[status] ?? {}
  const name = $ref?.split("/").at(-1)
  const media: Media | undefined = name === undefined ? own : description.components.responses[name]
  assert.ok(operationOf(asked).responses[status], `status ${status} of ${asked.target}`)
  assert.equal(headers["cache-control"], "no-store")
  if (media?.content === undefined) {
    assert.equal(body, "", `${status} has no body`)
    return
  }
  const { schema } = media.content[headers["content-type"] ?? ""] ?? {}
  assert.ok(schema, `${headers["content-type"] ?? "no type"} of ${status}`)
  const value: unknown = headers["content-type"] === "application/json" ? JSON.parse(body) : body
  assert.equal(holds(schema, value), undefined, body)
}

const GOOD = [
  {},
  { number: 2, size: 128 },
  { additional_slave_SAE_IDs: ["ben", "amy"] },
  { extension_mandatory: [{ keyloom_route: "direct" }, { keyloom_max_age_s: 60 }] },
  { extension_mandatory: [{ keyloom_avoid_nodes: [], keyloom_disjoint_paths: 1 }] },
  { extension_optional: [{ acme_colour: "blue" }, { keyloom_max_epsilon: 1e-9 }] },
]

const BAD = [
  { number: 0 },
  { number: "1" },
  { number: 1.5 },
  { size: 65 },
  { size: -8 },
  { count: 1 },
  { additional_slave_SAE_IDs: ["ben", "ben"] },
  { additional_slave_SAE_IDs: [""] },
  { extension_mandatory: {} },
  { extension_mandatory: [{ acme_colour: "blue" }] },
  { extension_mandatory: [{ keyloom_route: "short" }] },
  { extension_mandatory: [{ keyloom_disjoint_paths: 17 }] },
  { extension_mandatory: [{ keyloom_max_epsilon: 0 }] },
  { extension_optional: Array.from({ length: 17 }, () => ({ acme_x: 1 })) },
]

const ID = "0c56ae0c-6e36-4c09-8bb8-9d1b3d5e5e01"
const BAD_IDS = [
  {},
  { key_IDs: [] },
  { key_IDs: [ID] },
  { key_IDs: [{ key_ID: "1" }] },
  { key_IDs: [{ key_ID: ID }, { key_ID: ID }] },
  { key_IDs: [{ key_ID: ID, key: "" }] },
  { key_IDs: [{ key_ID: ID, key_ID_extension: [] }] },
  { key_IDs: [{ key_ID: ID }], key_IDs_extension: 1 },
]

describe("The OpenAPI description of ETSI GS QKD 014", function () {
  this.slow(1000)
  const sites = new TwoSites()

  before(async () => {
    await sites.start()
    await sites.feed(24)
  })
  after(() => sites.close())

  async function told(asked: Ask): Promise<Told> {
    const answer = await sites.ask(asked)
    assertDescribed(asked, answer)
    return answer
  }

  function bodySchema(target: string): object {
    const schema = operationOf({ who: null, target, body: {} }).requestBody?.content
    return schema?.["application/json"]?.schema ?? assert.fail(target)
  }

  it("has a schema for each reference", () => {
    for (const [, ref = ""] of text.matchAll(/"\$ref": ?"([^"]+)"/g))
      assert.ok(ajv.getSchema(`etsi014${ref}`), ref)
  })

  it("tells what status is: of a peer elsewhere, at home, unknown, and oneself", async () => {
    for (const peer of ["bob", "carol%2F%C3%A9", "amy", "alice", "nobody"])
      assert.equal((await told({ who: "alice", target: `${peer}/status` })).status, 200)
  })

  for (const body of GOOD)
    it(`takes what the node takes, and its keys: ${JSON.stringify(body)}`, async () => {
      assert.equal(holds(bodySchema("bob/enc_keys"), body), undefined)
      const made = await told({ who: "alice", target: "bob/enc_keys", body })
      assert.equal(made.status, 200, made.body)
      const ids = { key_IDs: keysOf(made).keys.map(({ key_ID }) => ({ key_ID })) }
      assert.equal(holds(bodySchema("alice/dec_keys"), ids), undefined)
      assert.equal((await told({ who: "bob", target: "alice/dec_keys", body: ids })).status, 200)
    })

  for (const body of BAD)
    it(`refuses what the node refuses: ${JSON.stringify(body).slice(0, 80)}`, async () => {
      assert.notEqual(holds(bodySchema("bob/enc_keys"), body), undefined)
      assert.equal((await told({ who: "alice", target: "bob/enc_keys", body })).status, 400)
    })

  for (const body of BAD_IDS)
    it(`refuses key IDs that the node refuses: ${JSON.stringify(body).slice(0, 120)}`, async () => {
      assert.notEqual(holds(bodySchema("alice/dec_keys"), body), undefined)
      assert.equal((await told({ who: "bob", target: "alice/dec_keys", body })).status, 400)
    })

  for (const [status, asked] of [
    [200, { who: "alice", target: "bob/enc_keys?number=2&size=512" }],
    [400, { who: "alice", target: "bob/enc_keys?size=65" }],
    [400, { who: "alice", target: "nobody/enc_keys" }],
    [400, { who: "alice", target: "alice/enc_keys" }],
    [400, { who: "alice", target: "bob/status?x=1" }],
    [400, { who: "bob", target: `alice/dec_keys?key_ID=${ID}` }],
    [400, { who: "bob", target: "alice/dec_keys" }],
    [400, { who: "alice", target: "bob/enc_keys", body: { number: 129 } }],
    [400, { who: "alice", target: "bob/enc_keys", body: "{" }],
    [401, { who: "bob", target: "alice/status", site: "A" }],
    [401, { who: "bob", target: "alice/enc_keys", body: {}, site: "A" }],
    [405, { who: "alice", target: "bob/status", method: "DELETE" }],
    [405, { who: "alice", target: "bob/enc_keys", method: "PUT" }],
    [413, { who: "alice", target: "bob/enc_keys", body: `{}${" ".repeat(65_536)}` }],
  ] as const satisfies readonly (readonly [number, Ask])[])
    it(`has the answer ${status} to ${"body" in asked ? "POST" : "GET"} ${asked.target.slice(0, 24)}`, async () => {
      assert.equal((await told(asked)).status, status)
    })

  it("has the answer 401 to whom a key was not meant for", async () => {
    const made = await told({ who: "alice", target: "bob/enc_keys" })
    const { key_ID } = keysOf(made).keys[0] ?? assert.fail("no key")
    const target = `alice/dec_keys?key_ID=${key_ID}`
    assert.equal((await told({ who: "ben", target })).status, 401)
  })

  it("has the answer 503 where no key is left, and names why", async () => {
    let last: Told
    do last = await told({ who: "alice", target: "bob/enc_keys?number=128&size=4096" })
    while (last.status === 200)
    assert.equal(last.status, 503)
    assert.match(last.body, /"reason":"pool-empty"/)
  })
})
