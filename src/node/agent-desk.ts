// The application desk: finds the association that joins two SAEs, or asks the controller for it and waits
// (ETSI GS QKD 015 V1 clause 5.2; for 014 the path must stand when the first call returns). Holds no key.

import { QkdError, type AppTag, type ErrorTag } from "../errors.js"
import type { AppConfig, AppQos } from "../model/app.js"
import type { NodeEvent } from "../model/node.js"
import type { NetconfClock } from "../netconf/clock.js"
import { appStatus } from "./app-board.js"
import type { ApplicationDesk } from "./ports.js"

export interface DeskOptions {
  readonly clock: NetconfClock
  readonly timeoutMs: number
  /** Whether any controller listens for notifications. */
  readonly controllerListens: () => boolean
  readonly tell: (event: NodeEvent) => void
}

/** SAEs that wait at once, over all pairs; beyond it requests are refused (THREATS T4). */
const MAX_WAITING = 4096
const MAX_ASKED = 1024
/** A refusal is remembered so long: a client that asks again at once does not wake the controller. */
const REFUSAL_MEMORY_MS = 500
/** A changed wish of quality is told at most so often an application. */
const QOS_INTERVAL_MS = 5000

interface Waiter {
  resolve(app: AppConfig): void
  reject(error: QkdError): void
}

interface Asked {
  readonly saeId: string
  readonly peerSaeIds: readonly string[]
  readonly waiters: Waiter[]
  readonly cancel: () => void
}

/** Error tags that go with the reasons of `keyloom-node:refuse-application`. */
const TAG_OF_REASON: Readonly<Record<string, ErrorTag>> = {
  "unknown-sae": "data-missing",
  "no-path": "resource-denied",
  "no-capacity": "resource-denied",
  "node-unreachable": "resource-denied",
  "pool-empty": "resource-denied",
  policy: "access-denied",
  unsupported: "operation-not-supported",
  timeout: "operation-failed",
  closed: "operation-failed",
}

export class Desk implements ApplicationDesk {
  readonly #options: DeskOptions
  /** By SAE and by another: every association both belong to, as configured. */
  #byPair = new Map<string, Map<string, AppConfig[]>>()
  readonly #asked = new Map<string, Asked>()
  readonly #refused = new Map<string, QkdError>()
  readonly #qosToldAt = new Map<string, number>()
  #waiting = 0
  #closed = false

  constructor(options: DeskOptions) {
    this.#options = options
  }

  /** The configured applications have changed: whoever waited for one of them gets it. */
  configure(apps: readonly AppConfig[]): void {
    this.#byPair = new Map()
    for (const app of apps) {
      const saes = Array.from(new Set([app.serverAppId, ...app.clientAppIds]))
      for (const saeId of saes)
        for (const peer of saes) if (peer !== saeId) this.#index(saeId, peer, app)
    }
    const known = new Set(apps.map((app) => app.appId))
    for (const appId of this.#qosToldAt.keys()) if (!known.has(appId)) this.#qosToldAt.delete(appId)
    for (const [key, asked] of this.#asked) {
      const app = this.#joining(asked.saeId, asked.peerSaeIds)
      if (app !== undefined)
        this.#settle(key, asked, (waiter) => {
          waiter.resolve(app)
        })
    }
  }

  find(saeId: string, peerSaeId: string): AppConfig | undefined {
    return this.#joining(saeId, [peerSaeId])
  }

  request(saeId: string, peerSaeIds: readonly string[], qos: AppQos): Promise<AppConfig> {
    const app = this.#joining(saeId, peerSaeIds)
    if (app !== undefined) {
      this.#tellChangedWish(app, qos)
      return Promise.resolve(app)
    }
    return this.#ask(saeId, peerSaeIds, qos)
  }

  /** The controller's answer `refuse-application`. @returns how many SAEs it reached */
  refuse(
    serverAppId: string,
    clientAppIds: readonly string[],
    appTag: AppTag,
    reason: string,
  ): number {
    const key = keyOf(serverAppId, clientAppIds)
    const asked = this.#asked.get(key)
    if (asked === undefined) return 0
    const error = new QkdError(TAG_OF_REASON[appTag] ?? "operation-failed", reason, { appTag })
    this.#refused.set(key, error)
    this.#options.clock.after(REFUSAL_MEMORY_MS, () => this.#refused.delete(key))
    return this.#settle(key, asked, (waiter) => {
      waiter.reject(error)
    })
  }

  /** Whoever waits is sent away. */
  close(): void {
    this.#closed = true
    const error = new QkdError("operation-failed", "the node is stopping", { appTag: "closed" })
    for (const [key, asked] of [...this.#asked])
      this.#settle(key, asked, (waiter) => {
        waiter.reject(error)
      })
  }

  #ask(saeId: string, peerSaeIds: readonly string[], qos: AppQos): Promise<AppConfig> {
    const key = keyOf(saeId, peerSaeIds)
    const refused = this.#refused.get(key)
    if (refused !== undefined) return Promise.reject(refused)
    if (this.#closed)
      return Promise.reject(
        new QkdError("operation-failed", "the node is stopping", { appTag: "closed" }),
      )
    // App-tag `timeout`: of those there are, the one whose 014 answer speaks of the controller.
    if (!this.#options.controllerListens())
      return Promise.reject(
        new QkdError("operation-failed", "no controller is connected", { appTag: "timeout" }),
      )
    const known = this.#asked.get(key)
    if (this.#waiting >= MAX_WAITING || (known === undefined && this.#asked.size >= MAX_ASKED))
      return Promise.reject(
        new QkdError("resource-denied", "too many requests wait for the controller"),
      )
    const asked = known ?? this.#open(key, saeId, peerSaeIds)
    const answer = new Promise<AppConfig>((resolve, reject) => {
      asked.waiters.push({ resolve, reject })
    })
    this.#waiting += 1
    if (known === undefined) {
      this.#options.tell({
        kind: "app-new",
        serverAppId: saeId,
        clientAppIds: [...peerSaeIds],
        appType: "CLIENT",
        priority: 0,
        qos,
      })
    }
    return answer
  }

  #open(key: string, saeId: string, peerSaeIds: readonly string[]): Asked {
    const { clock, timeoutMs } = this.#options
    const cancel = clock.after(timeoutMs, () => {
      const late = this.#asked.get(key)
      if (late === undefined) return
      const error = new QkdError(
        "operation-failed",
        `the controller did not answer within ${timeoutMs} ms`,
        { appTag: "timeout" },
      )
      this.#settle(key, late, (waiter) => {
        waiter.reject(error)
      })
    })
    const asked: Asked = { saeId, peerSaeIds: [...peerSaeIds], waiters: [], cancel }
    this.#asked.set(key, asked)
    return asked
  }

  #settle(key: string, asked: Asked, end: (waiter: Waiter) => void): number {
    this.#asked.delete(key)
    asked.cancel()
    this.#waiting -= asked.waiters.length
    for (const waiter of asked.waiters) end(waiter)
    return asked.waiters.length
  }

  #index(saeId: string, peer: string, app: AppConfig): void {
    const peers = this.#byPair.get(saeId) ?? new Map<string, AppConfig[]>()
    this.#byPair.set(saeId, peers)
    const known = peers.get(peer)
    if (known === undefined) peers.set(peer, [app])
    else known.push(app)
  }

  /** One association that joins all of them, is in time and has a link behind it; the SAE's own first. */
  #joining(saeId: string, peerSaeIds: readonly string[]): AppConfig | undefined {
    const now = this.#options.clock.now()
    let fit: AppConfig | undefined
    for (const app of this.#byPair.get(saeId)?.get(peerSaeIds[0] ?? "") ?? []) {
      if (app.type !== "CLIENT" || appStatus(app, now) !== "ON") continue
      if (!joinsAll(app, saeId, peerSaeIds)) continue
      if (app.serverAppId === saeId) return app
      fit ??= app
    }
    return fit
  }

  /** The SAE now wants more than was agreed: sdqkdn_application_qos_update; the old terms hold until then. */
  #tellChangedWish(app: AppConfig, qos: AppQos): void {
    const more =
      (qos.minBps ?? 0) > (app.qos.minBps ?? 0) ||
      (qos.ttlS !== undefined && qos.ttlS !== app.qos.ttlS)
    if (!more) return
    const now = this.#options.clock.now()
    if (now - (this.#qosToldAt.get(app.appId) ?? Number.NEGATIVE_INFINITY) < QOS_INTERVAL_MS) return
    this.#qosToldAt.set(app.appId, now)
    this.#options.tell({
      kind: "app-qos-update",
      appId: app.appId,
      priority: app.priority,
      qos: { ...app.qos, ...qos },
    })
  }
}

function keyOf(saeId: string, peerSaeIds: readonly string[]): string {
  return JSON.stringify([saeId, ...[...new Set(peerSaeIds)].sort()])
}

function joinsAll(app: AppConfig, saeId: string, peerSaeIds: readonly string[]): boolean {
  const { serverAppId, clientAppIds } = app
  for (const peer of peerSaeIds)
    if (peer === saeId || (peer !== serverAppId && !clientAppIds.includes(peer))) return false
  return true
}
