// Operations and actions by POST: input, output, statuses (RFC 8040 sections 3.3.2, 3.6 and 4.4.2).

import assert from "node:assert/strict"
import type { JsonObject } from "../../src/yang/json.js"
import { ACCEPT_XML, XML_BODY, dataOf, faultIn, jukebox } from "./jukebox.js"

const DATA = "/restconf/data"

describe("an operation", () => {
  it("is listed, as an empty leaf, in JSON and XML", async () => {
    const box = jukebox()
    assert.deepEqual(dataOf(await box.ask("GET", "/restconf/operations")), {
      "ietf-restconf:operations": {
        "example-jukebox:play": [null],
        "example-ops:reboot": [null],
        "example-ops:get-reboot-info": [null],
      },
    })
    const xml = await box.ask("GET", "/restconf/operations", { headers: ACCEPT_XML })
    assert.match(xml.body ?? "", /<play xmlns="http:\/\/example.com\/ns\/example-jukebox"\/>/)
  })

  it("without output is 204, with output 200 (section 3.6)", async () => {
    const box = jukebox()
    const reboot = await box.ask("POST", "/restconf/operations/example-ops:reboot", {
      headers: XML_BODY,
      body: `<input xmlns="https://example.com/ns/example-ops"><delay>600</delay><message>Going down</message></input>`,
    })
    assert.equal(reboot.status, 204)
    const info = await box.ask("POST", "/restconf/operations/example-ops:get-reboot-info")
    assert.deepEqual(dataOf(info), { "example-ops:output": { "reboot-time": 30 } })
    const xml = await box.ask("POST", "/restconf/operations/example-ops:get-reboot-info", {
      headers: ACCEPT_XML,
    })
    assert.match(
      xml.body ?? "",
      /^<output xmlns="https:\/\/example.com\/ns\/example-ops"><reboot-time.*>30<\/reboot-time><\/output>$/,
    )
    assert.equal(
      box.backend.calls[0],
      'example-ops:reboot {"delay":600,"message":"Going down"} by alice',
    )
  })

  const refused: readonly [string, JsonObject | string, string][] = [
    [
      "a mandatory leaf left out",
      { "example-jukebox:input": { playlist: "x" } },
      "400 missing-element",
    ],
    ["nothing at all where something is mandatory", "", "400 missing-element"],
    ["another frame", { "example-jukebox:play": {} }, "400 invalid-value"],
    ["a leaf nobody knows", { "example-jukebox:input": { volume: 11 } }, "400 unknown-element"],
    [
      "what the backend refuses",
      { "example-jukebox:input": { playlist: "nowhere", "song-number": 1 } },
      "400 invalid-value",
    ],
  ]
  for (const [what, body, fault] of refused)
    it(`with ${what} is ${fault}`, async () => {
      const box = jukebox()
      const answer = await box.ask("POST", "/restconf/operations/example-jukebox:play", { body })
      assert.equal(faultIn(answer), fault)
    })

  it("of a node in the data is an action of that entry (section 3.6)", async () => {
    const box = jukebox({ "example-actions:interfaces": { interface: [{ name: "eth0" }] } })
    const at = `${DATA}/example-actions:interfaces`
    const done = await box.ask("POST", `${at}/interface=eth0/reset`, {
      body: { "example-actions:input": { delay: 600 } },
    })
    assert.deepEqual(dataOf(done), {
      "example-actions:output": { "reset-finished-at": "2026-01-01T00:00:00Z" },
    })
    assert.deepEqual(box.backend.calls, [
      `/example-actions:interfaces/interface[name='eth0'] reset {"delay":600}`,
    ])
    const nowhere = await box.ask("POST", `${at}/interface=eth9/reset`)
    assert.equal(faultIn(nowhere), "404 invalid-value")
    const wrong = await box.ask("POST", `${at}/interface=eth0/reset`, {
      body: { "example-actions:input": { delay: -1 } },
    })
    assert.equal(faultIn(wrong), "400 invalid-value")
  })
})
