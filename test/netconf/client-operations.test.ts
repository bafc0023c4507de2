// What the client writes for each operation, and what it does not write at all.

import assert from "node:assert/strict"
import {
  cancelCommitXml,
  commitXml,
  copyConfigXml,
  dataOf,
  getConfigXml,
  getDataXml,
  getXml,
  validateXml,
} from "../../src/netconf/client-operations.js"
import { QkdError } from "../../src/errors.js"
import { attributeOf, childrenOf, parseXml, textOf } from "../../src/yang/xml-tree.js"

const NMDA = "urn:ietf:params:xml:ns:yang:ietf-netconf-nmda"

describe("what a NETCONF client writes", () => {
  it("commits plainly, confirmed with a time and a word, and confirms or cancels by that word", () => {
    assert.equal(commitXml(), "<commit></commit>")
    assert.equal(
      commitXml({ confirmed: { timeoutS: 30, persist: "a&b" } }),
      "<commit><confirmed/><confirm-timeout>30</confirm-timeout><persist>a&amp;b</persist></commit>",
    )
    assert.equal(commitXml({ persistId: "w" }), "<commit><persist-id>w</persist-id></commit>")
    assert.equal(cancelCommitXml(undefined), "<cancel-commit></cancel-commit>")
    for (const timeoutS of [0, 1.5, -1, 2 ** 32, Number.NaN])
      assert.throws(() => commitXml({ confirmed: { timeoutS } }), QkdError)
  })

  it("selects by XPath with the prefixes it was given, or by subtree, never by both", () => {
    const xpath = { select: `/q:a[q:b="x"]`, namespaces: { q: "urn:q&a" } }
    const [filter] = childrenOf(parseXml(getXml(undefined, { xpath })))
    assert(filter !== undefined)
    assert.equal(attributeOf(filter, "type"), "xpath")
    assert.equal(attributeOf(filter, "select"), `/q:a[q:b="x"]`)
    assert.match(getXml(undefined, { xpath }), /xmlns:q="urn:q&amp;a"/)
    assert.throws(() => getXml("<a/>", { xpath }), QkdError)
    assert.throws(() => getDataXml("operational", { xpath, filterXml: "<a/>" }), QkdError)
  })

  it("asks for defaults in the namespace each operation has them in (RFC 6243, RFC 8526)", () => {
    const inOld = childrenOf(
      parseXml(getConfigXml("running", undefined, { withDefaults: "report-all" })),
    ).find((child) => child.name === "with-defaults")
    assert.equal(inOld?.ns, "urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults")
    const inNew = childrenOf(parseXml(getDataXml("running", { withDefaults: "trim" }))).find(
      (child) => child.name === "with-defaults",
    )
    assert.deepEqual([inNew?.ns, inNew && textOf(inNew)], [NMDA, "trim"])
  })

  it("reads a datastore of NMDA with every option, and takes the data out of the reply", () => {
    const xml = getDataXml("operational", {
      filterXml: `<q xmlns="urn:q"/>`,
      configFilter: false,
      maxDepth: 3,
      withOrigin: true,
    })
    const operation = parseXml(xml)
    assert.deepEqual(
      childrenOf(operation).map((child) => [child.ns === NMDA, child.name]),
      [
        [true, "datastore"],
        [true, "subtree-filter"],
        [true, "config-filter"],
        [true, "max-depth"],
        [true, "with-origin"],
      ],
    )
    const reply = parseXml(`<rpc-reply><data xmlns="${NMDA}"><x xmlns="urn:x"/></data></rpc-reply>`)
    assert.deepEqual(
      dataOf(reply).map((child) => child.name),
      ["x"],
    )
  })

  it("does not let a datastore's name become XML", () => {
    const bad = "running/><kill-session"
    for (const write of [
      () => copyConfigXml(bad, "running"),
      () => copyConfigXml("candidate", bad),
      () => validateXml(bad),
      () => getDataXml(bad),
      () => getXml(undefined, { xpath: { select: "/", namespaces: { [bad]: "urn:x" } } }),
    ])
      assert.throws(write, QkdError)
  })
})
