// The shipped modules carry exactly the schema of ETSI GS QKD 015 V2.1.1 and RFC 6991, in our own words.

import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import path from "node:path"
import { loadYangFiles } from "../../src/transport/yang-files.js"
import { parseYang } from "../../src/yang/parse.js"
import type { Statement } from "../../src/yang/statement.js"
import type { ResolvedType, Schema, SchemaNode } from "../../src/yang/schema-types.js"
import {
  ETSI_MODULES,
  etsiSchema,
  needOfficial,
  needYanglint,
  official,
  officialSchema,
} from "./fixture.js"

const OFFICIAL_FILES: Readonly<Record<string, string>> = {
  "etsi-qkd-sdn-node": "etsi-qkd-sdn-node@2022-01-30.yang",
  "etsi-qkd-node-types": "etsi-qkd-node-types@2022-01-30.yang",
  "ietf-yang-types": "deps/ietf-yang-types@2013-07-15.yang",
  "ietf-inet-types": "deps/ietf-inet-types@2013-07-15.yang",
}

const PROSE = new Set(["description", "reference", "contact", "organization"])

/** Every statement but prose, in order: what makes the schema. */
function bones(statement: Statement): unknown {
  return [
    statement.keyword,
    statement.argument,
    ...statement.sub.filter((s) => !PROSE.has(s.keyword)).map(bones),
  ]
}

function* proseOf(statement: Statement): Iterable<string> {
  for (const sub of statement.sub) {
    if (PROSE.has(sub.keyword)) yield sub.argument ?? ""
    yield* proseOf(sub)
  }
}

function typeFacts(type: ResolvedType | undefined): unknown {
  if (type === undefined) return undefined
  return {
    base: type.base,
    name: type.name,
    ranges: type.ranges?.map((r) => [r.min.toString(), r.max.toString()]),
    lengths: type.lengths?.map((r) => [r.min.toString(), r.max.toString()]),
    patterns: type.patterns.map((p) => [p.source, p.invert]),
    fractionDigits: type.fractionDigits,
    enums: type.enums === undefined ? undefined : [...type.enums],
    bases: type.bases?.map((b) => `${b.module}:${b.name}`),
    identities: type.identities === undefined ? undefined : [...type.identities.keys()],
    members: type.members?.map(typeFacts),
  }
}

function nodeFacts(node: SchemaNode): unknown {
  return {
    kind: node.kind,
    name: node.name,
    module: node.module,
    namespace: node.namespace,
    config: node.config,
    keys: node.keys,
    type: typeFacts(node.type),
    defaults: node.defaults,
    mandatory: node.mandatory,
    presence: node.presence,
    orderedByUser: node.orderedByUser,
    elements: [node.minElements, node.maxElements],
    whens: node.whens.map((w) => [w.expression.text, w.context]),
    musts: node.musts.map((m) => m.expression.text),
    units: node.units,
    status: node.status,
    children: [...node.children.values()].map(nodeFacts),
  }
}

function schemaFacts(schema: Schema): unknown {
  return {
    data: nodeFacts(schema.root),
    notifications: nodeFacts(schema.notificationRoot),
    rpcs: [...schema.rpcs.keys()],
    identities: [...schema.identities.values()].map((i) => [
      i.module,
      i.name,
      i.bases.map((b) => b.name),
    ]),
    modules: schema.modules.map((m) => [m.name, m.revision, m.namespace, m.prefix, m.yangVersion]),
  }
}

describe("the shipped ETSI GS QKD 015 and RFC 6991 modules", () => {
  for (const name of ETSI_MODULES) {
    it(`state the same schema as the official ${name}, statement by statement`, function () {
      needOfficial(this)
      const ours = loadYangFiles([name])[0]?.text ?? ""
      const theirs = readFileSync(path.join(official, OFFICIAL_FILES[name] ?? ""), "utf8")
      assert.deepEqual(bones(parseYang(ours, name)), bones(parseYang(theirs, name)))
    })

    it(`describe ${name} in other words than the official text`, function () {
      needOfficial(this)
      const ours = parseYang(loadYangFiles([name])[0]?.text ?? "", name)
      const theirs = parseYang(
        readFileSync(path.join(official, OFFICIAL_FILES[name] ?? ""), "utf8"),
        name,
      )
      const sentences = new Set([...proseOf(theirs)].filter((p) => p.split(/\s+/).length > 4))
      for (const prose of proseOf(ours)) assert.ok(!sentences.has(prose), prose)
    })
  }

  it("compile to the same trees, types, identities and notifications", function () {
    needOfficial(this)
    assert.deepEqual(schemaFacts(etsiSchema()), schemaFacts(officialSchema("official")))
  })

  it("have the same tree for yanglint", function () {
    needOfficial(this)
    needYanglint(this)
    const tree = (folders: readonly string[], ...files: string[]): string => {
      const args = ["-f", "tree", ...folders.flatMap((f) => ["-p", f]), ...files]
      const run = spawnSync("yanglint", args, { encoding: "utf8" })
      assert.equal(run.status, 0, run.stderr)
      return run.stdout
    }
    const yang = path.resolve(import.meta.dirname, "../../yang")
    const ours = tree(
      [path.join(yang, "ietf"), path.join(yang, "etsi")],
      path.join(yang, "etsi/etsi-qkd-node-types@2022-01-30.yang"),
      path.join(yang, "etsi/etsi-qkd-sdn-node@2022-01-30.yang"),
    )
    const theirs = tree(
      [path.join(official, "deps"), official],
      path.join(official, "etsi-qkd-node-types@2022-01-30.yang"),
      path.join(official, "etsi-qkd-sdn-node@2022-01-30.yang"),
    )
    assert.match(ours, /phys_channel_att/)
    assert.equal(ours, theirs)
  })

  it("drop nothing: virt_*, phys_* and phys_perf stand in the compiled tree", () => {
    const find = (...names: string[]): SchemaNode | undefined => {
      let node: SchemaNode | undefined = etsiSchema().root
      for (const name of names) node = node?.members.get(name)
      return node
    }
    const link = ["etsi-qkd-sdn-node:qkd_node", "qkd_links", "qkd_link"]
    for (const name of ["virt_prev_hop", "virt_next_hop", "virt_bandwidth"])
      assert.equal(find(...link, name)?.whens[0]?.expression.text, "qkdl_type = 'VIRT'", name)
    for (const name of ["phys_channel_att", "phys_wavelength", "phys_qkd_role"])
      assert.equal(find(...link, name)?.whens[0]?.expression.text, "qkdl_type = 'PHYS'", name)
    const perf = find(...link, "qkdl_performance", "phys_perf")
    assert.deepEqual(perf?.keys, ["perf_type"])
    assert.equal(perf.config, false)
    assert.equal(perf.members.get("value")?.type?.fractionDigits, 3)
    assert.equal(etsiSchema().notifications.size, 11)
    const notified = etsiSchema().notifications.get("etsi-qkd-sdn-node:sdqkdn_link_perf_update")
    assert.ok(
      notified?.members.get("qkd_link")?.members.get("performance")?.members.has("phys_perf"),
    )
  })
})
