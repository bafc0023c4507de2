// Access control in sessions: what several users of one server get, are refused and hear. In memory, with real messages.

import assert from "node:assert/strict"
import { NetconfServer } from "../../src/netconf/server.js"
import { ClientSession } from "../../src/netconf/client-session.js"
import type { JsonObject } from "../../src/yang/json-text.js"
import { writeXml } from "../../src/yang/xml-tree.js"
import { faultOf, ManualClock, MemoryPipe, settle } from "./fixture.js"
import { AcmeBackend, nacmOf, type ShortList } from "./nacm-fixture.js"

const ACME = 'xmlns="urn:keyloom:test:acme"'
const DEFAULTS_NS = "urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults"
const NACM_NS = "urn:ietf:params:xml:ns:yang:ietf-netconf-acm"

const RULES: readonly ShortList[] = [
  ["admin", { action: "permit" }],
  [
    "operator",
    { path: "/acme:interfaces/interface[name='b']", action: "deny" },
    { module: "acme", event: "alarm", action: "deny" },
    { path: "/acme:interfaces", ops: "create update delete", action: "permit" },
    { path: "/acme:secrets/box", ops: "create", action: "permit" },
  ],
]
const DATA: JsonObject = {
  "acme:interfaces": {
    interface: [
      { name: "a", mtu: 1, hue: "pink" },
      { name: "b", mtu: 2 },
    ],
  },
  "acme:secrets": { word: "hush", box: [{ id: "1", content: "gold" }] },
}

function house(candidate = false, rules = RULES, data = DATA) {
  const clock = new ManualClock()
  const groups = { admin: ["ada"], operator: ["olga"] }
  const server = new NetconfServer({
    backend: new AcmeBackend(),
    initial: { ...data, ...nacmOf(groups, rules) },
    clock,
    candidate,
  })
  const connect = async (username: string): Promise<ClientSession> => {
    const [toServer, toClient] = [new MemoryPipe(), new MemoryPipe()]
    toServer.otherEnd = toClient
    toClient.otherEnd = toServer
    toServer.peer = server.open(toClient, { username, address: "192.0.2.1" })
    const client = new ClientSession(toServer, clock)
    toClient.peer = client
    await client.ready()
    return client
  }
  const ask = async (client: ClientSession, operation: string): Promise<string> =>
    writeXml(await client.rpc(operation))
  return { server, connect, ask }
}

const get = (filter: string): string => `<get><filter>${filter}</filter></get>`
const edit = (config: string, target = "running"): string =>
  `<edit-config><target><${target}/></target><config>${config}</config></edit-config>`

describe("users of one server", () => {
  it("see what each may see", async () => {
    const { connect, ask } = house()
    const [ada, olga, eve] = await Promise.all(["ada", "olga", "eve"].map(connect))
    assert(ada && olga && eve)
    const all = await ask(ada, "<get/>")
    for (const part of ["<name>a<", "<name>b<", "hush", "rule-list", "denied-operations"])
      assert(all.includes(part), part)
    const some = await ask(olga, "<get/>")
    assert(some.includes("<name>a<") && some.includes("<seen>5<"), some)
    for (const part of ["<name>b<", "secrets", "nacm"]) assert(!some.includes(part), part)
    const config = await ask(eve, "<get-config><source><running/></source></get-config>")
    assert(config.includes("<name>b<") && !config.includes("hush"), config)
  })

  it("learn nothing of hidden data by asking for it", async () => {
    const { connect, ask } = house()
    const olga = await connect("olga")
    const box = (inner: string): string => get(`<secrets ${ACME}>${inner}</secrets>`)
    const right = await ask(olga, box("<box><id>1</id></box>"))
    const wrong = await ask(olga, box("<box><id>2</id></box>"))
    assert.equal(strip(right), strip(wrong))
    assert.equal(strip(await ask(olga, box("<word>hush</word><box/>"))), strip(wrong))
    const hidden = `<interfaces ${ACME}><interface><name>b</name><mtu>2</mtu></interface></interfaces>`
    assert.equal(strip(await ask(olga, get(hidden))), strip(wrong))
  })

  it("learn nothing of hidden data by XPath either, whatever it computes", async () => {
    const { connect, ask } = house()
    const olga = await connect("olga")
    const by = (select: string): Promise<string> =>
      ask(
        olga,
        `<get><filter type="xpath" xmlns:a="urn:keyloom:test:acme" select="${select}"/></get>`,
      )
    const nothing = strip(await by("/a:nowhere[1]"))
    for (const select of [
      "/a:secrets/a:word",
      "//*[.='hush']",
      "/a:interfaces[count(/a:secrets/a:box) = 1]",
      "/a:interfaces[/a:secrets/a:word = 'hush']",
      "/a:interfaces/a:interface[a:name = 'b']",
      "/a:interfaces[count(a:interface) = 2]",
    ])
      assert.equal(strip(await by(select)), nothing, select)
    assert.match(await by("/a:interfaces[count(a:interface) = 1]"), />a</)
  })

  it("are told no default in the place of what is hidden", async () => {
    const { connect, ask } = house(false, [
      ["operator", { path: "/acme:interfaces/interface[name='a']/hue", action: "deny" }],
    ])
    const olga = await connect("olga")
    const asked = (mode: string): Promise<string> =>
      ask(olga, `<get><with-defaults xmlns="${DEFAULTS_NS}">${mode}</with-defaults></get>`)
    for (const mode of ["report-all", "report-all-tagged"]) {
      const seen = await asked(mode)
      assert.equal([...seen.matchAll(/>grey</g)].length, 1, "that of the other one alone")
      assert.doesNotMatch(seen, /nacm|pink/)
    }
    assert.match(await asked("report-all-tagged"), /default="true"/)
  })

  it("are denied, not told of data that exists or is missing, where they may not look", async () => {
    const { connect } = house()
    const olga = await connect("olga")
    const made = (id: string): Promise<string> =>
      faultOf(
        olga.rpc(
          edit(
            `<secrets ${ACME}><box xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="create"><id>${id}</id></box></secrets>`,
          ),
        ),
      )
    assert.equal(await made("1"), "access-denied")
    const removed = (name: string): Promise<string> =>
      faultOf(
        olga.rpc(
          edit(
            `<interfaces ${ACME}><interface xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="delete"><name>${name}</name></interface></interfaces>`,
          ),
        ),
      )
    assert.equal(await removed("b"), "access-denied")
    assert.equal(await removed("a"), "none")
    assert.equal(await removed("a"), "data-missing")
  })

  it("change what each may change, all or nothing, and are told where not", async () => {
    const { connect, server } = house()
    const [ada, olga] = [await connect("ada"), await connect("olga")]
    const before = server.datastore.running
    const mixed = `<interfaces ${ACME}><interface><name>a</name><mtu>9</mtu></interface></interfaces><thing xmlns="urn:keyloom:test:other"><size>1</size></thing>`
    await assert.rejects(olga.rpc(edit(mixed)), {
      tag: "access-denied",
      path: "/other:thing/other:size",
    })
    assert.equal(server.datastore.running, before)
    await ada.rpc(edit(mixed))
    assert.notEqual(server.datastore.running, before)
  })

  it("call what each may call; to kill a session or write the rules takes a rule", async () => {
    const { connect, ask } = house()
    const [ada, olga, eve] = [await connect("ada"), await connect("olga"), await connect("eve")]
    const kill = `<kill-session><session-id>${eve.sessionId}</session-id></kill-session>`
    assert.equal(await faultOf(olga.rpc(kill)), "access-denied")
    assert.equal(await faultOf(olga.rpc(`<shut-down ${ACME}/>`)), "access-denied")
    assert.equal(await faultOf(olga.rpc(`<polish ${ACME}/>`)), "none")
    const rules = edit(`<nacm xmlns="${NACM_NS}"><enable-nacm>false</enable-nacm></nacm>`)
    assert.equal(await faultOf(olga.rpc(rules)), "access-denied")
    assert.match(await ask(ada, get(`<nacm xmlns="${NACM_NS}"/>`)), /<denied-operations>2</)
    assert.match(await ask(ada, get(`<nacm xmlns="${NACM_NS}"/>`)), /<denied-data-writes>1</)
    await ada.rpc(kill)
    await eve.closedReason
    await ada.rpc(rules)
    assert.match(await ask(olga, "<get/>"), /hush/)
    await olga.close()
  })

  it("hear what each may hear", async () => {
    const { connect, server, ask } = house()
    const [ada, olga] = [await connect("ada"), await connect("olga")]
    for (const user of [ada, olga]) await user.createSubscription({})
    await settle()
    server.notify({ "acme:alarm": { what: "fire" } })
    server.notify({ "acme:config-change": { what: "paint" } })
    server.notify({ "acme:secret-alarm": {} })
    const heard = async (client: ClientSession, count: number): Promise<string[]> => {
      const names: string[] = []
      for await (const { event } of client.notifications) {
        names.push(event.name)
        if (names.length === count) return names
      }
      return names
    }
    assert.deepEqual(await heard(ada, 3), ["alarm", "config-change", "secret-alarm"])
    assert.deepEqual(await heard(olga, 1), ["config-change"])
    assert.match(await ask(ada, get(`<nacm xmlns="${NACM_NS}"/>`)), /<denied-notifications>2</)
  })

  it("are bound in the candidate as in running, and at commit for what they commit", async () => {
    const { connect, ask, server } = house(true)
    const [ada, olga] = [await connect("ada"), await connect("olga")]
    const thing = '<thing xmlns="urn:keyloom:test:other"><size>1</size></thing>'
    assert.equal(await faultOf(olga.rpc(edit(thing, "candidate"))), "access-denied")
    await ada.rpc(edit(`${thing}<secrets ${ACME}><word>psst</word></secrets>`, "candidate"))
    const config = "<get-config><source><candidate/></source></get-config>"
    assert.match(await ask(ada, config), /psst/)
    assert.doesNotMatch(await ask(olga, config), /psst/)
    assert.equal(await faultOf(olga.rpc("<commit/>")), "access-denied")
    await ada.rpc("<commit/>")
    assert.match(JSON.stringify(server.datastore.running), /psst/)
  })

  it("cannot copy what they cannot read", async () => {
    const { connect, server } = house(true)
    const olga = await connect("olga")
    const copy =
      "<copy-config><target><candidate/></target><source><running/></source></copy-config>"
    assert.equal(
      await faultOf(olga.rpc(copy)),
      "access-denied",
      "it would delete what she cannot see",
    )
    assert.equal(server.datastores.candidate?.modified, false)
  })

  it("write paths of rules with prefixes of their own, and read them with ours", async () => {
    const { connect, ask, server } = house()
    const ada = await connect("ada")
    const path =
      '<path xmlns:x="urn:keyloom:test:acme"> /x:interfaces/x:interface[x:name="a:b"] </path>'
    await ada.rpc(
      edit(
        `<nacm xmlns="${NACM_NS}"><rule-list><name>new</name><group>operator</group><rule><name>r</name>${path}<action>deny</action></rule></rule-list></nacm>`,
      ),
    )
    assert(
      JSON.stringify(server.datastore.running).includes(
        '/acme:interfaces/acme:interface[acme:name=\\"a:b\\"]',
      ),
    )
    const back = await ask(ada, get(`<nacm xmlns="${NACM_NS}"/>`))
    assert(back.includes('xmlns:acme="urn:keyloom:test:acme"'), back)
    const broken = `<nacm xmlns="${NACM_NS}"><rule-list><name>new</name><rule><name>r</name><path>interfaces</path><action>deny</action></rule></rule-list></nacm>`
    assert.equal(await faultOf(ada.rpc(edit(broken))), "invalid-value")
  })
})

function strip(reply: string): string {
  return reply.replace(/message-id="[^"]*"/, "")
}
