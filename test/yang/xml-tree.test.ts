// XML trees: what is read, what is written, and what hostile text gets.

import assert from "node:assert/strict"
import fc from "fast-check"
import {
  XML_LIMITS,
  childrenOf,
  escapeAttr,
  escapeText,
  parseXml,
  textOf,
  writeXml,
  xmlElement,
} from "../../src/yang/xml-tree.js"
import type { XmlElement } from "../../src/yang/xml-tree.js"
import { tagged } from "./fixture.js"

describe("an XML document", () => {
  it("gives elements their namespace and the prefixes in scope", () => {
    const root = parseXml('<a xmlns="u:1" xmlns:p="u:2"><p:b p:c="1" d="2">p:x</p:b></a>')
    const [b] = childrenOf(root)
    assert.equal(root.ns, "u:1")
    assert.equal(b?.name, "b")
    assert.equal(b.ns, "u:2")
    assert.deepEqual(b.attrs, [
      { name: "c", ns: "u:2", value: "1" },
      { name: "d", ns: "", value: "2" },
    ])
    assert.equal(b.prefixes.get("p"), "u:2")
    assert.equal(textOf(b), "p:x")
  })

  it("joins text, CDATA and the five entities, and drops comments", () => {
    const root = parseXml("<a>1 &lt; 2<!-- no --> &amp; <![CDATA[<b>]]>&#x4f;&apos;&quot;&gt;</a>")
    assert.equal(textOf(root), "1 < 2 & <b>O'\">")
  })

  it("tells where it is broken by line and column", () => {
    assert.throws(() => parseXml("<a>\n  <b>\n</a>"), tagged("malformed-message", /line 3/))
    assert.throws(() => parseXml("<a>\n<p:b/></a>"), tagged("malformed-message", /line 2.*"p"/))
  })

  it("must be one element, in UTF-8, version 1.0", () => {
    for (const text of ["", "   ", "text", "<a/><b/>", "<a>", "</a>", "<a/>text"])
      assert.throws(() => parseXml(text), tagged("malformed-message"), text)
    assert.throws(() => parseXml('<?xml version="1.1"?><a/>'), tagged("malformed-message"))
    assert.throws(
      () => parseXml('<?xml version="1.0" encoding="UTF-16"?><a/>'),
      tagged("malformed-message"),
    )
    assert.equal(parseXml('<?xml version="1.0" encoding="utf-8"?><a/>').name, "a")
  })
})

describe("hostile XML", () => {
  it("has no document type, so no entity can be defined or fetched", () => {
    const bomb =
      '<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;&x;&x;">]><a>&y;&y;</a>'
    const external = '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
    for (const text of [bomb, external, '<!DOCTYPE a SYSTEM "http://localhost/a.dtd"><a/>'])
      assert.throws(() => parseXml(text), tagged("malformed-message", /document type/))
  })

  it("finds no entity in the names of object members", () => {
    for (const name of ["x", "constructor", "toString", "__proto__"])
      assert.throws(() => parseXml(`<a>&${name};</a>`), tagged("malformed-message"), name)
  })

  it("is refused beyond the limits on depth, elements, attributes and bytes", () => {
    const limits = { ...XML_LIMITS, maxNodes: 100, maxBytes: 10_000, maxAttributes: 4 }
    assert.throws(() => parseXml("<a>".repeat(200)), tagged("too-big", /deeper/))
    assert.throws(() => parseXml(`<a>${"<b/>".repeat(100)}</a>`, limits), tagged("too-big"))
    assert.throws(() => parseXml('<a b="" c="" d="" e="" f=""/>', limits), tagged("too-big"))
    assert.throws(() => parseXml(`<a>${"x".repeat(10_000)}</a>`, limits), tagged("too-big"))
    assert.throws(() => parseXml(`<a>${"ü".repeat(5_000)}</a>`, limits), tagged("too-big"))
    assert.throws(() => parseXml(`<a b="${"x".repeat(70_000)}"/>`), tagged("too-big"))
  })

  it("may name attributes and elements as it likes without touching objects", () => {
    const root = parseXml('<__proto__ __proto__="1" constructor="2"><hasOwnProperty/></__proto__>')
    assert.deepEqual(
      root.attrs.map((a) => a.name),
      ["__proto__", "constructor"],
    )
    assert.equal(({} as Record<string, unknown>).polluted, undefined)
  })

  it("never ends in anything but a tree or a tagged error", () => {
    const piece = fc.constantFrom("<a>", "</a>", "<a/>", "&", "&lt;", "]]>", "<![CDATA[", '"', "<!")
    fc.assert(
      fc.property(
        fc.array(fc.oneof(piece, fc.string({ unit: "binary" })), { maxLength: 12 }),
        (p) => {
          try {
            parseXml(p.join(""))
          } catch (error) {
            assert.ok(tagged("malformed-message")(error) || tagged("too-big")(error), String(error))
          }
        },
      ),
      { numRuns: 500 },
    )
  })
})

/** Any tree XML can carry; text never empty, never two texts in a row. */
const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.-]{0,6}$/).filter((n) => !/^xml/i.test(n))
const ns = fc.constantFrom("urn:a", "urn:b", "urn:c?x=1&y=2")
const text = fc
  .string({ unit: "grapheme", minLength: 1 })
  .filter((s) => escapeText(s) === "" || !escapeText(s).includes("\ufffd"))
const tree: fc.Arbitrary<XmlElement> = fc.letrec<{ element: XmlElement }>((tie) => ({
  element: fc
    .record({
      name,
      ns,
      value: fc.option(text, { nil: "" }),
      attrs: fc.uniqueArray(fc.record({ name, ns: fc.oneof(fc.constant(""), ns), value: text }), {
        selector: (a) => `${a.ns} ${a.name}`,
        maxLength: 3,
      }),
      children: fc.oneof(
        { depthSize: "small" },
        fc.constant([]),
        fc.array(tie("element"), { maxLength: 3 }),
      ),
    })
    .map((e) =>
      xmlElement(e.name, e.ns, e.value === "" ? e.children : [e.value, ...e.children], e.attrs),
    ),
})).element

/** Without the prefix maps, which writing may add to. */
function plain(element: XmlElement): unknown {
  const { name, ns, attrs, children } = element
  const sorted = attrs
    .map((a) => ({ ...a }))
    .sort((a, b) => (`${a.ns} ${a.name}` < `${b.ns} ${b.name}` ? -1 : 1))
  return {
    name,
    ns,
    attrs: sorted,
    children: children.map((c) => (typeof c === "string" ? c : plain(c))),
  }
}

describe("writing XML", () => {
  it("and reading it again gives the same tree", () => {
    fc.assert(
      fc.property(tree, (element) => {
        assert.deepEqual(plain(parseXml(writeXml(element))), plain(element))
      }),
    )
  })

  it("keeps the prefixes that values need", () => {
    const root = parseXml('<a xmlns="u:1" xmlns:t="u:2"><b>t:PHYS</b></a>')
    const again = parseXml(writeXml(root))
    assert.equal(childrenOf(again)[0]?.prefixes.get("t"), "u:2")
  })

  it("escapes what would be markup and replaces what XML cannot carry", () => {
    assert.equal(escapeText('a<b>&"\r\u0001\ud800'), 'a&lt;b&gt;&amp;"&#13;\ufffd\ufffd')
    assert.equal(escapeAttr('"\t\n<'), "&quot;&#9;&#10;&lt;")
  })
})
