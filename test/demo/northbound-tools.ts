// What the tests of the northbound share: its namespaces, ncclient's answers, yanglint's judgement, curl on RESTCONF,
// orders as XML, a key over ETSI 014. No test.

import assert from "node:assert/strict"
import { execFile, spawnSync } from "node:child_process"
import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { promisify } from "node:util"
import { type Demo, decKeys, encKeys, type KeyContainer, removeDir, root } from "../support/demo.js"
import type { Call, Outcome } from "../support/ncclient.js"

const run = promisify(execFile)
export const NET = "urn:keyloom:yang:keyloom-network"
export const CON = "urn:keyloom:yang:keyloom-connectivity"
export const MAINT = "urn:keyloom:yang:keyloom-maintenance"
export const WHOLE = `<qkd_network xmlns="${NET}"/>`
export const SQUARE = {
  name: "square",
  nodes: ["A", "B", "C", "D"].map((name) => ({ name })),
  links: [
    ["A", "B"],
    ["B", "C"],
    ["A", "D"],
    ["D", "C"],
  ].map(([a, b]) => ({ a, b, lengthKm: 10 })),
}

/** What yanglint says of an instance; empty when it is content. */
export function yanglint(kind: "data" | "nc-notif" | "nc-reply", xml: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), "keyloom-north-"))
  try {
    const file = path.join(folder, "instance.xml")
    writeFileSync(file, xml)
    const own = (name: string): string => path.join(root, `yang/own/${name}.yang`)
    const args = ["ietf", "etsi", "own"].flatMap((name) => ["-p", path.join(root, "yang", name)])
    args.push("-t", kind, path.join(root, "yang/etsi/etsi-qkd-node-types@2022-01-30.yang"))
    args.push(own("keyloom-network@2026-11-27"), own("keyloom-connectivity@2026-11-27"))
    args.push(own("keyloom-maintenance@2026-11-28"), file)
    const { status, stdout, stderr } = spawnSync("yanglint", args, { encoding: "utf8" })
    return status === 0 ? "" : `${stdout}${stderr}` || `yanglint ended with ${status ?? "a signal"}`
  } finally {
    removeDir(folder)
  }
}

export function inData(outcome: Outcome | undefined): string {
  const xml = outcome?.data ?? assert.fail(JSON.stringify(outcome))
  return /<data[^>]*?(?:\/>|>(.*)<\/data>)/s.exec(xml)?.[1] ?? ""
}

/** The text of the first element of that name. */
export function text(name: string, xml: string): string | undefined {
  return new RegExp(`<(?:[A-Za-z0-9]+:)?${name}(?: [^>]*)?>([^<]*)<`).exec(xml)?.[1]
}

export interface Asked {
  readonly status: number
  readonly body: string
  readonly headers: string
}
/** One request by curl, as the operator of the demo. */
export async function askRestconf(
  demo: Demo,
  method: string,
  place: string,
  body?: object,
): Promise<Asked> {
  const { restconf, token } = demo.file.controller
  const args = ["-sS", "-i", "--max-time", "60", "-X", method, `${restconf}${place}`]
  args.push("-H", `authorization: Bearer ${token}`, "-H", "accept: application/yang-data+json")
  if (body !== undefined)
    args.push("-H", "content-type: application/yang-data+json", "-d", JSON.stringify(body))
  const { stdout } = await run("curl", args, { maxBuffer: 16 * 1024 * 1024 })
  const cut = stdout.indexOf("\r\n\r\n")
  const headers = stdout.slice(0, cut)
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(headers)?.[1]),
    body: stdout.slice(cut + 4),
    headers,
  }
}

/**
 * Nodes, links and applications of a configuration one by one: lists are ordered by the system, and where a port was taken the
 * inventory has moved its node.
 */
export function entriesOf(xml: string): string[] {
  const ours = /<qkd_network.*<\/qkd_network>/s.exec(xml)?.[0] ?? assert.fail(xml)
  return ours
    .replace(/<port>\d+<\/port>/g, "")
    .split(/(?=<(?:qkd_node|phys_link|qkd_app)>)/)
    .map((entry) => entry.replace(/(<\/(?:qkd_node|phys_link|qkd_app)>).*/s, "$1"))
    .sort()
}

/** An order for a service, as the content of edit-config. */
export const app = (id: string, a: string, b: string, more = ""): string =>
  `<config xmlns="urn:ietf:params:xml:ns:netconf:base:1.0"><qkd_network xmlns="${NET}"><qkd_apps xmlns="${CON}"><qkd_app><app_id>${id}</app_id><server_app_id>sae-${a}</server_app_id><client_app_id>sae-${b}</client_app_id>${more}</qkd_app></qkd_apps></qkd_network></config>`
export const rpc = (name: string, input: string): Call => ({
  op: "rpc",
  xml: `<${name} xmlns="${CON}">${input}</${name}>`,
})

/** One key, the same at both ends, over ETSI 014. */
export async function sharesKeys(demo: Demo, a: string, b: string): Promise<void> {
  const made = await encKeys(demo, `sae-${a}`, `sae-${b}`)
  assert.equal(made.status, 200, made.body)
  const [key] = (JSON.parse(made.body) as KeyContainer).keys
  assert(key !== undefined)
  const taken = await decKeys(demo, `sae-${b}`, `sae-${a}`, [key.key_ID])
  assert.equal(taken.status, 200, taken.body)
  assert.equal((JSON.parse(taken.body) as KeyContainer).keys[0]?.key, key.key)
}
