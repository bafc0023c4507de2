// yanglint judges what RESTCONF says: configuration and state of an ETSI node and of the jukebox, errors, patch status,
// what the server tells of itself; and the modules it speaks by.

import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import type { NetconfBackend } from "../../src/netconf/backend.js"
import { Datastore } from "../../src/netconf/datastore.js"
import { Restconf } from "../../src/restconf/restconf.js"
import { loadYangFiles } from "../../src/transport/yang-files.js"
import { compileSchema } from "../../src/yang/schema.js"
import type { JsonObject } from "../../src/yang/json.js"
import { needYanglint } from "../yang/fixture.js"
import { EXAMPLES } from "./jukebox-module.js"
import { MUSIC, jukebox, ownSchema } from "./jukebox.js"

const shipped = fileURLToPath(new URL("../../yang", import.meta.url))
const search = ["ietf", "etsi", "own"].flatMap((group) => ["-p", path.join(shipped, group)])

/** Each stands for a template (`rc:yang-data`) that yanglint reads no data of, in a frame of state. */
const TEMPLATES = [
  {
    name: "template-errors",
    text: `module template-errors { yang-version 1.1; namespace "urn:template-errors"; prefix t; import ietf-restconf { prefix rc; } container frame { config false; uses rc:errors; } }`,
  },
  {
    name: "template-status",
    text: `module template-status { yang-version 1.1; namespace "urn:template-status"; prefix t; import ietf-yang-patch { prefix p; } container frame { config false; uses p:yang-patch-status; } }`,
  },
]

/** What yanglint says against it; nothing when it accepts. */
function complaint(
  kind: "config" | "data" | "get",
  format: "json" | "xml",
  text: string,
  modules: readonly { readonly name: string; readonly text: string }[],
  named: readonly string[] = [],
): string {
  const folder = mkdtempSync(path.join(tmpdir(), "keyloom-restconf-"))
  try {
    const files = modules.map(({ name, text: module }) => {
      const file = path.join(folder, `${name}.yang`)
      writeFileSync(file, module)
      return file
    })
    const data = path.join(folder, `instance.${format}`)
    writeFileSync(data, text)
    const run = spawnSync("yanglint", [
      ...["-p", folder, ...search, "-e", "-t", kind],
      ...files,
      ...named.map((name) => path.join(shipped, name)),
      data,
    ])
    return run.status === 0 ? "" : run.stderr.toString()
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The content of a datastore resource's frame. */
function unframed(body: string | undefined): string {
  if (body?.startsWith("<") === true)
    return body.replace(/^<data xmlns="[^"]*">/, "").replace(/<\/data>$/, "")
  const framed = JSON.parse(body ?? "{}") as { "ietf-restconf:data": JsonObject }
  return JSON.stringify(framed["ietf-restconf:data"])
}

/**
 * A template's body in the frame of the module that stands for it; to be judged as what a `get` returns, since an
 * error-path may name what is not there.
 */
function framed(body: string | undefined, module: string, name: string): string {
  if (body?.startsWith("<") === true)
    return `<frame xmlns="urn:${module}">${body.replaceAll(/ xmlns="[^"]*ietf-(restconf|yang-patch)"/g, "")}</frame>`
  const [content] = Object.values(JSON.parse(body ?? "{}") as JsonObject)
  return JSON.stringify({ [`${module}:frame`]: { [name]: content } })
}

const MONITORING = ["ietf/ietf-restconf-monitoring@2017-01-26.yang"]
const NODE_MODULES = [
  "etsi-qkd-sdn-node",
  "etsi-qkd-node-types",
  "ietf-yang-types",
  "ietf-inet-types",
]
const NODE_FILES = [
  "etsi/etsi-qkd-node-types@2022-01-30.yang",
  "etsi/etsi-qkd-sdn-node@2022-01-30.yang",
  ...MONITORING,
]
const LINK = "aaaaaaaa-0000-4000-8000-000000000001"

/** An ETSI 015 node with a link, and what is measured on it. */
function node(): Restconf {
  const schema = compileSchema(loadYangFiles(NODE_MODULES))
  const backend: NetconfBackend = {
    schema,
    state: () => ({
      "etsi-qkd-sdn-node:qkd_node": {
        qkdn_status: "etsi-qkd-node-types:OPERATING",
        qkd_links: {
          qkd_link: [{ qkdl_id: LINK, qkdl_performance: { skr: 1200, eskr: 900 } }],
        },
      },
    }),
    prepareEdit: () => Promise.resolve({ commit: () => Promise.resolve() }),
  }
  const id = (n: number): string => `${String(n).repeat(8)}-1111-4111-8111-111111111111`
  const datastore = new Datastore(backend, {
    "etsi-qkd-sdn-node:qkd_node": {
      qkdn_id: id(1),
      qkd_links: {
        qkd_link: [
          {
            qkdl_id: LINK,
            qkdl_status: "etsi-qkd-node-types:PENDING",
            qkdl_enable: true,
            qkdl_local: { qkdn_id: id(1) },
            qkdl_remote: { qkdn_id: id(2) },
            qkdl_type: "etsi-qkd-node-types:VIRT",
          },
        ],
      },
    },
  })
  return new Restconf({ backend, datastore, own: ownSchema(), now: () => 0 })
}

async function read(restconf: Restconf, target: string, accept: string): Promise<string> {
  const answer = await restconf.handle({
    method: "GET",
    target,
    origin: "https://example.com",
    headers: { accept },
    body: new Uint8Array(0),
    caller: { sessionId: 0, username: "alice", address: "" },
  })
  assert.equal(answer.status, 200, answer.body)
  return answer.body ?? ""
}

describe("yanglint", function () {
  this.timeout(180_000)
  before(function () {
    needYanglint(this)
  })

  for (const format of ["json", "xml"] as const) {
    const accept = `application/yang-data+${format}`

    it(`accepts an ETSI node's configuration and its state: ${format}`, async () => {
      const all = unframed(await read(node(), "/restconf/data", accept))
      assert.match(all, /1200/)
      assert.equal(complaint("data", format, all, [], NODE_FILES), "")
      const config = unframed(await read(node(), "/restconf/data?content=config", accept))
      assert.doesNotMatch(config, /1200/)
      assert.equal(complaint("config", format, config, [], NODE_FILES), "")
    })

    it(`accepts the jukebox, defaults tagged, and what the server tells of itself: ${format}`, async () => {
      const box = jukebox({ ...MUSIC, "example:interfaces": { interface: [{ name: "eth0" }] } })
      const examples = EXAMPLES.filter(({ name }) => name !== "ietf-yang-types")
      const tagging = [...MONITORING, "ietf/ietf-netconf-with-defaults@2011-06-01.yang"]
      // libyang does not know RFC 6243's namespace of the attribute in XML: only its JSON is judged.
      const tagged = format === "json" ? ["?with-defaults=report-all-tagged"] : []
      for (const query of ["", "?with-defaults=report-all", ...tagged]) {
        const answer = await box.ask("GET", `/restconf/data${query}`, { headers: { accept } })
        const text = unframed(answer.body)
        assert.equal(complaint("data", format, text, examples, tagging), "", query)
      }
    })

    it(`accepts errors: ${format}`, async () => {
      const box = jukebox(MUSIC)
      await box.datastore.lock(9, 0)
      const asks: readonly [string, string, JsonObject][] = [
        ["GET", "/restconf/data/example-jukebox:jukebox/radio", {}],
        ["DELETE", "/restconf/data/example-jukebox:jukebox/player/gap", {}],
        ["POST", "/restconf/data", { "example-jukebox:jukebox": { player: { gap: "7.0" } } }],
        ["PUT", "/restconf/data/example:interfaces", { "nobody:interfaces": {} }],
      ]
      for (const [method, target, body] of asks) {
        const answer = await box.ask(method, target, { headers: { accept }, body })
        assert.ok(answer.status >= 400)
        const text = framed(answer.body, "template-errors", "errors")
        const examples = EXAMPLES.filter(({ name }) => name !== "ietf-yang-types")
        const restconf = ["ietf/ietf-restconf@2017-01-26.yang"]
        assert.equal(
          complaint("get", format, text, [...TEMPLATES.slice(0, 1), ...examples], restconf),
          "",
          text,
        )
      }
    })

    it(`accepts the status of a YANG Patch, done and refused: ${format}`, async () => {
      const box = jukebox(MUSIC)
      for (const target of ["/player/gap", "/player/gap", "/library"]) {
        const answer = await box.ask("PATCH", "/restconf/data/example-jukebox:jukebox", {
          headers: { accept, "content-type": "application/yang-patch+json" },
          body: {
            "ietf-yang-patch:yang-patch": {
              "patch-id": "p",
              edit: [
                { "edit-id": "0", operation: "remove", target: "/playlist=none" },
                { "edit-id": "1", operation: "delete", target },
              ],
            },
          },
        })
        const text = framed(answer.body, "template-status", "yang-patch-status")
        const examples = EXAMPLES.filter(({ name }) => name !== "ietf-yang-types")
        const modules = [
          "ietf/ietf-restconf@2017-01-26.yang",
          "ietf/ietf-yang-patch@2017-02-22.yang",
        ]
        assert.equal(
          complaint("get", format, text, [...TEMPLATES.slice(1), ...examples], modules),
          "",
          text,
        )
      }
    })
  }

  it("would have complained: a wrong body does not pass", () => {
    const wrong = '{"template-errors:frame":{"errors":{"error":[{"error-type":"weather"}]}}}'
    const restconf = ["ietf/ietf-restconf@2017-01-26.yang"]
    assert.notEqual(complaint("get", "json", wrong, TEMPLATES.slice(0, 1), restconf), "")
  })

  it("reads ietf-restconf-monitoring, and draws the tree of RFC 8040 section 9.2", () => {
    const file = path.join(shipped, MONITORING[0] ?? "")
    const run = spawnSync("yanglint", [...search, "-f", "tree", file])
    assert.equal(run.status, 0, run.stderr.toString())
    const tree = run.stdout.toString().replace(/\s+/g, " ").trim()
    assert.equal(
      tree,
      "module: ietf-restconf-monitoring +--ro restconf-state +--ro capabilities | +--ro capability* inet:uri +--ro streams +--ro stream* [name] +--ro name string +--ro description? string +--ro replay-support? boolean +--ro replay-log-creation-time? yang:date-and-time +--ro access* [encoding] +--ro encoding string +--ro location inet:uri",
    )
  })
})
