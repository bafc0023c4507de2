// Many light node agents in one process, for bench/scale.ts: the real agent behind a real NETCONF server over SSH, each
// on a port of its own, without key manager and modules, its configuration in memory.

import { NetconfServer } from "../src/netconf/server.js"
import { Agent } from "../src/node/agent.js"
import type { SitePolicyGuard } from "../src/node/agent-policy.js"
import { agentSchema } from "../src/node/agent-schema.js"
import { memoryConfigStore } from "../src/node/config-store.js"
import { SILENT } from "../src/node/log.js"
import { systemClock } from "../src/transport/ssh-clock.js"
import { generateSshKey } from "../src/transport/ssh-keys.js"
import { listenNetconfSsh } from "../src/transport/ssh.js"
import { withGroups } from "../src/node/agent-access.js"

export const USERNAME = "controller"

export type AgentsRequest =
  | {
      readonly kind: "open"
      readonly first: number
      readonly count: number
      readonly publicKey: string
    }
  /** Raises an alarm at an agent whose message is the time, microseconds of the machine's steady clock. */
  | { readonly kind: "alarm"; readonly agent: number }
  /** Asks how many of the agents hold links. */
  | { readonly kind: "count" }

export type AgentsAnswer =
  | { readonly kind: "opened"; readonly agents: readonly OpenedAgent[] }
  | { readonly kind: "counted"; readonly configured: number }

export interface OpenedAgent {
  readonly number: number
  readonly port: number
  readonly hostKeyFingerprint: string
}

export function qkdnIdOf(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}`
}

export function steadyUs(): bigint {
  return process.hrtime.bigint() / 1000n
}

const agents = new Map<number, Agent>()

async function open(number: number, publicKey: string): Promise<OpenedAgent> {
  const guard: SitePolicyGuard = {
    version: 1,
    saeIds: [`sae-${number}`],
    mayConfigureLink: () => undefined,
    mayConfigureApp: () => undefined,
    mayConfigurePeer: () => undefined,
  }
  const agent = await Agent.open({
    qkdnId: qkdnIdOf(number),
    version: "bench",
    qkdiIds: [1, 2],
    statisticsPeriodS: 60,
    statisticsRows: 10,
    requestTimeoutMs: 5000,
    schema: schema,
    store: memoryConfigStore(),
    guard,
    clock: systemClock,
    log: SILENT,
  })
  const server = new NetconfServer({ backend: agent, initial: agent.initial, clock: systemClock })
  agent.attachServer(server)
  agent.attachBelow({
    info: () => ({
      etsi014Url: `https://127.0.0.1:${20_000 + number}`,
      relayHost: "127.0.0.1",
      relayPort: 10_000 + number,
      saeIds: guard.saeIds,
      policyVersion: 1,
    }),
    configure: () => undefined,
    poolFigures: () => undefined,
    deliveredBits: () => 0n,
  })
  const listener = await listenNetconfSsh({
    server: withGroups(server, (name) => (name === USERNAME ? [USERNAME] : [])),
    host: "127.0.0.1",
    port: 0,
    hostKey: generateSshKey().privateKey,
    users: new Map([[USERNAME, [publicKey]]]),
  })
  agent.start()
  agents.set(number, agent)
  return { number, port: listener.port, hostKeyFingerprint: listener.hostKeyFingerprint }
}

const schema = agentSchema()

async function serve(request: AgentsRequest): Promise<void> {
  const answer = (value: AgentsAnswer): void => {
    process.send?.(value)
  }
  switch (request.kind) {
    case "open": {
      const opened: OpenedAgent[] = []
      for (let n = 0; n < request.count; n++)
        opened.push(await open(request.first + n, request.publicKey))
      answer({ kind: "opened", agents: opened })
      break
    }
    case "count": {
      const configured = [...agents.values()].filter((agent) => agent.effective.links.length > 0)
      answer({ kind: "counted", configured: configured.length })
      break
    }
    case "alarm": {
      const resource = { kind: "interface", qkdiId: 1 } as const
      const message = `raised at ${steadyUs()}`
      agents.get(request.agent)?.tell({ kind: "alarm", resource, message, severity: "MINOR" })
      break
    }
  }
}

process.on("message", (request: AgentsRequest) => {
  void serve(request)
})
process.once("disconnect", () => process.exit(0))
