// `keyloom consumer hsm`: the service that keeps a token filled, and the commands beside it.

import { existsSync, readFileSync } from "node:fs"
import path from "node:path"
import { HSM_CONFIG_MODULES, type HsmSettings, readHsmConfig } from "../consumer/hsm-config.js"
import { HsmIndex, type IndexedKey, type KeyState } from "../consumer/hsm-index.js"
import { openFile, sealFile } from "../consumer/hsm-seal.js"
import type { OrderStatus } from "../consumer/hsm-orders.js"
import type { Watch } from "../consumer/hsm-ports.js"
import { HsmService, type HsmStatus, statusFile } from "../consumer/hsm-service.js"
import { openToken } from "../consumer/token-client.js"
import { QkdError } from "../errors.js"
import { loadYangFiles } from "../transport/yang-files.js"
import { exitWhenStopped } from "./exit.js"
import { orderDeskAt } from "./hsm-order-desk.js"
import { roleLog } from "./log.js"
import { refuseMemoryDoors } from "./memory-doors.js"
import { untilAsked } from "./until-asked.js"

const STATES: readonly KeyState[] = ["importing", "imported", "ready", "used", "retiring"]

function settingsOf(file: string): HsmSettings {
  let text: string
  try {
    text = readFileSync(file, "utf8")
  } catch (cause) {
    throw new QkdError("invalid-value", `cannot read ${file}`, { cause })
  }
  try {
    const base = path.dirname(path.resolve(file))
    return readHsmConfig(loadYangFiles(HSM_CONFIG_MODULES), text, base)
  } catch (error) {
    if (!(error instanceof QkdError)) throw error
    throw new QkdError(error.tag, `${file}: ${error.message}`, { cause: error })
  }
}

export async function runHsm(options: { readonly config: string }): Promise<void> {
  refuseMemoryDoors()
  const stop = untilAsked()
  const log = roleLog("consumer-hsm")
  const settings = settingsOf(options.config)
  const watch: Watch = {
    alarm: (event, detail) => {
      log.warn({ event, ...detail }, event)
    },
    note: (event, detail) => {
      log.info({ event, ...detail }, event)
    },
  }
  const { controller } = settings
  const desk = controller === undefined ? undefined : orderDeskAt(controller)
  const service = await HsmService.start(settings, watch, desk)
  log.info({ event: "listening", port: service.port }, "listening")
  process.send?.({ kind: "ready" })
  try {
    await Promise.race([stop.asked, service.failed])
  } catch (fault) {
    await service.stop()
    throw fault
  }
  await exitWhenStopped(service.stop())
}

export async function hsmStatus(options: {
  readonly config: string
  readonly json?: boolean
}): Promise<void> {
  const settings = settingsOf(options.config)
  const keys = await keysIn(indexDir(settings))
  const peers = settings.peers.map(({ name }) => ({
    peer: name,
    out: counts(keys, name, "out"),
    in: counts(keys, name, "in"),
  }))
  const last = lastStatus(settings)
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ site: settings.site, service: last, peers })}\n`)
    return
  }
  process.stdout.write(
    `site ${settings.site}, token ${settings.token.label}: ${last?.token ?? "service never ran"}\n`,
  )
  for (const { peer, out, in: taken } of peers) {
    process.stdout.write(
      `${peer}\n  to seal with: ${out.ready} ready, ${unproven(out)} being proven, ${out.used} used\n` +
        `  to open with: ${taken.ready} ready, ${unproven(taken)} being proven, ${taken.used} used\n`,
    )
    const state = last?.peers.find((each) => each.peer === peer)
    if (state?.lastRoundAt !== undefined)
      process.stdout.write(`  last round: ${state.lastRoundAt}\n`)
    if (state?.lastFault !== undefined) process.stdout.write(`  last fault: ${state.lastFault}\n`)
    if (state?.order !== undefined) process.stdout.write(`  bulk order: ${wordsOf(state.order)}\n`)
  }
}

function wordsOf(order: OrderStatus): string {
  const { orderId, state, keys = 0, deliveredKeys = 0, forecast, late, fault } = order
  if (orderId === undefined) return fault ?? "none"
  const when = forecast === undefined ? "" : `, all by ${forecast}${late === true ? " (late)" : ""}`
  const trouble = fault === undefined ? "" : `; ${fault}`
  return `${state ?? ""}, ${deliveredKeys} of ${keys} keys${when} (${orderId})${trouble}`
}

function counts(
  keys: readonly IndexedKey[],
  peer: string,
  way: IndexedKey["way"],
): Record<KeyState, number> {
  const of = (state: KeyState): number =>
    keys.filter((key) => key.peer === peer && key.way === way && key.state === state).length
  return Object.fromEntries(STATES.map((state) => [state, of(state)])) as Record<KeyState, number>
}

function indexDir({ dir }: HsmSettings): string {
  return path.join(dir, "index")
}

/** Only the service makes an index: one that a command run by root had made would shut the service's user out. */
function existingIndex(settings: HsmSettings): HsmIndex {
  const dir = indexDir(settings)
  if (existsSync(dir)) return new HsmIndex(dir)
  throw new QkdError("data-missing", `there is no index ${dir}: the service has not run yet`)
}

async function keysIn(dir: string): Promise<IndexedKey[]> {
  if (!existsSync(dir)) return []
  const index = new HsmIndex(dir)
  const keys = index.all()
  await index.close()
  return keys
}

function unproven({ importing, imported }: Readonly<Record<KeyState, number>>): number {
  return importing + imported
}

function lastStatus(settings: HsmSettings): HsmStatus | undefined {
  try {
    return JSON.parse(readFileSync(statusFile(settings), "utf8")) as HsmStatus
  } catch {
    return undefined
  }
}

export async function hsmSeal(
  input: string,
  options: { readonly config: string; readonly peer?: string; readonly output?: string },
): Promise<void> {
  const settings = settingsOf(options.config)
  const peer = peerOf(settings, options.peer)
  const output = options.output ?? `${input}.sealed`
  const index = existingIndex(settings)
  try {
    const token = await openToken({ ...settings.token, importMode: "plain" })
    try {
      const keyId = await sealFile(index, token, peer, { input, output }, Date.now())
      process.stdout.write(`${output}: sealed for ${peer} under key ${keyId}\n`)
    } finally {
      await token.close()
    }
  } finally {
    await index.close()
  }
}

export async function hsmOpen(
  input: string,
  options: { readonly config: string; readonly output?: string },
): Promise<void> {
  const settings = settingsOf(options.config)
  const output =
    options.output ?? (input.endsWith(".sealed") ? input.slice(0, -7) : `${input}.opened`)
  const token = await openToken({ ...settings.token, importMode: "plain" })
  try {
    const keyId = await openFile(token, { input, output })
    process.stdout.write(`${output}: opened with key ${keyId}\n`)
  } finally {
    await token.close()
  }
}

/** Marks keys of ours for destruction; the service carries it out at both ends. */
export async function hsmDestroy(
  keyIds: readonly string[],
  options: { readonly config: string },
): Promise<void> {
  const settings = settingsOf(options.config)
  const index = existingIndex(settings)
  try {
    for (const keyId of keyIds) {
      const key = index.get(keyId)
      if (key === undefined) throw new QkdError("data-missing", `there is no key ${keyId}`)
      if (key.way === "in") {
        throw new QkdError("invalid-value", `key ${keyId} is ${key.peer}'s: it is destroyed there`)
      }
    }
    const going = index.change(keyIds, ["imported", "ready", "used"], (key) => ({
      ...key,
      state: "retiring",
    }))
    process.stdout.write(`${going.length} to be destroyed here and at the peer\n`)
  } finally {
    await index.close()
  }
}

function peerOf(settings: HsmSettings, named: string | undefined): string {
  const names = settings.peers.map(({ name }) => name)
  if (named !== undefined && !names.includes(named)) {
    throw new QkdError("invalid-value", `${named} is no peer; there are ${names.join(", ")}`)
  }
  const [only, ...more] = names
  const peer = named ?? (more.length === 0 ? only : undefined)
  if (peer === undefined) {
    throw new QkdError("missing-element", `--peer is needed: one of ${names.join(", ")}`)
  }
  return peer
}
