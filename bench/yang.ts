// How long the YANG room takes: compiling every shipped module, checking 10,000 applications, changing one leaf of one
// of them. Prints medians; asserts nothing. Run: npx tsx bench/yang.ts

import { loadYangFiles } from "../src/transport/yang-files.js"
import { applyEdit } from "../src/yang/edit.js"
import { configOnly, filterSubtree } from "../src/yang/filter.js"
import { decodeJson } from "../src/yang/json.js"
import type { JsonObject } from "../src/yang/json.js"
import { compileRevalidator } from "../src/yang/revalidate.js"
import { compileSchema } from "../src/yang/schema.js"
import { compileValidator } from "../src/yang/validate.js"
import { decodeXml, encodeXml } from "../src/yang/xml.js"
import { childrenOf, parseXml } from "../src/yang/xml-tree.js"

const APPS = 10_000
const NODE_MODULES = [
  "ietf-inet-types",
  "ietf-yang-types",
  "etsi-qkd-node-types",
  "etsi-qkd-sdn-node",
]
const NS = "urn:etsi:qkd:yang:etsi-qkd-node"

/** Median of `runs` timings, in milliseconds, after a few to warm up. */
function median(runs: number, work: (run: number) => unknown): number {
  for (let i = 0; i < Math.min(5, runs); i++) work(-1 - i)
  const times: number[] = []
  for (let i = 0; i < runs; i++) {
    const start = process.hrtime.bigint()
    work(i)
    times.push(Number(process.hrtime.bigint() - start) / 1e6)
  }
  times.sort((a, b) => a - b)
  return times[Math.floor(times.length / 2)] ?? NaN
}

function report(name: string, ms: number): void {
  const text = ms < 1 ? `${(ms * 1000).toFixed(1)} us` : `${ms.toFixed(2)} ms`
  console.log(`${name.padEnd(52)} ${text.padStart(12)}`)
}

function uuid(n: number): string {
  return `${n.toString(16).padStart(8, "0")}-0000-4000-8000-000000000000`
}

function manyApps(): JsonObject {
  const app = (n: number): JsonObject => ({
    app_id: uuid(n),
    app_type: "etsi-qkd-node-types:CLIENT",
    app_status: "etsi-qkd-node-types:ON",
    server_app_id: `sae-${n}`,
    client_app_id: [`sae-${n}-a`, `sae-${n}-b`],
    app_priority: n % 8,
    creation_time: "2026-01-01T00:00:00Z",
    app_qos: { max_bandwidth: 4096, min_bandwidth: 256, jitter: 10, ttl: 3600 },
    backing_qkdl_id: [uuid(n % 100)],
    local_qkdn_id: uuid(1),
    remote_qkdn_id: uuid(2),
  })
  return {
    "etsi-qkd-sdn-node:qkd_node": {
      qkdn_id: uuid(1),
      qkd_applications: { qkd_app: Array.from({ length: APPS }, (_, n) => app(n)) },
    },
  }
}

function main(): void {
  const sources = loadYangFiles()
  report(
    `compile ${sources.length} modules`,
    median(20, () => compileSchema(sources)),
  )
  // What a node serves, as a node has it.
  const schema = compileSchema(loadYangFiles(NODE_MODULES))
  // Validators are kept per schema: a new one each time.
  report(
    "compile the modules of a node and their validator",
    median(10, () => compileValidator(compileSchema(loadYangFiles(NODE_MODULES)), "data")),
  )
  const validate = compileValidator(schema, "data")
  const data = manyApps()
  const faults = validate(data)
  if (faults.length > 0) throw new Error(`the bench's data is broken: ${JSON.stringify(faults[0])}`)
  report(
    `validate ${APPS} applications`,
    median(20, () => validate(data)),
  )
  report(
    `decode ${APPS} applications from JSON`,
    median(10, () => decodeJson(schema, data)),
  )
  const xml = `<data>${encodeXml(schema, data)}</data>`
  report(
    `encode ${APPS} applications to XML`,
    median(10, () => encodeXml(schema, data)),
  )
  report(
    `parse ${(xml.length / 1e6).toFixed(1)} MB of XML`,
    median(10, () => parseXml(xml)),
  )
  const tree = childrenOf(parseXml(xml))
  report(
    `decode ${APPS} applications from XML`,
    median(10, () => decodeXml(schema, tree)),
  )

  // State is no part of an edit's tree; the numbers are the same.
  let config = data
  const edits = Array.from({ length: 100 }, (_, n) => {
    const id = uuid((n * 97) % APPS)
    return childrenOf(
      parseXml(
        `<config><qkd_node xmlns="${NS}"><qkd_applications><qkd_app><app_id>${id}</app_id>` +
          `<app_priority>${n}</app_priority></qkd_app></qkd_applications></qkd_node></config>`,
      ),
    )
  })
  report(
    `merge one leaf into ${APPS} applications`,
    median(2_000, (run) => {
      config = applyEdit(schema, config, edits[Math.abs(run) % edits.length] ?? [], "merge")
    }),
  )
  const revalidate = compileRevalidator(schema)
  // An edit's tree is configuration: without the creation times.
  let valid: JsonObject = configOnly(schema, data)
  report(
    `validate a merged leaf in ${APPS} applications`,
    median(2_000, (run) => {
      const next = applyEdit(schema, valid, edits[Math.abs(run) % edits.length] ?? [], "merge")
      if (revalidate(next, valid).length === 0) valid = next
    }),
  )
  const filter = childrenOf(
    parseXml(
      `<filter><qkd_node xmlns="${NS}"><qkd_applications><qkd_app><app_id>${uuid(4711)}</app_id>` +
        "</qkd_app></qkd_applications></qkd_node></filter>",
    ),
  )
  report(
    `pick one of ${APPS} applications by filter`,
    median(2_000, () => filterSubtree(schema, config, filter)),
  )
}

main()
