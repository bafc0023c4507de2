// Parts of data by kind, depth, name and XPath.

import assert from "node:assert/strict"
import fc from "fast-check"
import { compileXPathFilter, filterXPath } from "../../src/yang/filter-xpath.js"
import { limitDepth, parseFields, selectContent, selectFields } from "../../src/yang/select.js"
import type { JsonObject } from "../../src/yang/json.js"
import { compileValidator } from "../../src/yang/validate.js"
import { anyTree, treeSchema } from "./diff-trees.js"
import { schemaOf, tagged } from "./fixture.js"

const schema = schemaOf({
  m: `container top { leaf a { type string; } leaf st { config false; type string; }
      container only { config false; leaf x { type string; } }
      container there { presence p; }
      list l { key k; leaf k { type string; } leaf v { type uint8; } leaf s { config false; type string; }
        container in { leaf d { type string; } leaf e { type string; } } leaf-list ll { type string; } } }`,
  n: `import m { prefix m; } leaf a { type string; } augment /m:top { leaf a { type string; } leaf z { type string; } }`,
})
const entry = (k: string): JsonObject => ({
  k,
  v: 1,
  s: "s",
  in: { d: "d", e: "e" },
  ll: ["p", "q"],
})
const data: JsonObject = {
  "m:top": {
    a: "1",
    st: "s",
    only: { x: "x" },
    there: {},
    l: [entry("x"), entry("y")],
    "n:a": "na",
    "n:z": "z",
  },
  "n:a": "top",
}

describe("depth", () => {
  it("counts the node itself as one, and keeps keys", () => {
    assert.deepEqual(limitDepth(schema.root, data, 2), { "m:top": {}, "n:a": "top" })
    const three = limitDepth(schema.root, data, 3) as { readonly "m:top": JsonObject }
    assert.deepEqual(three["m:top"]["l"], [{ k: "x" }, { k: "y" }])
    assert.deepEqual(three["m:top"]["a"], "1")
    assert.equal(limitDepth(schema.root, data, Infinity), data)
  })
})

describe("content", () => {
  it("is configuration alone", () => {
    const inner = { k: "x", v: 1, in: { d: "d", e: "e" }, ll: ["p", "q"] }
    assert.deepEqual(selectContent(schema.root, data, "config"), {
      "m:top": { a: "1", there: {}, l: [inner, { ...inner, k: "y" }], "n:a": "na", "n:z": "z" },
      "n:a": "top",
    })
  })

  it("is state alone, with what leads to it", () => {
    assert.deepEqual(selectContent(schema.root, data, "nonconfig"), {
      "m:top": {
        st: "s",
        only: { x: "x" },
        l: [
          { k: "x", s: "s" },
          { k: "y", s: "s" },
        ],
      },
    })
    assert.equal(selectContent(schema.root, { "n:a": "v" }, "nonconfig"), undefined)
  })

  it("is parted between the two and lost by neither", () => {
    fc.assert(
      fc.property(anyTree, (tree) => {
        assert.deepEqual(selectContent(treeSchema.root, tree, "config") ?? {}, tree)
        assert.equal(selectContent(treeSchema.root, tree, "nonconfig"), undefined)
      }),
    )
  })
})

describe("fields", () => {
  const select = (text: string, depth?: number): unknown =>
    selectFields(schema.root, data, parseFields(schema.root, text), depth)

  it("name nodes, together and apart", () => {
    assert.deepEqual(select("m:top/a"), { "m:top": { a: "1" } })
    assert.deepEqual(select("m:top(a;st;n:z);n:a"), {
      "m:top": { a: "1", st: "s", "n:z": "z" },
      "n:a": "top",
    })
    assert.deepEqual(select("m:top/l(in/d;v)"), {
      "m:top": {
        l: [
          { k: "x", in: { d: "d" }, v: 1 },
          { k: "y", in: { d: "d" }, v: 1 },
        ],
      },
    })
    assert.deepEqual(select("m:top/l/in/d;m:top/l/in/e;m:top/l/in"), select("m:top/l/in"))
    assert.deepEqual(select("m:top/l/in;m:top/l/in/e"), select("m:top/l/in"))
    assert.equal(
      selectFields(schema.root, { "n:a": "v" }, parseFields(schema.root, "m:top/a")),
      undefined,
    )
  })

  it("are where depth begins to count", () => {
    assert.deepEqual(select("m:top/l/in", 1), {
      "m:top": {
        l: [
          { k: "x", in: {} },
          { k: "y", in: {} },
        ],
      },
    })
  })

  it("are refused when they are not well formed or name nothing", () => {
    for (const text of [
      "",
      ";",
      "m:top/",
      "m:top(",
      "m:top(a",
      "m:top)a",
      "m:top(a))",
      "m:top//a",
      "m:top/b",
      "x",
      "/m:top",
    ])
      assert.throws(() => parseFields(schema.root, text), tagged("invalid-value"), text)
    assert.throws(() => parseFields(schema.root, "m:top(".repeat(100)), tagged("invalid-value"))
  })
})

describe("an XPath filter", () => {
  const prefixes = new Map([
    ["m", "urn:m"],
    ["p", "urn:n"],
    ["q", "urn:none"],
  ])
  const filter = (text: string, from = data): JsonObject =>
    filterXPath(schema, from, compileXPathFilter(schema, { text, prefixes }))

  it("keeps what it selects whole, with ancestors and keys", () => {
    assert.deepEqual(filter("/m:top/m:l[m:k='y']/m:in/m:d"), {
      "m:top": { l: [{ k: "y", in: { d: "d" } }] },
    })
    assert.deepEqual(filter("//m:l[2]"), { "m:top": { l: [entry("y")] } })
    assert.deepEqual(filter("/m:top/m:l/m:ll[. = 'q'] | /p:a"), {
      "m:top": {
        l: [
          { k: "x", ll: ["q"] },
          { k: "y", ll: ["q"] },
        ],
      },
      "n:a": "top",
    })
    assert.deepEqual(filter("/"), data)
    assert.deepEqual(filter("/m:top/m:l[m:k='z']"), {})
    assert.deepEqual(filter("/m:top/m:l | /m:top/m:l/m:v"), filter("/m:top/m:l"))
  })

  it("takes a name without prefix for one of any module", () => {
    assert.deepEqual(filter("/top/a"), { "m:top": { a: "1", "n:a": "na" } })
    assert.deepEqual(filter("/top/l[k='x']/v"), { "m:top": { l: [{ k: "x", v: 1 }] } })
  })

  it("knows a namespace nobody has, but no prefix that is not declared", () => {
    assert.deepEqual(filter("/q:top"), {})
    assert.throws(() => filter("/r:top"), tagged("invalid-value"))
  })

  it("has module names for prefixes where that is the rule", () => {
    const found = compileXPathFilter(schema, { text: "/m:top/n:z", prefixes: "modules" })
    assert.deepEqual(filterXPath(schema, data, found), { "m:top": { "n:z": "z" } })
  })

  it("must select nodes", () => {
    for (const text of [
      "1 + 1",
      "count(/m:top)",
      "'x'",
      "true()",
      "/m:top/m:a = '1'",
      "string(/m:top)",
    ])
      assert.throws(() => filter(text), tagged("invalid-value"), text)
    for (const text of ["", "/m:top[", "foo(1)", "/m:top/m:a[count(1)]", "$x", "1 | 2"])
      assert.throws(() => filter(text), tagged("invalid-value"), text)
  })

  it("that would take for ever is stopped", () => {
    const many: JsonObject = {
      "m:top": { l: Array.from({ length: 3000 }, (_, i) => entry(`k${i}`)) },
    }
    for (const text of [
      "//*[count(//*) = count(//*)]",
      "//m:l[string(/) = 'x']",
      "//m:v[//m:k > //m:v]",
      "//m:l/following-sibling::m:l/preceding-sibling::m:l",
      "//m:l[following::m:k = 'x']",
    ])
      assert.throws(() => filter(text, many), tagged("resource-denied"), text)
    assert.equal(Object.keys(filter("//m:l | //m:l/m:v | //*", many)).length, 1)
  })

  it("gives data that still has the schema's shape, whatever it selects", () => {
    const validate = compileValidator(treeSchema, "get")
    const texts = [
      "//t:text",
      "//t:row/t:plain",
      "//t:rank[1]",
      "//*[. = 'a']",
      "//t:order[last()]",
      "/t:box/*",
    ]
    fc.assert(
      fc.property(anyTree, fc.constantFrom(...texts), (tree, text) => {
        const own = compileXPathFilter(treeSchema, { text, prefixes: new Map([["t", "urn:t"]]) })
        const found = filterXPath(treeSchema, tree, own)
        assert.deepEqual(validate(found), [])
        // Filtering again changes nothing, unless positions are counted.
        if (!/\[(1|last)/.test(text)) assert.deepEqual(filterXPath(treeSchema, found, own), found)
      }),
    )
  })
})
