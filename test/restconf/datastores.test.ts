// Datastores by name (RFC 8527), and startup kept in step (RFC 8040 section 1.4).

import assert from "node:assert/strict"
import type { NetconfBackend } from "../../src/netconf/backend.js"
import { NetconfServer } from "../../src/netconf/server.js"
import { Restconf } from "../../src/restconf/restconf.js"
import type { JsonObject } from "../../src/yang/json.js"
import { ManualClock } from "../netconf/fixture.js"
import { MUSIC, dataOf, faultIn, jukebox, jukeboxSchema, ownSchema } from "./jukebox.js"

const DS = "/restconf/ds/ietf-datastores:"
const GAP = "/example-jukebox:jukebox/player/gap"
const BOB = { sessionId: 7, username: "bob", address: "192.0.2.7" }

describe("a datastore by name", () => {
  it("running and intended hold the configuration, operational what is in use as well", async () => {
    const box = jukebox({ ...MUSIC, "example:interfaces": { interface: [{ name: "eth0" }] } })
    for (const name of ["running", "intended"]) {
      const answer = await box.ask("GET", `${DS}${name}`)
      assert.deepEqual(dataOf(answer)["ietf-restconf:data"], box.datastore.running, name)
    }
    const library = dataOf(
      await box.ask("GET", `${DS}operational/example-jukebox:jukebox/library?depth=1`),
    )
    assert.deepEqual(library, { "example-jukebox:library": {} })
    const count = await box.ask(
      "GET",
      `${DS}operational/example-jukebox:jukebox/library/artist-count`,
    )
    assert.equal(count.body, '{"example-jukebox:artist-count":2}')
    const mtu = `/example:interfaces/interface=eth0/mtu`
    assert.equal((await box.ask("GET", `${DS}operational${mtu}`)).body, '{"example:mtu":1500}')
    assert.equal(faultIn(await box.ask("GET", `${DS}running${mtu}`)), "404 invalid-value")
    assert.equal(
      faultIn(await box.ask("GET", `${DS}operational${mtu}?with-defaults=trim`)),
      "404 invalid-value",
    )
  })

  it("running is edited as the one datastore is, and tells itself where things are", async () => {
    const box = jukebox(MUSIC)
    const { headers } = await box.ask("GET", `${DS}running${GAP}`)
    assert.match(headers["ETag"] ?? "", /json/)
    const put = await box.ask("PUT", `${DS}running${GAP}`, {
      headers: { "if-match": headers["ETag"] ?? "" },
      body: { "example-jukebox:gap": "1.5" },
    })
    assert.equal(put.status, 204)
    assert.equal(
      (await box.ask("GET", `/restconf/data${GAP}`)).body,
      '{"example-jukebox:gap":"1.5"}',
    )
    const post = await box.ask("POST", `${DS}running`, { body: { "example:interfaces": {} } })
    assert.equal(post.headers["Location"], `https://example.com${DS}running/example:interfaces`)
  })

  it("candidate is edited without running, until a session commits it", async () => {
    const box = jukebox(MUSIC)
    const put = await box.ask("PUT", `${DS}candidate${GAP}`, {
      body: { "example-jukebox:gap": "1.5" },
    })
    assert.equal(put.status, 204)
    assert.equal(
      (await box.ask("GET", `${DS}candidate${GAP}`)).body,
      '{"example-jukebox:gap":"1.5"}',
    )
    assert.equal(box.datastore.running, MUSIC)
    const { commits } = box.server.datastores
    await commits?.commit({ confirmed: false, timeoutS: 600 }, BOB, () => true)
    assert.equal((await box.ask("GET", `${DS}running${GAP}`)).body, '{"example-jukebox:gap":"1.5"}')
  })

  it("obeys its own lock", async () => {
    const box = jukebox(MUSIC)
    await box.server.datastores.lock("candidate", 9, 0)
    const body = { "example-jukebox:gap": "1.5" }
    assert.equal(faultIn(await box.ask("PUT", `${DS}candidate${GAP}`, { body })), "409 in-use")
    assert.equal((await box.ask("PUT", `${DS}running${GAP}`, { body })).status, 204)
  })

  it("intended and operational are read only, and have no tags of state", async () => {
    const box = jukebox(MUSIC)
    for (const name of ["intended", "operational"]) {
      const answer = await box.ask("DELETE", `${DS}${name}${GAP}`)
      assert.equal(faultIn(answer), "405 operation-not-supported")
      assert.equal(answer.headers["Allow"], "GET, HEAD, OPTIONS")
    }
    assert.equal((await box.ask("HEAD", `${DS}operational${GAP}`)).headers["ETag"], undefined)
  })

  it("operational says where each value comes from, when asked, in JSON and in XML", async () => {
    const eth0: JsonObject = { interface: [{ name: "eth0" }] }
    const box = jukebox({ ...MUSIC, "example:interfaces": eth0 })
    const where = `${DS}operational/example:interfaces`
    const from = (origin: string): JsonObject => ({ "ietf-origin:origin": `ietf-origin:${origin}` })
    const interfaces = dataOf(await box.ask("GET", `${where}?with-origin`))
    assert.deepEqual(interfaces["example:interfaces"], {
      "@": from("intended"),
      interface: [{ name: "eth0", mtu: 1500, "@mtu": from("default"), status: "ok" }],
    })
    const mtu = dataOf(await box.ask("GET", `${where}/interface=eth0/mtu?with-origin`))
    assert.deepEqual(mtu, { "example:mtu": 1500, "@example:mtu": from("default") })
    const name = dataOf(await box.ask("GET", `${where}/interface=eth0/name?with-origin`))
    assert.deepEqual(name, { "example:name": "eth0", "@example:name": from("intended") })
    const entry = await box.ask("GET", `${where}/interface=eth0?with-origin&fields=mtu`, {
      headers: { accept: "application/yang-data+xml" },
    })
    assert.match(entry.body ?? "", /^<interface [^>]*or:origin="or:intended"/)
    assert.match(entry.body ?? "", /<mtu [^>]*or:origin="or:default">1500<\/mtu>/)
    const all = dataOf(await box.ask("GET", `${DS}operational?with-origin&depth=2`))
    const top = all["ietf-restconf:data"] as JsonObject
    assert.deepEqual((top["example-jukebox:jukebox"] as JsonObject)["@"], from("intended"))
    const count = `${DS}operational/example-jukebox:jukebox/library/artist-count?with-origin`
    const state = await box.ask("GET", count)
    assert.equal(state.body, '{"example-jukebox:artist-count":2}', "state has no origin")
  })

  it("other than operational has no origins, and with-origin has no value", async () => {
    const box = jukebox(MUSIC)
    for (const target of [`${DS}running?with-origin`, "/restconf/data?with-origin"])
      assert.equal(faultIn(await box.ask("GET", target)), "400 invalid-value", target)
    const valued = await box.ask("GET", `${DS}operational?with-origin=true`)
    assert.equal(faultIn(valued), "400 invalid-value")
    const state = await box.ask("GET", "/restconf/data/ietf-restconf-monitoring:restconf-state")
    assert.match(state.body ?? "", /capability:with-origin:1.0/)
    assert.match(state.body ?? "", /capability:with-operational-defaults:1.0/)
  })

  it("that is not there is 404: startup here, nonsense anywhere", async () => {
    const box = jukebox(MUSIC)
    for (const name of [
      "ietf-datastores:startup",
      "running",
      "data",
      "x:y",
      "ietf-datastores:running=1",
      "",
    ])
      assert.equal(faultIn(await box.ask("GET", `/restconf/ds/${name}`)), "404 invalid-value", name)
  })
})

describe("startup", () => {
  it("has what running has once an edit is answered", async () => {
    const written: (JsonObject | undefined)[] = []
    const backend: NetconfBackend = {
      schema: jukeboxSchema(),
      state: () => ({}),
      prepareEdit: () => Promise.resolve({ commit: () => Promise.resolve() }),
      startup: {
        read: () => written.at(-1) ?? MUSIC,
        write: (config) => {
          written.push(config)
          return Promise.resolve()
        },
      },
    }
    const clock = new ManualClock()
    const server = new NetconfServer({ backend, initial: MUSIC, clock })
    const { datastore, datastores } = server
    const restconf = new Restconf({
      backend,
      datastore,
      datastores,
      own: ownSchema(),
      now: () => 0,
    })
    const ask = async (method: string, target: string): Promise<number> => {
      const caller = { sessionId: 0, username: "alice", address: "" }
      const common = { origin: "", headers: {}, body: new Uint8Array(0), caller }
      return (await restconf.handle({ method, target, ...common })).status
    }
    assert.equal(await ask("DELETE", `/restconf/data${GAP}`), 204)
    assert.equal(written.at(-1), datastore.running)
    assert.equal(await ask("GET", `${DS}startup${GAP}`), 404)
    assert.equal(await ask("GET", `${DS}startup/example-jukebox:jukebox/library`), 200)
    assert.equal(await ask("DELETE", `${DS}startup/example-jukebox:jukebox`), 405)
  })
})
