// `keyloom yang check`, as a command: verdict, place and exit status, for modules and for data.

import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import type { YangReport } from "../../src/cli/yang-check.js"
import { checkYang, findingLine } from "../../src/cli/yang-check.js"
import { NODE_NS, TYPES_NS, tagged } from "./fixture.js"

const main = path.resolve(import.meta.dirname, "../../src/main.ts")

function keyloom(...args: string[]): { status: number | null; out: string; err: string } {
  const run = spawnSync(process.execPath, ["--import", "tsx", main, "yang", "check", ...args], {
    encoding: "utf8",
  })
  return { status: run.status, out: run.stdout, err: run.stderr }
}

describe("keyloom yang check", () => {
  let dir = ""
  const file = (name: string, text: string): string => {
    const full = path.join(dir, name)
    mkdirSync(path.dirname(full), { recursive: true })
    writeFileSync(full, text)
    return full
  }
  const module = (name: string, body: string): string =>
    file(
      `${name}.yang`,
      `module ${name} {\n yang-version 1.1;\n namespace "urn:${name}";\n prefix ${name};\n${body}\n}`,
    )
  const faults = (report: YangReport): string[] =>
    report.findings
      .filter((f) => f.severity === "error")
      .map((f) => findingLine(f).replace(`${dir}/`, ""))
  const check = (named: string, options: Partial<Parameters<typeof checkYang>[1]> = {}) =>
    checkYang([named], { type: "data", ...options })

  before(() => {
    dir = mkdtempSync(path.join(tmpdir(), "keyloom-check-"))
  })
  after(() => {
    rmSync(dir, { recursive: true })
  })

  it("finds modules by name, with all they import, and says that they are valid", function () {
    this.timeout(180_000)
    const { status, out } = keyloom("etsi-qkd-sdn-node")
    assert.equal(status, 0)
    assert.match(out, /^valid: etsi-qkd-sdn-node@2022-01-30\n$/)
  })

  it("says file and line of what is wrong in a module, and exits with 1", function () {
    this.timeout(180_000)
    const broken = module("broken", " leaf a { type strin; }")
    const { status, err } = keyloom(broken)
    assert.equal(status, 1)
    assert.match(err, /broken\.yang:5: unknown typedef strin/)
  })

  it("exits with 2 when the question is wrong", function () {
    this.timeout(180_000)
    for (const args of [
      [],
      ["no-such-module"],
      ["x", "--type", "y"],
      ["etsi-qkd-sdn-node", "--data", "/no/such"],
    ])
      assert.equal(keyloom(...args).status, 2, args.join(" "))
    assert.throws(() => check("etsi-qkd-sdn-node", { features: ["x:y"] }), tagged("invalid-value"))
    assert.throws(() => check("etsi-qkd-sdn-node", { path: ["/no/such"] }), tagged("invalid-value"))
  })

  it("prints a report for programs", function () {
    this.timeout(180_000)
    const { status, out } = keyloom(module("wrong", " leaf a { type b; }"), "--json")
    assert.equal(status, 1)
    const report = JSON.parse(out) as YangReport
    assert.equal(report.valid, false)
    const [finding] = report.findings.filter((f) => f.severity === "error")
    assert.equal(finding?.line, 5)
    assert.equal(path.basename(finding.file), "wrong.yang")
  })

  it("judges XML and JSON data, with the instance path of each fault", () => {
    const m = module(
      "m",
      " container c { leaf n { type uint8; } list l { key k; leaf k { type string; } leaf v { mandatory true; type string; } } }",
    )
    const json = file("a.json", `{"m:c": {"n": 300}}`)
    const xml = file("a.xml", `<?xml version="1.0"?>\n<c xmlns="urn:m"><l><k>x</k></l></c>`)
    const good = file("b.xml", `<c xmlns="urn:m"><n>1</n></c>`)
    assert.deepEqual(faults(check(m, { data: [good] })), [])
    assert.deepEqual(faults(check(m, { data: [json, xml] })), [
      "a.json:/m:c/n: 300 is not in 0..255 (invalid-value)",
      "a.xml:/m:c/l[k='x']/v: v is mandatory (data-missing)",
    ])
  })

  it("takes operations, answers and notifications, in NETCONF's envelopes or without", () => {
    const m = module(
      "ops",
      ` rpc r { input { leaf i { type uint8; mandatory true; } } output { leaf o { type uint8; } } }
      notification n { leaf x { type uint8; } }`,
    )
    const nc = "urn:ietf:params:xml:ns:netconf"
    const valid = (type: "rpc" | "reply" | "notif", text: string): boolean =>
      check(m, { type, data: [file("op", text)] }).valid
    assert.ok(valid("rpc", `<r xmlns="urn:ops"><i>1</i></r>`))
    assert.ok(
      valid(
        "rpc",
        `<rpc xmlns="${nc}:base:1.0" message-id="1"><r xmlns="urn:ops"><i>1</i></r></rpc>`,
      ),
    )
    assert.ok(valid("rpc", `{"ops:r": {"i": 1}}`))
    assert.ok(!valid("rpc", `{"ops:r": {}}`))
    assert.ok(!valid("rpc", `{"ops:q": {}}`))
    assert.ok(valid("reply", `{"ops:r": {"o": 1}}`))
    assert.ok(!valid("reply", `<r xmlns="urn:ops"><i>1</i></r>`))
    assert.ok(valid("notif", `<n xmlns="urn:ops"><x>1</x></n>`))
    assert.ok(
      valid(
        "notif",
        `<notification xmlns="${nc}:notification:1.0"><eventTime>2026-01-01T00:00:00Z</eventTime><n xmlns="urn:ops"/></notification>`,
      ),
    )
    assert.ok(!valid("notif", `<n xmlns="urn:ops"><x>300</x></n>`))
  })

  it("looks in the folders given and beside the file, newest revision first", () => {
    const text = (revision: string, type: string): string =>
      `module t { namespace "urn:t"; prefix t; revision ${revision}; typedef t { type ${type}; } }`
    file("lib/t@2020-01-01.yang", text("2020-01-01", "string"))
    file("lib/t@2021-01-01.yang", text("2021-01-01", "uint8"))
    const user = (rest: string): string => `import t { prefix t; ${rest} } leaf a { type t:t; }`
    const data = file("t.json", `{"u:a": "text"}`)
    const lib = [path.join(dir, "lib")]
    assert.ok(!check(module("u", user("")), { path: lib, data: [data] }).valid)
    assert.ok(
      check(module("u", user("revision-date 2020-01-01;")), { path: lib, data: [data] }).valid,
    )
    assert.match(faults(check(module("u", user(""))))[0] ?? "", /imported module t is missing/)
    file("lib/v.yang", `module v { namespace "urn:v"; prefix v; ${user("")} }`)
    assert.ok(check(path.join(dir, "lib/v.yang")).valid)
  })

  it("implements what a module augments, deviates or points to, and what it only imports not", () => {
    module("base", " identity i; container c { leaf name { type string; } }")
    module(
      "far",
      ` import base { prefix b; } identity j { base b:i; } container f { leaf x { type string; } }`,
    )
    const m = module(
      "near",
      ` import base { prefix b; } import far { prefix f; }
      augment /b:c { leaf ref { type leafref { path "/b:c/b:name"; } } leaf id { type identityref { base b:i; } } }`,
    )
    const { modules } = check(m)
    assert.deepEqual(
      modules.map((x) => [x.name, x.implemented]),
      [
        ["near", true],
        ["base", true],
        ["far", false],
      ],
    )
    assert.ok(
      check(m, { data: [file("c.json", `{"base:c": {"name": "n", "near:ref": "n"}}`)] }).valid,
    )
    assert.ok(!check(m, { data: [file("c.json", `{"base:c": {"near:id": "far:j"}}`)] }).valid)
    const both = checkYang([m, "far"], {
      type: "data",
      path: [dir],
      data: [path.join(dir, "c.json")],
    })
    assert.ok(both.valid)
  })

  it("has all features of a module, or those it is told", () => {
    const m = module(
      "feat",
      " feature f; feature g; leaf a { if-feature f; type string; } leaf b { if-feature g; type string; }",
    )
    const data = [file("f.json", `{"feat:a": "x", "feat:b": "x"}`)]
    assert.ok(check(m, { data }).valid)
    assert.ok(!check(m, { data, features: ["feat:f"] }).valid)
    assert.ok(check(m, { data, features: ["feat:f,g"] }).valid)
    assert.ok(check(m, { data, features: ["feat:*"] }).valid)
    assert.throws(() => check(m, { features: ["feat:h"] }), tagged("invalid-value"))
  })

  it("follows the RFC where 015's conditions do not, unless told to be lenient", () => {
    const link = (t: string): string =>
      `<qkd_node xmlns="${NODE_NS}" xmlns:t="${TYPES_NS}"><qkdn_id>11111111-1111-4111-8111-111111111111</qkdn_id>` +
      `<qkd_links><qkd_link><qkdl_id>11111111-1111-4111-8111-111111111112</qkdl_id><qkdl_type>${t}</qkdl_type>` +
      "<phys_wavelength>1550</phys_wavelength></qkd_link></qkd_links></qkd_node>"
    const data = [file("link.xml", link("t:PHYS"))]
    const names = ["etsi-qkd-sdn-node", "etsi-qkd-node-types"]
    assert.ok(!checkYang(names, { type: "data", data }).valid)
    assert.ok(checkYang(names, { type: "data", data, lenient: true }).valid)
    const virt = [file("virt.xml", link("t:VIRT"))]
    assert.ok(!checkYang(names, { type: "data", data: virt, lenient: true }).valid)
  })

  it("warns of names that do not fit, which count when it is strict", () => {
    const odd = file("odd@2020-01-01.yang", `module even { namespace "urn:e"; prefix e; }`)
    const report = check(odd)
    assert.ok(report.valid)
    assert.equal(report.findings.length, 3)
    assert.ok(!check(odd, { strict: true }).valid)
  })
})
