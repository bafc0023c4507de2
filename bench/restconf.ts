// RESTCONF as a function over an ETSI node of 10,000 links: how long one request takes, without sockets.
// Run: npx tsx bench/restconf.ts

import type { NetconfBackend } from "../src/netconf/backend.js"
import { Datastore } from "../src/netconf/datastore.js"
import type { RestconfAnswer } from "../src/restconf/message.js"
import { Restconf } from "../src/restconf/restconf.js"
import { loadYangFiles } from "../src/transport/yang-files.js"
import { compileSchema } from "../src/yang/schema.js"

const LINKS = 10_000
const id = (n: number): string => `${n.toString(16).padStart(8, "0")}-1111-4111-8111-111111111111`
const IMPORTS = ["ietf-yang-types", "ietf-inet-types"]

const schema = compileSchema(
  loadYangFiles(["etsi-qkd-sdn-node", "etsi-qkd-node-types", ...IMPORTS]),
)
const backend: NetconfBackend = {
  schema,
  state: () => ({}),
  prepareEdit: () => Promise.resolve({ commit: () => Promise.resolve() }),
}
const links = Array.from({ length: LINKS }, (_, n) => ({
  qkdl_id: id(n),
  qkdl_enable: true,
  qkdl_local: { qkdn_id: id(1) },
  qkdl_remote: { qkdn_id: id(2) },
  qkdl_type: "etsi-qkd-node-types:PHYS",
}))
const datastore = new Datastore(backend, {
  "etsi-qkd-sdn-node:qkd_node": { qkdn_id: id(1), qkd_links: { qkd_link: links } },
})
const restconf = new Restconf({
  backend,
  datastore,
  own: compileSchema(loadYangFiles(["ietf-restconf-monitoring", ...IMPORTS]), {
    implement: ["ietf-restconf-monitoring"],
  }),
  now: () => 0,
})

function ask(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body = "",
): Promise<RestconfAnswer> {
  return restconf.handle({
    method,
    target: `/restconf/data/etsi-qkd-sdn-node:qkd_node${path}`,
    origin: "https://localhost",
    headers,
    body: new TextEncoder().encode(body),
    caller: { sessionId: 0, username: "bench", address: "" },
  })
}

async function measure(
  name: string,
  times: number,
  work: (n: number) => Promise<RestconfAnswer>,
): Promise<void> {
  const took: number[] = []
  for (let n = 0; n < times; n++) {
    const from = performance.now()
    const answer = await work(n)
    took.push(performance.now() - from)
    if (answer.status >= 400) throw new Error(`${name}: ${answer.status} ${answer.body ?? ""}`)
  }
  took.sort((a, b) => a - b)
  const at = (share: number): string => (took[Math.floor(share * (times - 1))] ?? 0).toFixed(3)
  console.log(`${name.padEnd(48)} median ${at(0.5)} ms, 99th ${at(0.99)} ms`)
}

const link = (n: number): string => `/qkd_links/qkd_link=${id((n * 7919) % LINKS)}`
const JSON_BODY = { "content-type": "application/yang-data+json" }
const JSON_PATCH = { "content-type": "application/yang-patch+json" }
const XML = { accept: "application/yang-data+xml" }

await measure("GET all, JSON", 20, () => ask("GET", ""))
await measure("GET all, XML", 20, () => ask("GET", "", XML))
await measure("GET all, not modified", 200, async () => {
  const { headers } = await ask("HEAD", "?depth=1")
  return ask("GET", "", { "if-none-match": headers["ETag"] ?? "" })
})
await measure("GET one link", 2000, (n) => ask("GET", link(n)))
await measure("GET fields of all", 20, () => ask("GET", "?fields=qkd_links/qkd_link(qkdl_enable)"))
await measure("PUT one leaf", 500, (n) =>
  ask(
    "PUT",
    `${link(n)}/qkdl_enable`,
    JSON_BODY,
    `{"etsi-qkd-sdn-node:qkdl_enable":${n % 2 === 0}}`,
  ),
)
await measure("PATCH one link with If-Match", 500, async (n) => {
  const { headers } = await ask("HEAD", link(n))
  const body = {
    "etsi-qkd-sdn-node:qkd_link": [{ qkdl_id: id((n * 7919) % LINKS), qkdl_enable: n % 3 === 0 }],
  }
  return ask(
    "PATCH",
    link(n),
    { ...JSON_BODY, "if-match": headers["ETag"] ?? "" },
    JSON.stringify(body),
  )
})
await measure("YANG Patch of 100 links", 20, (n) => {
  const edit = Array.from({ length: 100 }, (_, i) => ({
    "edit-id": String(i),
    operation: "merge",
    target: `${link(i + 100 * n)}/qkdl_enable`,
    value: { "etsi-qkd-sdn-node:qkdl_enable": n % 2 === 1 },
  }))
  const body = { "ietf-yang-patch:yang-patch": { "patch-id": "p", edit } }
  return ask("PATCH", "", JSON_PATCH, JSON.stringify(body))
})
