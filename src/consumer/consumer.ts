// One tunnel's keys, kept fresh: puts key manager, id channel, bookkeeping and tunnel together, in one role.

import { mkdirSync, readFileSync } from "node:fs"
import path from "node:path"
import { QkdError } from "../errors.js"
import { lockFolder } from "../node/dir-lock.js"
import type { Log } from "../node/log.js"
import type { MutualTls } from "../transport/tls.js"
import { readTlsFiles } from "../transport/tls-files.js"
import type { TunnelSettings } from "./config.js"
import { Etsi014Client } from "../etsi014/client.js"
import { IdClient, listenForIds } from "./id-channel.js"
import type { Binding } from "./id-message.js"
import { Initiator } from "./initiator.js"
import { Responder } from "./responder.js"
import { serveStatus, type TunnelStatus } from "./status.js"
import type { Tunnel } from "./tunnel.js"
import { UsedKeys } from "./used-keys.js"

const POLL_MS = 500
const HELLO_MS = 1000
const RETRY_MIN_MS = 1000

export interface Consumer {
  status(): TunnelStatus
  /** The tunnel is left as it stands. */
  stop(): Promise<void>
}

/** @throws QkdError `in-use` when another process has the folder; of files, listening addresses and certificates */
export async function startConsumer(
  settings: TunnelSettings,
  tunnel: Tunnel,
  log: Log,
): Promise<Consumer> {
  mkdirSync(settings.dir, { recursive: true, mode: 0o700 })
  const undo: (() => unknown)[] = [await lockFolder(settings.dir)]
  const undoAll = async (): Promise<void> => {
    for (const step of undo.reverse()) await step()
  }
  try {
    const used = UsedKeys.open(path.join(settings.dir, `${settings.name}.used`))
    undo.push(() => {
      used.close()
    })
    const kme = await keyManager(settings)
    undo.push(() => {
      kme.close()
    })
    const shared = { tunnel, kme, used, log, pollMs: POLL_MS, now: Date.now }
    const end =
      settings.role === "initiator"
        ? await startInitiator(settings, shared, undo)
        : await startResponder(settings, shared, undo)
    undo.push(() => {
      tunnel.close()
    })
    undo.push(() => end.stop())
    const status = (): TunnelStatus => statusOf(settings, end)
    if (settings.statusSocket !== undefined) {
      const served = await serveStatus(settings.statusSocket, status)
      undo.push(() => served.close())
    }
    end.start()
    return { status, stop: undoAll }
  } catch (error) {
    await undoAll()
    throw error
  }
}

interface Shared {
  readonly tunnel: Tunnel
  readonly kme: Etsi014Client
  readonly used: UsedKeys
  readonly log: Log
  readonly pollMs: number
  readonly now: () => number
}

async function startInitiator(
  settings: TunnelSettings,
  shared: Shared,
  undo: (() => unknown)[],
): Promise<Initiator> {
  const ids = new IdClient({
    ...(await channel(settings)),
    timeoutMs: settings.idChannel.timeoutMs,
  })
  undo.push(() => {
    ids.close()
  })
  return new Initiator({
    ...shared,
    ids,
    binding: bindingOf(settings),
    hash: settings.kdfHash,
    helloMs: HELLO_MS,
    settings: {
      policy: settings.policy,
      hybrid: settings.hybrid,
      intervalMs: settings.intervalMs,
      retryMinMs: RETRY_MIN_MS,
      retryMaxMs: settings.retryMaxMs,
    },
  })
}

async function startResponder(
  settings: TunnelSettings,
  shared: Shared,
  undo: (() => unknown)[],
): Promise<Responder> {
  const responder = new Responder({
    ...shared,
    binding: bindingOf(settings),
    hash: settings.kdfHash,
    policy: settings.policy,
    hybrid: settings.hybrid,
    intervalMs: settings.intervalMs,
  })
  const server = await listenForIds({
    ...(await channel(settings)),
    answer: (request) => responder.answer(request),
    onStranger: (peer, why) => {
      shared.log.warn({ commonName: peer.commonName }, `the id channel refuses a message: ${why}`)
    },
  })
  undo.push(() => server.close())
  return responder
}

async function channel(settings: TunnelSettings): Promise<{
  host: string
  port: number
  tls: MutualTls
  peer: { name: string; pins?: readonly string[] }
  binding: Binding
}> {
  const { idChannel } = settings
  return {
    host: idChannel.host,
    port: idChannel.port,
    tls: await readTlsFiles(idChannel),
    peer: {
      name: idChannel.peerName,
      ...(idChannel.peerPins.length > 0 && { pins: idChannel.peerPins }),
    },
    binding: bindingOf(settings),
  }
}

async function keyManager({ kme }: TunnelSettings): Promise<Etsi014Client> {
  return new Etsi014Client({
    host: kme.host,
    port: kme.port,
    tls: { ...(await readTlsFiles(kme)), ...(kme.tls12 && { minVersion: "TLSv1.2" as const }) },
    ...(kme.pins.length > 0 && { proof: { pins: kme.pins } }),
    timeoutMs: kme.timeoutMs,
    maxConnections: 2,
  })
}

/** @throws QkdError `invalid-value` */
export function readPem(file: string): string {
  try {
    return readFileSync(file, "utf8")
  } catch (cause) {
    throw new QkdError("invalid-value", `cannot read ${file}`, { cause })
  }
}

function bindingOf({ purpose, name, role, saeId, peerSaeId }: TunnelSettings): Binding {
  return role === "initiator"
    ? { purpose, tunnel: name, initiator: saeId, responder: peerSaeId }
    : { purpose, tunnel: name, initiator: peerSaeId, responder: saeId }
}

function statusOf(settings: TunnelSettings, end: Initiator | Responder): TunnelStatus {
  const { up, step, highest, current, alarms } = end.state
  return {
    tunnel: settings.name,
    purpose: settings.purpose,
    role: settings.role,
    policy: settings.policy,
    up,
    step,
    rotations: end.rotations,
    highestGeneration: highest,
    ...(current && { current }),
    ...("dueAtMs" in end.state && {
      next: { atMs: end.state.dueAtMs, failures: end.state.failures },
    }),
    alarms: [...alarms].map(([alarm, { sinceMs, detail }]) => ({ alarm, sinceMs, detail })),
  }
}
