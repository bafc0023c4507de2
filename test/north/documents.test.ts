// The API documents: complete, resolvable, the same committed, served and generated.

import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { asyncApiDocument } from "../../src/north/asyncapi.js"
import { openApiDocument } from "../../src/north/openapi.js"
import { operations } from "../../src/north/operations.js"
import { closeAll, house } from "./harness.js"

const documents = { "openapi.json": openApiDocument(), "asyncapi.json": asyncApiDocument() }

function refsOf(value: unknown): string[] {
  if (value === null || typeof value !== "object") return []
  return Object.entries(value).flatMap(([name, inner]) =>
    name === "$ref" && typeof inner === "string" ? [inner] : refsOf(inner),
  )
}

function resolve(document: unknown, ref: string): unknown {
  return ref
    .slice(2)
    .split("/")
    .reduce<unknown>((at, name) => {
      if (at === null || typeof at !== "object") return undefined
      return new Map(Object.entries(at)).get(name.replaceAll("~1", "/"))
    }, document)
}

describe("the API documents", () => {
  afterEach(closeAll)

  for (const [name, document] of Object.entries(documents)) {
    it(`${name}: every reference leads somewhere`, () => {
      const refs = refsOf(document)
      assert.ok(refs.length > 20)
      for (const ref of refs) assert.notEqual(resolve(document, ref), undefined, ref)
    })

    it(`${name}: committed, served and generated are the same`, async () => {
      const committed = readFileSync(new URL(`../../docs/api/${name}`, import.meta.url), "utf8")
      assert.equal(
        JSON.stringify(JSON.parse(committed)),
        JSON.stringify(document),
        "run: node --import tsx scripts/api-docs.js",
      )
      const { call } = await house()
      const served = await call(`/api/v1/${name}`, { token: null })
      assert.deepEqual(served.json, JSON.parse(committed))
    })
  }

  it("describe every path parameter of every operation", () => {
    for (const { id, operation } of operations()) {
      const inPath = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      const described = operation.parameters.filter((p) => p.in === "path").map((p) => p.name)
      assert.deepEqual(described, inPath, id)
    }
  })
})
