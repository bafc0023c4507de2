// The compiler on modules of its own: groupings, augments, deviations, features, submodules, and its refusals.

import assert from "node:assert/strict"
import type { SchemaNode } from "../../src/yang/schema-types.js"
import { schemaOf, tagged } from "./fixture.js"

function at(root: SchemaNode, ...members: string[]): SchemaNode {
  let node: SchemaNode | undefined = root
  for (const member of members) node = node?.members.get(member)
  assert.ok(node, members.join("/"))
  return node
}

describe("a compiled schema", () => {
  it("expands groupings where they are used, refined and augmented on the spot", () => {
    const { root } = schemaOf({
      g: `grouping end { leaf id { type uint8; } container more { leaf x { type string; } } }`,
      m: `import g { prefix gg; }
        container a { uses gg:end {
          refine id { default 7; mandatory false; description "refined"; }
          refine more/x { config false; must "../../id > 1"; }
          augment more { when "../id = 7"; leaf y { type gg2; } }
        } }
        typedef gg2 { type int8 { range "1..5"; } }
        container b { uses gg:end; }`,
    })
    assert.equal(at(root, "m:a", "id").module, "m")
    assert.deepEqual(at(root, "m:a", "id").defaultValues, [7])
    assert.deepEqual(at(root, "m:b", "id").defaultValues, [])
    assert.equal(at(root, "m:a", "more", "x").config, false)
    assert.equal(at(root, "m:b", "more", "x").config, true)
    assert.equal(at(root, "m:a", "more", "x").musts.length, 1)
    assert.deepEqual(
      at(root, "m:a", "more", "y").whens.map((w) => w.context),
      ["parent"],
    )
  })

  it("augments other modules' data, choices, operations and notifications, in any order", () => {
    const schema = schemaOf({
      b: `import a { prefix a; } import c { prefix c; }
        augment "/a:top/c:mid" { leaf low { type string; } }
        augment "/a:alarm" { leaf node { type string; } }
        augment "/a:do/a:input" { leaf how { type string; } }
        augment "/a:top/a:pick" { leaf third { type string; } case fourth { leaf f { type string; } } }`,
      c: `import a { prefix a; } augment "/a:top" { container mid; }`,
      a: `container top { choice pick { leaf first { type string; } case second { leaf s { type string; } } } }
        notification alarm { leaf what { type string; } }
        rpc do { input { leaf x { type string; } } }`,
    })
    assert.equal(at(schema.root, "a:top", "c:mid", "b:low").namespace, "urn:b")
    assert.equal(at(schema.root, "a:top", "c:mid", "b:low").path, "/a:top/c:mid/b:low")
    assert.deepEqual(
      [...at(schema.root, "a:top").members.keys()],
      ["first", "s", "b:third", "b:f", "c:mid"],
    )
    assert.ok(schema.notifications.get("a:alarm")?.members.has("b:node"))
    const input = schema.rpcs.get("a:do")?.children.get("a:input")
    assert.deepEqual([...(input?.members.keys() ?? [])], ["x", "b:how"])
    assert.ok(schema.rpcs.get("a:do")?.children.has("a:output"))
  })

  it("gives nodes inside choices and cases their conditions too", () => {
    const { root } = schemaOf({
      m: `container c { leaf t { type string; } choice x { when "t = 'a'"; case k { when "t = 'b'"; leaf l { when "../t = 'c'"; type string; } } } }`,
    })
    assert.deepEqual(
      at(root, "m:c", "l").whens.map((w) => [w.expression.text, w.context]),
      [
        ["t = 'a'", "parent"],
        ["t = 'b'", "parent"],
        ["../t = 'c'", "self"],
      ],
    )
  })

  it("takes deviations: not-supported, add, replace, delete", () => {
    const schema = schemaOf({
      m: `container c { leaf gone { type string; } leaf a { type int8; units "s"; default 1; must "true()"; }
          list l { key k; unique "u"; leaf k { type string; } leaf u { type string; } } }`,
      d: `import m { prefix m; }
        deviation /m:c/m:gone { deviate not-supported; }
        deviation /m:c/m:a { deviate replace { type uint16; default 300; } deviate delete { units "s"; must "true()"; } deviate add { must "../l"; } }
        deviation /m:c/m:l { deviate add { max-elements 3; } deviate delete { unique "u"; } }
        deviation /m:c/m:l/m:u { deviate add { config false; } }`,
    })
    const c = at(schema.root, "m:c")
    assert.ok(!c.members.has("gone"))
    assert.deepEqual(at(c, "a").defaultValues, [300])
    assert.equal(at(c, "a").units, undefined)
    assert.deepEqual(
      at(c, "a").musts.map((m) => [m.expression.text, m.expression.module]),
      [["../l", "m"]],
    )
    assert.equal(at(c, "l").maxElements, 3)
    assert.equal(at(c, "l").unique.length, 0)
    assert.equal(at(c, "l", "u").config, false)
    assert.deepEqual(schema.moduleByName("m")?.deviations, ["d"])
  })

  it("has the features it is given, with expressions, on nodes, enums, bits and identities", () => {
    const m = `feature f; feature g { if-feature "f"; } feature h;
      identity base; identity i { base base; if-feature "g and not h"; } identity j { base base; }
      leaf both { if-feature "(f and g) or h"; type string; }
      leaf only-h { if-feature h; type string; }
      leaf e { type enumeration { enum a; enum b { if-feature h; } } }
      leaf id { type identityref { base base; } }`
    const some = schemaOf({ m }, { features: { m: ["f", "g"] } })
    assert.deepEqual([...some.root.members.keys()], ["m:both", "m:e", "m:id"])
    assert.deepEqual([...(at(some.root, "m:e").type?.enums?.keys() ?? [])], ["a"])
    assert.deepEqual([...(at(some.root, "m:id").type?.identities?.keys() ?? [])], ["m:i", "m:j"])
    const none = schemaOf({ m }, { features: { m: ["g"] } })
    assert.ok(!none.root.members.has("m:both"), "g depends on f")
    assert.ok(schemaOf({ m }).root.members.has("m:only-h"), "all features unless told")
    assert.throws(() => schemaOf({ m }, { features: { m: ["zz"] } }), tagged("invalid-value"))
  })

  it("brings submodules together under the module's namespace", () => {
    const schema = schemaOf({
      m: `include s; typedef own { type uint8; } container c { uses part; }`,
      s: `submodule s { yang-version 1.1; belongs-to m { prefix mm; } include s2; grouping part { leaf x { type mm:own; } leaf y { type deep; } } }`,
      s2: `submodule s2 { yang-version 1.1; belongs-to m { prefix m; } revision 2020-01-01; typedef deep { type string; } rpc r; }`,
    })
    assert.equal(at(schema.root, "m:c", "x").type?.base, "uint8")
    assert.equal(at(schema.root, "m:c", "y").type?.name, "m:deep")
    assert.ok(schema.rpcs.has("m:r"))
    assert.deepEqual(
      schema.moduleByName("m")?.submodules.map((s) => s.name),
      ["s2", "s"].reverse(),
    )
  })

  it("implements only what it is told to: others lend types, and their identities are no values", () => {
    const schema = schemaOf(
      {
        t: `identity base; identity here { base base; } leaf t { type string; }`,
        m: `import t { prefix t; } identity mine { base t:base; } leaf l { type identityref { base t:base; } }`,
      },
      { implement: ["m"] },
    )
    assert.deepEqual([...schema.root.members.keys()], ["m:l"])
    assert.deepEqual([...(at(schema.root, "m:l").type?.identities?.keys() ?? [])], ["m:mine"])
    assert.equal(schema.moduleByName("t")?.implemented, false)
  })

  it("follows leafrefs through typedefs, choices and other modules", () => {
    const { root } = schemaOf({
      a: `typedef ref { type leafref { path "/a:list/a:name"; } }
        list list { key name; leaf name { type string { length "1..3"; } } choice c { leaf inner { type uint8; } } }
        leaf r { type ref; }
        leaf s { type leafref { path "../list/inner"; } }`,
      b: `import a { prefix x; } leaf far { type x:ref; } leaf u { type union { type uint8; type x:ref; } }`,
    })
    assert.equal(at(root, "a:s").type?.target, at(root, "a:list", "inner"))
    assert.equal(at(root, "b:far").type?.target, at(root, "a:list", "name"))
    assert.equal(at(root, "b:u").type?.members?.[1]?.target, at(root, "a:list", "name"))
  })

  it("reads defaults as their type: hexadecimal, prefixed identities, inherited from typedefs", () => {
    const { root } = schemaOf({
      t: `identity base; identity one { base base; } typedef mask { type uint8; default 0x1f; }`,
      m: `import t { prefix t; } leaf m { type t:mask; } leaf o { type int8; default "010"; }
        leaf i { type identityref { base t:base; } default t:one; }
        leaf d { type decimal64 { fraction-digits 2; } default 1; }
        leaf-list n { type uint8; default 1; default 2; }
        leaf no { type t:mask; mandatory true; }`,
    })
    assert.deepEqual(at(root, "m:m").defaultValues, [31])
    assert.deepEqual(at(root, "m:o").defaultValues, [8])
    assert.deepEqual(at(root, "m:i").defaultValues, ["t:one"])
    assert.deepEqual(at(root, "m:d").defaultValues, ["1.0"])
    assert.deepEqual(at(root, "m:n").defaultValues, [1, 2])
    assert.deepEqual(at(root, "m:no").defaultValues, [])
  })

  it("keeps extension statements on nodes, for access control", () => {
    const { root } = schemaOf({
      nacm: `extension deny { argument why; }`,
      m: `import nacm { prefix n; } leaf l { n:deny "all"; type string; }`,
    })
    assert.deepEqual(at(root, "m:l").extensions, [
      { module: "nacm", name: "deny", argument: "all" },
    ])
  })
})

describe("a module that makes no sense", () => {
  const broken: readonly (readonly [string, string, RegExp])[] = [
    ["an unknown typedef", "leaf a { type nix; }", /unknown typedef nix/],
    ["an unknown prefix", "leaf a { type x:nix; }", /unknown prefix x/],
    ["an unknown grouping", "uses nix;", /unknown grouping nix/],
    ["a grouping in itself", "grouping g { uses g; } uses g;", /uses itself/],
    ["a typedef of itself", "typedef t { type t; } leaf a { type t; }", /refers to itself/],
    ["a list without key", "list l { leaf a { type string; } }", /has no key/],
    ["a key that is no leaf", "list l { key k; container k; }", /not a leaf/],
    ["two nodes of one name", "leaf a { type string; } container a;", /there twice/],
    [
      "two cases with one name",
      "choice c { case x { leaf a { type string; } } leaf a { type string; } }",
      /twice/,
    ],
    ["a range outside its type", "leaf a { type int8 { range 1..200; } }", /outside the type/],
    ["a range on a string", "leaf a { type string { range 1..2; } }", /does not restrict/],
    ["overlapping intervals", 'leaf a { type int8 { range "1..5 | 5..7"; } }', /overlap/],
    ["a broken pattern", 'leaf a { type string { pattern "("; } }', /pattern/],
    ["an enumeration of nothing", "leaf a { type enumeration; }", /has no enum/],
    ["a default outside its type", "leaf a { type int8; default 200; }", /default of a/],
    [
      "a mandatory leaf with default",
      "leaf a { type int8; default 1; mandatory true; }",
      /mandatory/,
    ],
    [
      "configuration inside state",
      "container c { config false; leaf a { config true; type int8; } }",
      /inside state/,
    ],
    ["a leafref to nowhere", 'leaf a { type leafref { path "../b"; } }', /leads to no leaf/],
    [
      "leafrefs in a circle",
      'leaf a { type leafref { path "../b"; } } leaf b { type leafref { path "../a"; } }',
      /circle/,
    ],
    [
      "configuration pointing to state",
      'leaf a { type leafref { path "../b"; } } leaf b { config false; type int8; }',
      /points to state/,
    ],
    ["an identity of itself", "identity a { base b; } identity b { base a; }", /its own base/],
    ["an augment of nothing", "augment /m:x { leaf a { type int8; } }", /is not there/],
    ["a deviation of nothing", "deviation /m:x { deviate not-supported; }", /is not there/],
    ["a broken XPath", 'leaf a { when "1 +"; type int8; }', /XPath/],
    ["an unknown XPath function", 'leaf a { must "nix()"; type int8; }', /unknown function nix/],
    ["an unknown prefix in XPath", 'leaf a { must "../x:b"; type int8; }', /unknown prefix x/],
    ["a missing import", "import nix { prefix n; }", /nix is missing/],
    ["a missing submodule", "include nix;", /nix is missing/],
    [
      "a feature of itself",
      "feature f { if-feature g; } feature g { if-feature f; }",
      /depends on itself/,
    ],
    ["an unknown feature", "leaf a { if-feature nix; type int8; }", /unknown feature/],
    [
      "more fewest than most elements",
      "leaf-list a { min-elements 3; max-elements 2; type int8; }",
      /min-elements/,
    ],
    ["unique over no leaf", "list l { key k; unique x; leaf k { type int8; } }", /unique names x/],
    [
      "a default case that is none",
      "choice c { default x; leaf a { type int8; } }",
      /default case/,
    ],
  ]
  for (const [what, body, message] of broken)
    it(`is refused with file and line: ${what}`, () => {
      assert.throws(
        () => schemaOf({ m: body }),
        (error) => {
          assert.ok(tagged("malformed-message", message)(error), String(error))
          assert.match((error as Error).message, /^m\.yang:\d+: /)
          return true
        },
      )
    })

  it("is refused when it grows or chains without end", () => {
    const doubling = Array.from(
      { length: 24 },
      (_, i) => `grouping g${i + 1} { container a { uses g${i}; } container b { uses g${i}; } }`,
    )
    const bomb = `grouping g0 { leaf x { type int8; } } ${doubling.join(" ")} uses g24;`
    assert.throws(() => schemaOf({ m: bomb }), tagged("too-big"))
    const chain = Array.from({ length: 50_000 }, (_, i) => `typedef t${i + 1} { type t${i}; }`)
    const long = `typedef t0 { type int8; } ${chain.join(" ")} leaf a { type t50000; }`
    assert.throws(() => schemaOf({ m: long }), tagged("too-big"))
    const parens = `feature f; leaf a { if-feature "${"(".repeat(100_000)}"; type int8; }`
    assert.throws(() => schemaOf({ m: parens }), tagged("too-big"))
  })

  it("is refused when two modules share a namespace", () => {
    const text = (name: string): string => `module ${name} { namespace "urn:same"; prefix p; }`
    assert.throws(
      () => schemaOf({ a: text("a"), b: text("b") }),
      tagged("malformed-message", /namespace/),
    )
  })
})

describe("a node whose features are not in force", () => {
  const text = `feature far;
    grouping g { leaf near { type string; } container away { if-feature far; leaf x { type string; } } }
    container c {
      uses g {
        refine away { description "elsewhere"; }
        refine "away/x" { default "1"; }
        augment away { leaf y { type string; } }
      }
    }
    augment "/m:c/m:away" { leaf z { type string; } }
    deviation "/m:c/m:away/m:x" { deviate not-supported; }`

  it("may be refined, augmented and deviated from, to no effect", () => {
    const members = (features: readonly string[]): string[] => {
      const c = schemaOf({ m: text }, { features: { m: features } }).root.members.get("m:c")
      return [...(c?.members.get("away")?.members.keys() ?? ["none"])]
    }
    assert.deepEqual(members([]), ["none"])
    assert.deepEqual(members(["far"]), ["y", "z"])
  })

  it("is told apart from a node that is nowhere", () => {
    for (const wrong of [
      "uses g { refine awry { default '1'; } }",
      'augment "/m:nowhere" { leaf q { type string; } }',
    ])
      assert.throws(
        () => schemaOf({ m: `${text} ${wrong}` }, { features: { m: [] } }),
        tagged("malformed-message", /is not there/),
      )
  })
})
