// Access control as a pure judge: the examples of RFC 8341 appendix A, then what its section 3.4 says of each case.

import assert from "node:assert/strict"
import { QkdError } from "../../src/errors.js"
import { OWNER } from "../../src/netconf/datastore.js"
import type { Nacm } from "../../src/netconf/nacm.js"
import { NACM } from "../../src/netconf/nacm-config.js"
import type { JsonObject } from "../../src/yang/json-text.js"
import { caller, nacmOf, nacmWith, type ShortList, type ShortRule } from "./nacm-fixture.js"

const ENTRY_A = { name: "a", mtu: 1, inner: { deep: "x" }, "other:colour": "red" }

const exec = (nacm: Nacm, user: string, module: string, name: string): boolean =>
  nacm.mayExec(caller(user), { module, name })
const hear = (nacm: Nacm, user: string, name: string): boolean =>
  nacm.mayHear(caller(user), { module: "acme", name })

/** The path at which a change is refused; "" when it is not. */
function refusedAt(nacm: Nacm, user: string, before: JsonObject, after: JsonObject): string {
  try {
    nacm.checkWrite(caller(user), before, after)
    return ""
  } catch (error) {
    assert(error instanceof QkdError)
    assert.equal(error.tag, "access-denied")
    return error.path ?? ""
  }
}

const PEOPLE = { admin: ["admin", "andy"], limited: ["wilma", "bam-bam"], guest: ["guest"] }
const interfaces = (...entries: JsonObject[]): JsonObject => ({
  "acme:interfaces": { interface: entries },
})

describe("the examples of RFC 8341 appendix A", () => {
  it("A.2: rules of modules", () => {
    const nacm = nacmWith(PEOPLE, [
      ["guest", { module: "acme", action: "deny" }],
      [
        "limited",
        { module: "acme", ops: "read", action: "permit" },
        { module: "*", ops: "exec", action: "permit" },
      ],
      ["admin", { module: "*", action: "permit" }],
    ])
    const data = { "acme:interfaces": { tag: ["a"] }, "other:thing": { size: 1 } }
    assert.deepEqual(nacm.readable(caller("guest"), data), { "other:thing": { size: 1 } })
    assert.deepEqual(nacm.readable(caller("wilma"), data), data)
    assert.equal(exec(nacm, "guest", "acme", "polish"), false)
    assert.equal(exec(nacm, "wilma", "ietf-netconf", "kill-session"), true)
    assert.equal(refusedAt(nacm, "wilma", {}, data), "/acme:interfaces/tag")
    assert.equal(refusedAt(nacm, "andy", {}, data), "")
  })

  it("A.3: rules of operations", () => {
    const nacm = nacmWith(PEOPLE, [
      [
        "limited guest",
        { module: "ietf-netconf", rpc: "kill-session", ops: "exec", action: "deny" },
        { module: "ietf-netconf", rpc: "delete-config", ops: "exec", action: "deny" },
      ],
      ["limited", { module: "ietf-netconf", rpc: "edit-config", ops: "exec", action: "permit" }],
      ["admin", { module: "ietf-netconf", rpc: "*", ops: "exec", action: "permit" }],
    ])
    assert.equal(exec(nacm, "wilma", "ietf-netconf", "kill-session"), false)
    assert.equal(exec(nacm, "wilma", "ietf-netconf", "edit-config"), true)
    assert.equal(exec(nacm, "andy", "ietf-netconf", "delete-config"), true)
    assert.equal(exec(nacm, "guest", "ietf-netconf", "close-session"), true)
  })

  it("A.4: rules of data nodes, with and without keys", () => {
    const nacm = nacmWith(PEOPLE, [
      ["guest", { path: "/ietf-netconf-acm:nacm", action: "deny" }],
      [
        "limited",
        {
          path: "/acme:acme-netconf/config-parameters",
          ops: "create read update delete",
          action: "permit",
        },
      ],
      [
        "guest limited",
        { path: "/acme:interfaces/interface[name='dummy']", ops: "read update", action: "permit" },
      ],
      ["admin", { path: "/acme:interfaces/acme:interface", action: "permit" }],
    ])
    const dummy = (mtu: number): JsonObject => interfaces({ name: "dummy", mtu })
    const eth = (mtu: number): JsonObject => interfaces({ name: "eth0", mtu })
    assert.equal(refusedAt(nacm, "guest", dummy(1), dummy(2)), "", "update of the dummy")
    assert.equal(
      refusedAt(nacm, "guest", {}, dummy(2)),
      "/acme:interfaces/interface[name='dummy']",
      "no create",
    )
    assert.equal(
      refusedAt(nacm, "guest", eth(1), eth(2)),
      "/acme:interfaces/interface[name='eth0']/mtu",
    )
    assert.equal(refusedAt(nacm, "andy", eth(1), eth(2)), "")
    assert.equal(refusedAt(nacm, "andy", {}, eth(2)), "")
    const speed = { "acme:acme-netconf": { "config-parameters": { speed: 3 } } }
    assert.equal(refusedAt(nacm, "wilma", {}, speed), "", "all below the path")
    assert.equal(
      refusedAt(nacm, "wilma", {}, { "acme:acme-netconf": { other: "x" } }),
      "/acme:acme-netconf/other",
    )
  })

  it("A.5: rules of notifications", () => {
    const nacm = nacmWith(PEOPLE, [
      ["guest", { module: "acme", event: "config-change", ops: "read", action: "deny" }],
    ])
    assert.equal(hear(nacm, "guest", "config-change"), false)
    assert.equal(hear(nacm, "guest", "alarm"), true)
    assert.equal(hear(nacm, "wilma", "config-change"), true)
  })
})

describe("access control (RFC 8341 section 3.4)", () => {
  const data = {
    "acme:interfaces": { interface: [ENTRY_A, { name: "b", mtu: 2 }] },
    "acme:secrets": { word: "hush", box: [{ id: "1", content: "gold" }] },
  }
  const readBy = (lists: readonly ShortList[], more: JsonObject = {}): JsonObject =>
    nacmWith({ all: ["eve"] }, lists, more).readable(caller("eve"), data)

  it("without rules lets read and call, lets nothing be written, and hides what its module denies", () => {
    const nacm = nacmWith({}, [])
    assert.deepEqual(nacm.readable(caller("eve"), data), {
      "acme:interfaces": data["acme:interfaces"],
    })
    assert.equal(exec(nacm, "eve", "acme", "polish"), true)
    assert.equal(exec(nacm, "eve", "acme", "shut-down"), false)
    assert.equal(exec(nacm, "eve", "ietf-netconf", "kill-session"), false)
    assert.equal(exec(nacm, "eve", "ietf-netconf", "delete-config"), false)
    assert.equal(exec(nacm, "eve", "ietf-netconf", "get"), true)
    assert.equal(hear(nacm, "eve", "alarm"), true)
    assert.equal(hear(nacm, "eve", "secret-alarm"), false)
    assert.equal(refusedAt(nacm, "eve", {}, { "acme:favourite": "x" }), "/acme:favourite")
  })

  it("with its defaults turned round does the opposite, but for what modules deny", () => {
    const nacm = nacmWith({}, [], {
      "read-default": "deny",
      "write-default": "permit",
      "exec-default": "deny",
    })
    assert.deepEqual(nacm.readable(caller("eve"), data), {})
    assert.equal(exec(nacm, "eve", "ietf-netconf", "get"), false)
    assert.equal(exec(nacm, "eve", "ietf-netconf", "close-session"), true)
    assert.equal(hear(nacm, "eve", "alarm"), false)
    assert.equal(refusedAt(nacm, "eve", {}, { "acme:interfaces": { tag: ["a"] } }), "")
    assert.equal(refusedAt(nacm, "eve", {}, { "acme:guarded": { level: 1 } }), "/")
    const hidden = { "acme:secrets": { box: [{ id: "1", content: "lead" }] } }
    assert.equal(refusedAt(nacm, "eve", data, { ...data, ...hidden }), "/")
  })

  it("is off when it is switched off", () => {
    const nacm = nacmWith({}, [], { "enable-nacm": false, "read-default": "deny" })
    assert.equal(nacm.readable(caller("eve"), data), data)
    assert.equal(exec(nacm, "eve", "ietf-netconf", "kill-session"), true)
    assert.equal(hear(nacm, "eve", "secret-alarm"), true)
    assert.equal(refusedAt(nacm, "eve", {}, data), "")
  })

  it("does not bind the owner of the data, and nobody can be him from afar", () => {
    const nacm = nacmWith({}, [["*", { action: "deny" }]])
    assert.equal(nacm.readable(OWNER, data), data)
    nacm.checkWrite(OWNER, {}, data)
    const pretender = { ...caller("eve"), sessionId: 0 }
    assert.equal("acme:secrets" in nacm.readable(pretender, data), false)
  })

  it("goes by the first rule that matches, through the lists in order", () => {
    const permit: ShortRule = { path: "/acme:secrets", ops: "read", action: "permit" }
    const deny: ShortRule = { path: "/acme:secrets", ops: "read", action: "deny" }
    assert.deepEqual(readBy([["all", permit, deny]]), data)
    assert.equal("acme:secrets" in readBy([["all", deny, permit]]), false)
    assert.deepEqual(
      readBy([
        ["all", permit],
        ["all", deny],
      ]),
      data,
    )
    assert.deepEqual(
      readBy([
        ["others", deny],
        ["all", permit],
      ]),
      data,
    )
    assert.equal(
      "acme:secrets" in
        readBy([
          ["*", deny],
          ["all", permit],
        ]),
      false,
    )
  })

  it("a rule for all groups is for all who are in any, and for nobody else", () => {
    const nacm = nacmWith({ all: ["eve"] }, [["*", { action: "permit" }]])
    assert.equal(exec(nacm, "eve", "acme", "shut-down"), true)
    assert.equal(exec(nacm, "mallory", "acme", "shut-down"), false)
  })

  it("takes the groups that the transport reports, unless it is told not to", () => {
    const lists: ShortList[] = [["operators", { action: "permit" }]]
    const from = caller("zoe", "operators")
    assert.equal(nacmWith({}, lists).readable(from, data), data)
    const deaf = nacmWith({}, lists, { "enable-external-groups": false })
    assert.equal("acme:secrets" in deaf.readable(from, data), false)
  })

  it("takes a node with all below it, whatever a later rule permits there", () => {
    assert.deepEqual(
      readBy([
        ["all", { path: "/acme:interfaces/interface[name='a']", ops: "read", action: "deny" }],
        ["all", { path: "/acme:interfaces/interface[name='a']/mtu", action: "permit" }],
      ]),
      interfaces({ name: "b", mtu: 2 }),
    )
  })

  it("tells modules apart inside one tree", () => {
    assert.deepEqual(
      readBy([["all", { module: "other", ops: "read", action: "deny" }]]),
      interfaces({ name: "a", mtu: 1, inner: { deep: "x" } }, { name: "b", mtu: 2 }),
    )
  })

  it("leaves no empty container, no empty list and no entry without its name", () => {
    const rules = (path: string): readonly ShortList[] => [
      ["all", { path, ops: "read", action: "deny" }],
    ]
    assert.deepEqual(readBy(rules("/acme:interfaces/interface/inner/deep")), {
      ...interfaces({ name: "a", mtu: 1, "other:colour": "red" }, { name: "b", mtu: 2 }),
    })
    assert.deepEqual(readBy(rules("/acme:interfaces/interface/name")), {})
    assert.deepEqual(readBy(rules("/acme:interfaces/interface")), {})
  })

  it("shares what is readable whole instead of copying it", () => {
    const nacm = nacmWith({ all: ["eve"] }, [
      ["all", { path: "/acme:interfaces/interface[name='b']/mtu", ops: "read", action: "deny" }],
      ["all", { ops: "read", action: "permit" }],
    ])
    const seen = nacm.readable(caller("eve"), data)
    assert.equal(seen["acme:secrets"], data["acme:secrets"])
    const list = (seen["acme:interfaces"] as { interface: unknown[] }).interface
    assert.equal(list[0], data["acme:interfaces"].interface[0])
    assert.deepEqual(list[1], { name: "b" })
    assert.equal(
      nacmWith({ all: ["eve"] }, [["all", { action: "permit" }]]).readable(caller("eve"), data),
      data,
    )
  })

  it("knows the user's name in a path", () => {
    const lists: ShortList[] = [
      ["*", { path: "/acme:secrets/box[id=$USER]", ops: "read", action: "deny" }],
      ["*", { ops: "read", action: "permit" }],
    ]
    const boxes = { "acme:secrets": { box: [{ id: "eve" }, { id: "zoe" }] } }
    const nacm = nacmWith({ all: ["eve", "zoe"] }, lists)
    assert.deepEqual(nacm.readable(caller("eve"), boxes), {
      "acme:secrets": { box: [{ id: "zoe" }] },
    })
    assert.deepEqual(nacm.readable(caller("zoe"), boxes), {
      "acme:secrets": { box: [{ id: "eve" }] },
    })
  })

  it("compares keys as values, not as texts", () => {
    const nacm = nacmWith({ all: ["eve"] }, [
      ["all", { path: "/acme:interfaces/order[id='+007']", ops: "read", action: "deny" }],
    ])
    const orders = { "acme:interfaces": { order: [{ id: 7 }, { id: 8 }] } }
    assert.deepEqual(nacm.readable(caller("eve"), orders), {
      "acme:interfaces": { order: [{ id: 8 }] },
    })
  })

  it("asks for each kind of change by itself", () => {
    const only = (ops: string): Nacm =>
      nacmWith({ all: ["eve"] }, [["all", { module: "acme", ops, action: "permit" }]])
    const none = {}
    const one = interfaces({ name: "a", mtu: 1 })
    const two = interfaces({ name: "a", mtu: 2 })
    const bare = interfaces({ name: "a" })
    assert.equal(refusedAt(only("create"), "eve", none, one), "")
    assert.equal(refusedAt(only("create"), "eve", bare, one), "")
    assert.notEqual(refusedAt(only("create"), "eve", one, two), "")
    assert.equal(refusedAt(only("update"), "eve", one, two), "")
    assert.notEqual(refusedAt(only("update"), "eve", bare, one), "")
    assert.equal(refusedAt(only("delete"), "eve", one, bare), "")
    assert.equal(refusedAt(only("delete"), "eve", one, none), "")
    assert.notEqual(refusedAt(only("create update"), "eve", one, none), "")
    assert.equal(refusedAt(only("read"), "eve", one, interfaces({ name: "a", mtu: 1 })), "")
  })

  it("wants the right to delete everything that goes with an entry", () => {
    const nacm = nacmWith({ all: ["eve"] }, [
      ["all", { path: "/acme:interfaces/interface/inner/deep", ops: "delete", action: "deny" }],
      ["all", { action: "permit" }],
    ])
    assert.equal(
      refusedAt(nacm, "eve", data, { ...data, "acme:interfaces": {} }),
      "/acme:interfaces/interface[name='a']/inner/deep",
    )
    assert.equal(refusedAt(nacm, "eve", data, { ...data, ...interfaces({ ...ENTRY_A }) }), "")
  })

  it("calls it an update when entries change places that users ordered", () => {
    const nacm = nacmWith({ all: ["eve"] }, [
      ["all", { path: "/acme:interfaces/tag", ops: "create delete", action: "permit" }],
      ["all", { path: "/acme:interfaces/order[id='2']", action: "permit" }],
    ])
    const tags = (...tag: string[]): JsonObject => ({ "acme:interfaces": { tag } })
    assert.equal(refusedAt(nacm, "eve", tags("a", "b"), tags("b", "c")), "")
    assert.equal(refusedAt(nacm, "eve", tags("a", "b"), tags("b", "a")), "/acme:interfaces/tag")
    const orders = (...ids: number[]): JsonObject => ({
      "acme:interfaces": { order: ids.map((id) => ({ id })) },
    })
    assert.equal(refusedAt(nacm, "eve", orders(1, 3), orders(1, 2, 3)), "")
    assert.notEqual(refusedAt(nacm, "eve", orders(1, 2, 3), orders(2, 1, 3)), "")
  })

  it("judges actions by the path they are at, and only for who sees the way there", () => {
    const lists = (ops: string): ShortList[] => [
      ["all", { path: "/acme:interfaces/interface[name='b']", ops: "read", action: "deny" }],
      ["all", { path: "/acme:interfaces/interface/reset", ops, action: "permit" }],
    ]
    const at = (name: string): { module: string; name: string; path: string } => ({
      module: "acme",
      name: "reset",
      path: `/acme:interfaces/interface[name='${name}']/reset`,
    })
    const more = { "exec-default": "deny" }
    const nacm = nacmWith({ all: ["eve"] }, lists("exec"), more)
    assert.equal(nacm.mayExec(caller("eve"), at("a")), true)
    assert.equal(nacm.mayExec(caller("eve"), at("b")), false)
    assert.equal(
      nacmWith({ all: ["eve"] }, lists("read"), more).mayExec(caller("eve"), at("a")),
      false,
    )
  })

  it("reads new rules as soon as they run", () => {
    const open = nacmOf({ all: ["eve"] }, [["all", { action: "permit" }]])
    const shut = nacmOf({ all: ["eve"] }, [["all", { action: "deny" }]])
    const nacm = nacmWith({}, [])
    Object.assign(nacm.rules, { [NACM]: open[NACM] })
    assert.equal(nacm.readable(caller("eve"), data), data)
    Object.assign(nacm.rules, { [NACM]: shut[NACM] })
    assert.deepEqual(nacm.readable(caller("eve"), data), {})
  })

  it("counts what it refused", () => {
    const nacm = nacmWith({ all: ["eve"] }, [["all", { action: "deny" }]])
    exec(nacm, "eve", "acme", "polish")
    exec(nacm, "eve", "acme", "polish")
    hear(nacm, "eve", "alarm")
    refusedAt(nacm, "eve", {}, data)
    assert.deepEqual(nacm.state(), {
      [NACM]: { "denied-operations": 2, "denied-data-writes": 1, "denied-notifications": 1 },
    })
  })
})
