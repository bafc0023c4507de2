// Requests bent in every way: elements lost, doubled, renamed, moved to other namespaces, texts and attributes changed.
// Each gets exactly one answer, an error of RFC 6241's list or a result, and none shows a bug of ours.

import assert from "node:assert/strict"
import { QkdError } from "../../src/errors.js"
import { parseXml, writeXml, type XmlElement } from "../../src/yang/xml-tree.js"
import { Dice } from "../core/dice.js"
import { DurableDepot, StartupDepot, two } from "./candidate-fixture.js"
import { NS, depot } from "./fixture.js"

const BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
const NMDA = "urn:ietf:params:xml:ns:yang:ietf-netconf-nmda"
const MONITORING = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"
const WITH_DEFAULTS = "urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults"
const DS = 'xmlns:ds="urn:ietf:params:xml:ns:yang:ietf-datastores"'
const OR = 'xmlns:or="urn:ietf:params:xml:ns:yang:ietf-origin"'
const DEPOT = `<depot xmlns="${NS}" xmlns:nc="${BASE}"><name>x</name><shelf nc:operation="merge"><id>a</id><place>3</place></shelf><tag>t</tag></depot>`
const MODE = `<with-defaults xmlns="${WITH_DEFAULTS}">report-all</with-defaults>`

const REQUESTS = [
  `<get xmlns="${BASE}"><filter type="subtree">${DEPOT}</filter>${MODE}</get>`,
  `<get xmlns="${BASE}"><filter type="xpath" xmlns:d="${NS}" select="/d:depot/d:shelf[d:id='a']"/></get>`,
  `<get-config xmlns="${BASE}"><source><candidate/></source><filter>${DEPOT}</filter>${MODE}</get-config>`,
  `<edit-config xmlns="${BASE}"><target><candidate/></target><default-operation>none</default-operation><test-option>set</test-option><error-option>rollback-on-error</error-option><config>${DEPOT}</config></edit-config>`,
  `<edit-config xmlns="${BASE}"><target><running/></target><config>${DEPOT}</config></edit-config>`,
  `<copy-config xmlns="${BASE}"><target><candidate/></target><source><config>${DEPOT}</config></source>${MODE}</copy-config>`,
  `<copy-config xmlns="${BASE}"><target><startup/></target><source><running/></source></copy-config>`,
  `<delete-config xmlns="${BASE}"><target><startup/></target></delete-config>`,
  `<validate xmlns="${BASE}"><source><candidate/></source></validate>`,
  `<validate xmlns="${BASE}"><source><config>${DEPOT}</config></source></validate>`,
  `<lock xmlns="${BASE}"><target><candidate/></target></lock>`,
  `<unlock xmlns="${BASE}"><target><datastore xmlns="${NMDA}" ${DS}>ds:candidate</datastore></target></unlock>`,
  `<commit xmlns="${BASE}"><confirmed/><confirm-timeout>9</confirm-timeout><persist>p</persist><persist-id>p</persist-id></commit>`,
  `<cancel-commit xmlns="${BASE}"><persist-id>p</persist-id></cancel-commit>`,
  `<discard-changes xmlns="${BASE}"/>`,
  `<get-schema xmlns="${MONITORING}"><identifier>depot</identifier><version>2026-01-01</version><format>yang</format></get-schema>`,
  `<get-data xmlns="${NMDA}"><datastore ${DS}>ds:operational</datastore><subtree-filter>${DEPOT}</subtree-filter><config-filter>true</config-filter><origin-filter ${OR}>or:intended</origin-filter><max-depth>2</max-depth><with-origin/><with-defaults>trim</with-defaults></get-data>`,
  `<get-data xmlns="${NMDA}"><datastore ${DS}>ds:operational</datastore><xpath-filter xmlns:d="${NS}">//d:shelf</xpath-filter><negated-origin-filter ${OR}>or:default</negated-origin-filter></get-data>`,
  `<edit-data xmlns="${NMDA}"><datastore ${DS}>ds:running</datastore><default-operation>merge</default-operation><config>${DEPOT}</config></edit-data>`,
].map((xml) => parseXml(xml))

const NAMES = ["running", "candidate", "startup", "config", "filter", "depot", "shelf", "id", "x"]
const SPACES = ["", BASE, NMDA, NS, "urn:none"]
const TEXTS = [
  "",
  " ",
  "0",
  "-1",
  "99999999999",
  "ds:running",
  "or:system",
  "true",
  "a:b:c",
  "é\u2028",
]

/** The element with one thing in it bent. */
function bent(dice: Dice, element: XmlElement): XmlElement {
  const { children } = element
  const at = dice.below(children.length + 1)
  const child = children[at]
  if (typeof child === "object" && dice.below(4) > 0)
    return { ...element, children: children.with(at, bent(dice, child)) }
  switch (dice.below(7)) {
    case 0:
      return { ...element, children: children.filter((_, i) => i !== at) }
    case 1:
      return { ...element, children: [...children, ...children.slice(0, at + 1)] }
    case 2:
      return { ...element, name: dice.of(NAMES) }
    case 3:
      return { ...element, ns: dice.of(SPACES) }
    case 4:
      return { ...element, children: [dice.of(TEXTS)] }
    case 5: {
      const name = dice.of(["operation", "type", "select", "default", "insert"])
      const attr = { name, ns: dice.of(SPACES), value: dice.of(TEXTS) }
      return { ...element, attrs: [...element.attrs.filter((a) => a.name !== name), attr] }
    }
    default:
      return { ...element, children: [...children, dice.of(REQUESTS)] }
  }
}

describe("a request that is bent", function () {
  this.timeout(180_000)

  for (const [what, backend] of [
    ["confirmed commits", () => new DurableDepot()],
    ["a startup configuration", () => new StartupDepot()],
  ] as const)
    it(`gets one sound answer from a server with ${what}, whatever it has become`, async () => {
      const dice = new Dice(what.length)
      const { connect, reports, server } = depot(two, {}, backend(), { candidate: true })
      let { client } = await connect()
      const tags = new Map<string, number>()
      for (let i = 0; i < 3000; i++) {
        let request = dice.of(REQUESTS)
        for (let times = dice.below(4); times > 0; times--) request = bent(dice, request)
        const xml = writeXml(request)
        let tag = "none"
        try {
          await client.rpc(xml)
        } catch (error) {
          if (!(error instanceof QkdError)) throw error
          tag = error.tag
          assert.notEqual(error.appTag, "closed", xml)
          assert.doesNotMatch(error.message, /internal error|unknown error-tag/, xml)
        }
        tags.set(tag, (tags.get(tag) ?? 0) + 1)
        if (i % 500 === 499) ({ client } = await connect({ username: `u${i}` }))
      }
      assert.deepEqual(
        reports.filter((report) => report.kind === "bug"),
        [],
      )
      server.datastore.validate("running")
      for (const tag of [
        "none",
        "unknown-element",
        "unknown-namespace",
        "missing-element",
        "bad-element",
        "invalid-value",
        "in-use",
      ])
        assert.ok(tags.has(tag), `none was answered by ${tag}`)
    })
})
