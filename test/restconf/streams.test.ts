// Event streams (RFC 8040 section 6), heard by a sink in memory and by curl.

import assert from "node:assert/strict"
import type { RestconfAnswer } from "../../src/restconf/message.js"
import type { JsonObject } from "../../src/yang/json.js"
import { curlHouse, listenWithCurl, needCurl } from "./curl.js"
import { START_MS, dataOf, faultIn, jukebox, type Jukebox } from "./jukebox.js"

const JSON_STREAM = "/restconf/streams/NETCONF/json"
const XML_STREAM = "/restconf/streams/NETCONF/xml"
const at = (ms: number): string => encodeURIComponent(new Date(START_MS + ms).toISOString())

interface Heard {
  readonly texts: string[]
  /** Severities of the events, names of the markers. */
  readonly events: () => unknown[]
  readonly over: () => boolean
  readonly stop: () => void
}

function listen(answer: RestconfAnswer): Heard {
  assert.equal(answer.status, 200, answer.body)
  assert.equal(answer.headers["Content-Type"], "text/event-stream")
  const texts: string[] = []
  const state = { over: false }
  const stop = answer.stream?.({
    write: (text) => texts.push(text),
    end: () => {
      state.over = true
    },
  })
  return {
    texts,
    events: () => texts.map(eventIn),
    over: () => state.over,
    stop: () => stop?.(),
  }
}

function eventIn(text: string): unknown {
  const json = /^data: (.*)\n\n$/.exec(text)?.[1] ?? ""
  const message = JSON.parse(json) as { "ietf-restconf:notification": JsonObject }
  const [, name = ""] = Object.keys(message["ietf-restconf:notification"])
  const event = message["ietf-restconf:notification"][name] as JsonObject
  return event["severity"] ?? name
}

async function open(box: Jukebox, target: string): Promise<Heard> {
  return listen(await box.ask("GET", target, { headers: { accept: "text/event-stream" } }))
}

describe("an event stream", () => {
  it("is listed with its encodings and where they are", async () => {
    const answer = await jukebox().ask(
      "GET",
      "/restconf/data/ietf-restconf-monitoring:restconf-state/streams",
    )
    assert.deepEqual(dataOf(answer)["ietf-restconf-monitoring:streams"], {
      stream: [
        {
          name: "NETCONF",
          description: "All notifications of this server",
          "replay-support": true,
          "replay-log-creation-time": "2026-01-01T00:00:00.000Z",
          access: ["json", "xml"].map((encoding) => ({
            encoding,
            location: `https://example.com/restconf/streams/NETCONF/${encoding}`,
          })),
        },
      ],
    })
  })

  it("tells each event as JSON, as section 6.4 shows it", async () => {
    const box = jukebox()
    const heard = await open(box, JSON_STREAM)
    box.tell("major")
    assert.deepEqual(heard.texts, [
      'data: {"ietf-restconf:notification":{"eventTime":"2026-01-01T00:00:00.000Z","example-mod:event":{"event-class":"fault","reporting-entity":{"card":"Ethernet0"},"severity":"major"}}}\n\n',
    ])
    heard.stop()
    box.tell("minor")
    assert.equal(heard.texts.length, 1)
    assert.equal(box.server.publisher.netconf.listeners, 0)
  })

  it("tells each event as XML, every line of it a data field", async () => {
    const box = jukebox()
    const heard = await open(box, XML_STREAM)
    box.tell("two\nlines")
    assert.equal(heard.texts.length, 1)
    assert.match(
      heard.texts[0] ?? "",
      /^data: <notification xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0"><eventTime>2026-01-01T00:00:00.000Z<\/eventTime><event xmlns="http:\/\/example.com\/event\/1.0">.*<severity>two\ndata: lines<\/severity><\/event><\/notification>\n\n$/,
    )
  })

  it("tells past events from start-time on, then says that these were all, then goes on", async () => {
    const box = jukebox()
    for (const severity of ["a", "b", "c"]) {
      box.tell(severity)
      box.clock.pass(1000)
    }
    const heard = await open(box, `${JSON_STREAM}?start-time=${at(1000)}`)
    assert.deepEqual(heard.events(), ["b", "c", "nc-notifications:replayComplete"])
    box.tell("d")
    assert.equal(heard.events().at(-1), "d")
  })

  it("ends at stop-time, at once when that is past", async () => {
    const box = jukebox()
    box.tell("a")
    box.clock.pass(5000)
    const soon = await open(box, `${JSON_STREAM}?start-time=${at(0)}&stop-time=${at(6000)}`)
    assert.equal(soon.over(), false)
    box.clock.pass(1000)
    assert.equal(soon.over(), true)
    assert.equal(soon.events().at(-1), "nc-notifications:notificationComplete")
    const past = await open(box, `${JSON_STREAM}?start-time=${at(0)}&stop-time=${at(1)}`)
    assert.deepEqual(past.events(), [
      "a",
      "nc-notifications:replayComplete",
      "nc-notifications:notificationComplete",
    ])
    assert.equal(past.over(), true)
  })

  it("tells what its filter lets through", async () => {
    const box = jukebox()
    const filter = encodeURIComponent(
      "/example-mod:event[example-mod:event-class='fault']/severity[.='major']",
    )
    const heard = await open(box, `${JSON_STREAM}?filter=${filter}`)
    box.tell("minor")
    box.tell("major")
    assert.deepEqual(heard.events(), ["major"])
  })

  it("is had as text/event-stream only, and by GET only", async () => {
    const box = jukebox()
    const asData = await box.ask("GET", JSON_STREAM, {
      headers: { accept: "application/yang-data+json" },
    })
    assert.equal(faultIn(asData), "406 invalid-value")
    assert.equal(faultIn(await box.ask("POST", JSON_STREAM)), "405 operation-not-supported")
    assert.equal(faultIn(await box.ask("GET", "/restconf/streams/OTHER/json")), "404 invalid-value")
    assert.equal(faultIn(await box.ask("GET", JSON_STREAM, { as: null })), "401 access-denied")
  })

  const wrong = [
    "start-time=yesterday",
    "start-time=2026-01-01T00:00:00",
    `stop-time=${at(0)}`,
    `start-time=${at(0)}&stop-time=${at(-1)}`,
    `start-time=${at(3_600_000)}`,
    "filter=%2F%2F%5B",
    "filter=",
    "filter=no-such%3Amodule",
    "depth=1",
    "content=all",
  ]
  for (const query of wrong)
    it(`asked for with ${decodeURIComponent(query)} is 400`, async () => {
      assert.equal(
        faultIn(await jukebox().ask("GET", `${JSON_STREAM}?${query}`)),
        "400 invalid-value",
      )
    })
})

describe("curl at an event stream", function () {
  this.timeout(180_000)
  before(function () {
    needCurl(this)
  })

  for (const kind of ["tls", "loopback"] as const)
    it(`hears what happens, and is told when the server goes: ${kind}`, async () => {
      const house = await curlHouse(kind, {})
      const heard = listenWithCurl(house, JSON_STREAM)
      try {
        await heard.until((text) => text.includes("text/event-stream"))
        house.box.tell("major")
        await heard.until((text) => text.includes('"severity":"major"'))
        await house.curl(
          "POST",
          "/restconf/data",
          ...[
            ...["-H", "Content-Type: application/yang-data+json"],
            ...["-d", '{"example-jukebox:jukebox":{}}'],
          ],
        )
        house.box.tell("minor")
        await heard.until((text) => text.includes('"severity":"minor"'))
      } finally {
        await house.close()
      }
      await heard.over
    })

  it("that does not read is let go, and others hear everything", async () => {
    const house = await curlHouse("loopback", {}, {}, { maxBacklogBytes: 64 * 1024 })
    const idle = listenWithCurl(house, JSON_STREAM)
    const good = listenWithCurl(house, JSON_STREAM)
    try {
      await idle.until((text) => text.includes("text/event-stream"))
      await good.until((text) => text.includes("text/event-stream"))
      idle.pause()
      const big = "x".repeat(64 * 1024)
      let told = 0
      while (!house.log.some((line) => line.includes("not read fast enough"))) {
        house.box.tell(`${big} ${told}!`)
        await good.until((text) => text.includes(` ${told}!`))
        told += 1
        assert.ok(told < 2000, "the reader was never let go")
      }
      house.box.tell("last")
      await good.until((text) => text.includes('"last"'))
    } finally {
      idle.resume()
      await house.close()
    }
    await Promise.all([idle.over, good.over])
  })
})
