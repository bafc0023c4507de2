// What the agent's tests share: a clock that is moved by hand, ids, and small configurations.

import type { AppConfig } from "../../src/model/app.js"
import type { PhysLinkConfig, VirtLinkConfig } from "../../src/model/link.js"
import type { NodeConfig } from "../../src/model/node.js"
import type { NetconfClock } from "../../src/netconf/clock.js"
import type { PoolFigures } from "../../src/node/ports.js"

export const SELF = "11111111-1111-4111-8111-111111111111"
export const WEST = "22222222-2222-4222-8222-222222222222"
export const EAST = "33333333-3333-4333-8333-333333333333"
export const FAR = "44444444-4444-4444-8444-444444444444"
export const TO_WEST = "aaaaaaaa-0000-4000-8000-000000000001"
export const TO_EAST = "aaaaaaaa-0000-4000-8000-000000000002"
export const TO_EAST_2 = "aaaaaaaa-0000-4000-8000-000000000003"
export const RELAY = "aaaaaaaa-0000-4000-8000-000000000010"
export const APP = "bbbbbbbb-0000-4000-8000-000000000001"

/** Time stands still until `pass` moves it; alarms go off on the way, in order. */
export class HandClock implements NetconfClock {
  #nowMs = Date.parse("2026-11-23T12:00:00Z")
  #alarms: { at: number; alarm: () => void }[] = []

  now(): number {
    return this.#nowMs
  }

  after(ms: number, alarm: () => void): () => void {
    const entry = { at: this.#nowMs + ms, alarm }
    this.#alarms.push(entry)
    return () => {
      this.#alarms = this.#alarms.filter((other) => other !== entry)
    }
  }

  pass(ms: number): void {
    const until = this.#nowMs + ms
    for (;;) {
      const [next] = this.#alarms.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)
      if (next === undefined) break
      this.#alarms = this.#alarms.filter((other) => other !== next)
      this.#nowMs = Math.max(this.#nowMs, next.at)
      next.alarm()
    }
    this.#nowMs = until
  }
}

export function physLink(
  qkdlId: string,
  qkdiId: number,
  remote: string,
  more: Partial<PhysLinkConfig> = {},
): PhysLinkConfig {
  return {
    type: "PHYS",
    qkdlId,
    enabled: true,
    local: { qkdnId: SELF, qkdiId },
    remote: { qkdnId: remote, qkdiId: 1 },
    ...more,
  }
}

export function relayLink(more: Partial<VirtLinkConfig> = {}): VirtLinkConfig {
  return {
    type: "VIRT",
    qkdlId: RELAY,
    enabled: true,
    local: { qkdnId: WEST },
    remote: { qkdnId: EAST },
    prevHop: WEST,
    nextHops: [EAST],
    bandwidthBps: 400,
    ...more,
  }
}

export function clientApp(more: Partial<AppConfig> = {}): AppConfig {
  return {
    appId: APP,
    type: "CLIENT",
    serverAppId: "sae-self",
    clientAppIds: ["sae-west"],
    priority: 0,
    qos: { minBps: 100 },
    backingQkdlIds: [TO_WEST],
    localQkdnId: SELF,
    remoteQkdnId: WEST,
    ...more,
  }
}

export function nodeConfig(more: Partial<NodeConfig> = {}): NodeConfig {
  return {
    qkdnId: SELF,
    links: [physLink(TO_WEST, 1, WEST), physLink(TO_EAST, 2, EAST)],
    apps: [],
    peers: [],
    ...more,
  }
}

export function pool(stockBits: number, authenticationBits = 0n, consumedBits = 0n): PoolFigures {
  return { stockBits, generatedBits: 0n, consumedBits, authenticationBits }
}
