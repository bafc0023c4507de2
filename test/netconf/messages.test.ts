// Messages alone: hello, rpc-error both ways, paths with their namespaces, subtree filters on XML.

import assert from "node:assert/strict"
import { ERROR_TAGS, QkdError } from "../../src/errors.js"
import { xpathOf } from "../../src/netconf/error-path.js"
import {
  agreeFraming,
  helloXml,
  operationOf,
  parseHello,
  parseMessage,
  parseNotification,
  replyXml,
  notificationXml,
} from "../../src/netconf/messages.js"
import { BASE_1_0, BASE_1_1 } from "../../src/netconf/names.js"
import { errorOfReply, errorsOf, rpcErrorsXml, severalErrors } from "../../src/netconf/rpc-error.js"
import { filterElements } from "../../src/netconf/xml-filter.js"
import { XML_LIMITS, childrenOf, parseXml, writeXml } from "../../src/yang/xml-tree.js"
import { NS, depotSchema } from "./fixture.js"

const tagOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    if (error instanceof QkdError) return error.tag
    throw error
  }
  return "none"
}

describe("hello", () => {
  it("comes back as it was sent", () => {
    const capabilities = [BASE_1_0, "urn:x?module=m&revision=2020-01-01"]
    const server = parseXml(helloXml({ capabilities, sessionId: 4_294_967_295 }))
    assert.deepEqual(parseHello(server, "server"), { capabilities, sessionId: 4_294_967_295 })
    assert.deepEqual(parseHello(parseXml(helloXml({ capabilities })), "client"), { capabilities })
  })

  it("is refused with a session-id from a client, without one from a server, or without capabilities", () => {
    const withId = parseXml(helloXml({ capabilities: [], sessionId: 1 }))
    const without = parseXml(helloXml({ capabilities: [] }))
    assert.equal(
      tagOf(() => parseHello(withId, "client")),
      "bad-element",
    )
    assert.equal(
      tagOf(() => parseHello(without, "server")),
      "missing-element",
    )
    const ns = 'xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"'
    assert.equal(
      tagOf(() => parseHello(parseXml(`<hello ${ns}/>`), "client")),
      "missing-element",
    )
    for (const id of ["0", "-1", "4294967296", "x", ""])
      assert.equal(
        tagOf(() =>
          parseHello(
            parseXml(`<hello ${ns}><capabilities/><session-id>${id}</session-id></hello>`),
            "server",
          ),
        ),
        "invalid-value",
      )
    assert.equal(
      tagOf(() => parseHello(parseXml("<hello><capabilities/></hello>"), "client")),
      "malformed-message",
    )
  })

  it("agrees on chunks only when both ends know them", () => {
    assert.equal(agreeFraming([BASE_1_0, BASE_1_1], [BASE_1_1, BASE_1_0]), "chunked")
    assert.equal(agreeFraming([BASE_1_0, BASE_1_1], [BASE_1_0]), "end-of-message")
    assert.equal(
      tagOf(() => agreeFraming([BASE_1_0], [BASE_1_1])),
      "operation-not-supported",
    )
  })
})

describe("rpc-error", () => {
  const wire = (error: QkdError) =>
    errorOfReply(parseXml(replyXml([], rpcErrorsXml(error, "application"))))

  it("carries every tag there and back", () => {
    for (const tag of ERROR_TAGS) {
      const back = wire(
        new QkdError(tag, "what & <why>", {
          appTag: "policy",
          path: "/a[b='c<d']",
          info: { "bad-element": "x", "non-unique": "/y", detail: "z & z" },
        }),
      )
      assert.equal(back?.tag, tag)
      assert.equal(back.appTag, "policy")
      assert.equal(back.path, "/a[b='c<d']")
      assert.equal(back.message, "what & <why>")
      assert.deepEqual(back.info, { "bad-element": "x", "non-unique": "/y", detail: "z & z" })
    }
  })

  it("carries several faults in one reply", () => {
    const all = [new QkdError("invalid-value", "one"), new QkdError("data-missing", "two")]
    const back = wire(severalErrors(all))
    assert.equal(back?.tag, "invalid-value")
    assert.deepEqual(
      errorsOf(back).map((e) => [e.tag, e.message]),
      all.map((e) => [e.tag, e.message]),
    )
  })

  it("gives the message a language and standard info its namespace", () => {
    const xml = rpcErrorsXml(
      new QkdError("lock-denied", "busy", { info: { "session-id": "7", "missing-choice": "c" } }),
      "protocol",
    )
    assert.match(xml, /<error-message xml:lang="en">busy<\/error-message>/)
    assert.match(xml, /<session-id>7<\/session-id>/)
    assert.match(xml, /<missing-choice xmlns="urn:ietf:params:xml:ns:yang:1">c</)
  })

  it("takes a warning beside ok for success", () => {
    const reply = replyXml(
      [],
      rpcErrorsXml(new QkdError("operation-failed", "hm"), "rpc").replace(">error<", ">warning<"),
    )
    assert.equal(errorOfReply(parseXml(reply)), undefined)
  })
})

describe("error-path", () => {
  it("has a declared prefix on every step", () => {
    const path = "/depot:depot/shelf[id='a/b]c']/colour"
    const { text, prefixes } = xpathOf(depotSchema(), path)
    assert.equal(text, "/depot:depot/depot:shelf[depot:id='a/b]c']/depot:colour")
    assert.deepEqual([...prefixes], [["depot", NS]])
  })

  it("leaves alone what is no instance path", () => {
    for (const path of ["/0/items", "/nosuch:a/b", "plain", "/depot:depot/shelf[id='", ""])
      assert.deepEqual(xpathOf(depotSchema(), path), { text: path, prefixes: new Map() })
  })
})

describe("rpc", () => {
  const ns = 'xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"'
  it("wants a message-id and exactly one operation", () => {
    const tag = (xml: string) => tagOf(() => operationOf(parseXml(xml)))
    assert.equal(tag(`<rpc ${ns} message-id="1"><get/></rpc>`), "none")
    assert.equal(tag(`<rpc ${ns}><get/></rpc>`), "missing-attribute")
    assert.equal(tag(`<rpc ${ns} message-id="1"/>`), "missing-element")
    assert.equal(tag(`<rpc ${ns} message-id="1"><get/><get/></rpc>`), "unknown-element")
    assert.equal(tag(`<rcp ${ns} message-id="1"><get/></rcp>`), "unknown-element")
    assert.equal(tag('<rpc message-id="1"><get/></rpc>'), "unknown-namespace")
  })

  it("gets all its attributes back in the reply", () => {
    const rpc = parseXml(
      `<rpc ${ns} xmlns:ex="urn:example" message-id="a&amp;&quot;b&#10;" ex:user="fred" xml:lang="de"/>`,
    )
    const reply = parseXml(replyXml(rpc.attrs, "<ok/>"))
    assert.deepEqual(reply.attrs, rpc.attrs)
  })

  it("that is not UTF-8, has a DOCTYPE or an entity of its own is malformed", () => {
    const bytes = (s: string) => new TextEncoder().encode(s)
    const tag = (b: Uint8Array) => tagOf(() => parseMessage(b, XML_LIMITS))
    assert.equal(tag(Uint8Array.of(0x3c, 0x61, 0x3e, 0xff)), "malformed-message")
    assert.equal(tag(bytes("<!DOCTYPE a><a/>")), "malformed-message")
    assert.equal(tag(bytes("<a>&b;</a>")), "malformed-message")
    assert.equal(tag(bytes("<a>")), "malformed-message")
    assert.equal(tag(bytes("")), "malformed-message")
    assert.equal(tag(bytes(`\n<?xml version="1.0"?><a/>`)), "none")
  })
})

describe("notification", () => {
  it("is an eventTime and one event", () => {
    const xml = notificationXml("2026-01-01T00:00:00Z", `<shelf-empty xmlns="${NS}"/>`)
    const { eventTime, event } = parseNotification(parseXml(xml))
    assert.equal(eventTime, "2026-01-01T00:00:00Z")
    assert.equal(event.name, "shelf-empty")
    assert.equal(
      tagOf(() => parseNotification(parseXml(notificationXml("x", "<a/><b/>")))),
      "malformed-message",
    )
    assert.equal(
      tagOf(() => parseNotification(parseXml("<notification><a/></notification>"))),
      "malformed-message",
    )
  })
})

describe("subtree filter on XML (RFC 6241 section 6)", () => {
  const data = parseXml(
    '<top xmlns="urn:t"><users><user><name>root</name><type>superuser</type></user>' +
      '<user><name>fred</name><type>admin</type></user></users><empty unit="m"/></top>',
  )
  const run = (filter: string): string =>
    filterElements([data], childrenOf(parseXml(`<f>${filter}</f>`)))
      .map(writeXml)
      .join("")

  const cases: Record<string, [filter: string, result: RegExp | string]> = {
    "an empty filter selects nothing (6.4.2)": ["", ""],
    "a selection node takes the whole subtree": [
      '<top xmlns="urn:t"><users/></top>',
      /root.*superuser.*fred.*admin/,
    ],
    "content match takes the matching entry whole": [
      '<top xmlns="urn:t"><users><user><name>fred</name></user></users></top>',
      /^(?!.*root).*<name>fred<\/name><type>admin<\/type>/,
    ],
    "content match with selection takes both leaves": [
      '<top xmlns="urn:t"><users><user><name> fred </name><type/></user></users></top>',
      /^(?!.*root).*fred.*admin/,
    ],
    "selection alone takes that leaf of all entries": [
      '<top xmlns="urn:t"><users><user><name/></user></users></top>',
      /^(?!.*admin).*root.*fred/,
    ],
    "what is not there selects nothing": ['<top xmlns="urn:t"><nothing/></top>', ""],
    "two entries by two filters": [
      '<top xmlns="urn:t"><users><user><name>fred</name></user><user><name>root</name></user></users></top>',
      /root.*fred/,
    ],
    "another namespace selects nothing": ['<top xmlns="urn:other"/>', ""],
    "no namespace selects any": ['<top xmlns=""><users/></top>', /root/],
    "attributes must match": ['<top xmlns="urn:t"><empty unit="m"/></top>', /<empty unit="m"/],
    "other attributes do not": ['<top xmlns="urn:t"><empty unit="s"/></top>', ""],
  }
  for (const [name, [filter, result]] of Object.entries(cases))
    it(name, () => {
      if (typeof result === "string") assert.equal(run(filter), result)
      else assert.match(run(filter), result)
    })
})
