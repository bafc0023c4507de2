// The modules of the notification standards that ship with Keyloom: the same schema as the standards', and good YANG
// for an independent compiler.

import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import path from "node:path"
import { loadYangFiles } from "../../src/transport/yang-files.js"
import { parseYang } from "../../src/yang/parse.js"
import { type Statement } from "../../src/yang/statement.js"
import { compileSchema, type SchemaNode } from "../../src/yang/schema.js"
import { needYanglint } from "../yang/fixture.js"

const YUMA = "/usr/share/yuma/modules"
const LIBYANG = "/usr/share/yang/modules/libyang"

/** Where Debian has the standard's own text. */
const STANDARD: Readonly<Record<string, string>> = {
  "ietf-netconf-notifications": `${YUMA}/ietf/ietf-netconf-notifications@2012-02-06.yang`,
  "nc-notifications": `${YUMA}/ietf-derived/nc-notifications.yang`,
  "ietf-netconf": `${YUMA}/ietf/ietf-netconf@2011-06-01.yang`,
  "ietf-interfaces": `${YUMA}/ietf/ietf-interfaces@2014-05-08.yang`,
  "ietf-ip": `${YUMA}/ietf/ietf-ip@2014-06-16.yang`,
  "ietf-datastores": `${LIBYANG}/ietf-datastores@2018-02-14.yang`,
  "ietf-yang-schema-mount": `${LIBYANG}/ietf-yang-schema-mount@2019-01-14.yang`,
}

const FAMILY = [
  "ietf-inet-types",
  "ietf-yang-types",
  "ietf-interfaces",
  "ietf-ip",
  "ietf-yang-schema-mount",
  "ietf-network-instance",
  "ietf-netconf",
  "ietf-netconf-acm",
  "ietf-restconf",
  "ietf-datastores",
  "ietf-yang-patch",
  "ietf-subscribed-notifications",
  "ietf-yang-push",
  "ietf-netconf-notifications",
  "notifications",
  "nc-notifications",
]

const PROSE = new Set(["description", "reference", "contact", "organization"])

/** Every statement but prose, in order. What `presence` says is prose as well. */
function bones(statement: Statement): unknown {
  return [
    statement.keyword,
    statement.keyword === "presence" ? "" : statement.argument?.replace(/\s+/g, " "),
    ...statement.sub.filter((s) => !PROSE.has(s.keyword)).map(bones),
  ]
}

function shipped(name: string): Statement {
  return parseYang(loadYangFiles([name])[0]?.text ?? "", name)
}

function member(node: SchemaNode | undefined, ...names: readonly string[]): SchemaNode {
  let at = node
  for (const name of names) at = at?.members.get(name)
  assert.ok(at, names.join("/"))
  return at
}

describe("the shipped modules of the notification standards", () => {
  for (const [name, file] of Object.entries(STANDARD)) {
    it(`state the same schema as the standard's ${name}, statement by statement`, function () {
      if (!existsSync(file)) {
        console.error(`      skipped: ${file} is not there`)
        this.skip()
      }
      assert.deepEqual(bones(shipped(name)), bones(parseYang(readFileSync(file, "utf8"), name)))
    })
  }

  it("compile together, with every feature but those of configured subscriptions", () => {
    const schema = compileSchema(loadYangFiles(FAMILY), {
      implement: ["ietf-subscribed-notifications", "ietf-yang-push", "ietf-netconf-notifications"],
      features: { "ietf-subscribed-notifications": ["encode-xml", "replay", "subtree", "xpath"] },
    })
    const establish = schema.rpcs.get("ietf-subscribed-notifications:establish-subscription")
    const input = [...(establish?.children.values() ?? [])].find((c) => c.kind === "input")
    assert.equal(member(input, "stream").mandatory, true)
    assert.equal(member(input, "ietf-yang-push:datastore").type?.base, "identityref")
    assert.deepEqual(member(input, "ietf-yang-push:on-change", "sync-on-start").defaultValues, [
      true,
    ])
    assert.equal(input?.members.has("dscp"), false)
    const entry = member(schema.root, "ietf-subscribed-notifications:subscriptions", "subscription")
    assert.equal(member(entry, "ietf-yang-push:periodic").whens.length > 0, true)
    assert.deepEqual(
      [...schema.notifications.keys()].filter((n) => n.startsWith("ietf-subscribed")),
      ["replay-completed", "subscription-modified", "subscription-resumed"]
        .concat(["subscription-suspended", "subscription-terminated"])
        .map((n) => `ietf-subscribed-notifications:${n}`),
    )
  })

  it("are good YANG for yanglint, with all features", function () {
    needYanglint(this)
    const folder = path.resolve(import.meta.dirname, "../../yang/ietf")
    for (const name of ["ietf-yang-push@2019-09-09", "ietf-netconf-notifications@2012-02-06"]) {
      const run = spawnSync("yanglint", ["-f", "tree", "-p", folder, `${folder}/${name}.yang`], {
        encoding: "utf8",
      })
      assert.equal(run.status, 0, run.stderr)
    }
    const nc = spawnSync("yanglint", [
      "-f",
      "tree",
      "-p",
      folder,
      `${folder}/nc-notifications@2008-07-14.yang`,
    ])
    assert.equal(nc.status, 0, nc.stderr.toString())
  })
})
