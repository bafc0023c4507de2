// What access rules cost on a node with 10,000 applications: reading all of it, changing one leaf, calling an rpc.
// Run: npx tsx bench/access.ts

import { performance } from "node:perf_hooks"
import { Nacm } from "../src/netconf/nacm.js"
import { NACM } from "../src/netconf/nacm-config.js"
import { withAccessRules } from "../src/node/agent-access.js"
import { agentSchema } from "../src/node/agent-schema.js"
import type { JsonObject } from "../src/yang/json-text.js"

const APPS = 10_000
const ROUNDS = 200
const NODE = "etsi-qkd-sdn-node:qkd_node"
const CALLER = { sessionId: 1, username: "x", address: "", groups: ["controller"] }

const uuid = (n: number): string => `00000000-0000-4000-8000-${n.toString().padStart(12, "0")}`
const app = (n: number, server = `a${n}`): JsonObject => ({
  app_id: uuid(n),
  server_app_id: server,
  client_app_id: ["b"],
  app_qos: { max_bandwidth: 3 },
})
const tree = (apps: readonly JsonObject[]): JsonObject => ({
  [NODE]: { qkdn_id: uuid(0), qkd_applications: { qkd_app: apps } },
})

const apps = Array.from({ length: APPS }, (_, n) => app(n))
const before = tree(apps)
const after = tree(apps.map((one, n) => (n === APPS / 2 ? app(n, "z") : one)))
const keyed: JsonObject = {
  "rule-list": [
    {
      name: "one application is hidden",
      group: ["controller"],
      rule: [
        {
          name: "hidden",
          path: `/${NODE}/qkd_applications/qkd_app[app_id='${uuid(7)}']`,
          action: "deny",
        },
        { name: "all else", action: "permit" },
      ],
    },
  ],
}

const schema = agentSchema()
for (const [what, rules] of [
  ["the rules of a new node", withAccessRules({})[NACM]],
  ["a rule with a key in its path", keyed],
] as const) {
  if (rules === undefined) continue
  const running = { ...before, [NACM]: rules }
  const next = { ...after, [NACM]: rules }
  const nacm = new Nacm({ schema, running: () => running })
  console.log(what)
  print("read all", () => nacm.readable(CALLER, running))
  print("change one leaf", () => {
    nacm.checkWrite(CALLER, running, next)
  })
  print("call an rpc", () =>
    nacm.mayExec(CALLER, { module: "keyloom-node", name: "refuse-application" }),
  )
}

function print(name: string, work: () => unknown): void {
  work()
  const us = Array.from({ length: ROUNDS }, () => {
    const start = performance.now()
    work()
    return (performance.now() - start) * 1000
  }).sort((a, b) => a - b)
  const at = (share: number): string => (us[Math.floor(ROUNDS * share)] ?? 0).toFixed(1)
  console.log(`  ${name}: median ${at(0.5)} us, 99th percentile ${at(0.99)} us`)
}
