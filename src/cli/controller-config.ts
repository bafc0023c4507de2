// The controller's own configuration file, held against module keyloom-controller-config. Opens nothing that it names.

import { readFileSync } from "node:fs"
import path from "node:path"
import { readConfig } from "../config.js"
import { DEFAULT_SETTINGS, type Settings } from "../core/settings.js"
import type { ReoptimiseTerms } from "../engine/reoptimise.js"
import { QkdError } from "../errors.js"
import { Reader } from "../model/etsi015-values.js"
import type { DriftPolicy } from "../model/network.js"
import {
  readCallHome,
  readCertToName,
  readNetconfTls,
  type NetconfTlsSetting,
} from "../node/config.js"
import type { Role, TokenEntry } from "../north/access.js"
import type { CallHomeManager } from "../transport/call-home.js"
import type { CertToName } from "../transport/certificate-names.js"
import { loadYangFiles } from "../transport/yang-files.js"
import { CONTROLLER_CONFIG_MODULES } from "./inventory.js"

const MODULE = "keyloom-controller-config"
const CONTAINER = `${MODULE}:controller`

/** HTTPS, and client certificates where there is an authority for them. */
export interface HttpTlsSetting {
  readonly certFile: string
  readonly keyFile: string
  readonly caFile?: string
  readonly crlFile?: string
  readonly certToName: readonly CertToName[]
}

/** As in the file, where nothing else is said. */
export interface ControllerConfig {
  readonly store_dir: string
  readonly min_term?: number
  readonly http: { readonly host: string; readonly port: number }
  readonly token: readonly TokenEntry[]
  readonly netconf?: {
    readonly host: string
    readonly port: number
    readonly host_key_file: string
    readonly user: readonly {
      readonly name: string
      readonly public_key?: readonly string[]
      readonly role: Role
    }[]
  }
  /** `http/tls`, file names absolute. */
  readonly httpTls?: HttpTlsSetting
  /** `netconf/tls`, file names absolute. */
  readonly netconfTls?: NetconfTlsSetting
  /** `netconf/call_home`: whom the controller calls. */
  readonly managers: readonly CallHomeManager[]
  readonly call_home?: {
    readonly ssh?: { readonly host: string; readonly port: number }
    readonly tls?: {
      readonly host: string
      readonly port: number
      readonly cert_file: string
      readonly key_file: string
      readonly ca_file: string
    }
  }
  readonly inventory_file?: string
  readonly transaction: {
    readonly mode: Settings["transaction"]
    readonly confirm_timeout_s: number
  }
  readonly restoration: {
    readonly backup_rate: Settings["backupRate"]
    readonly revert_s: number
  }
  readonly surplus: {
    readonly beat_s: number
    readonly step_percent: number
    readonly margin_percent: number
  }
  readonly stock: { readonly floorBits: number; readonly horizon_s: number }
  readonly overload: { readonly above_percent: number; readonly below_percent: number }
  readonly preemption: Settings["preemption"]
  readonly drift: DriftPolicy
  readonly reoptimise: ReoptimiseSetting
}

export interface ReoptimiseSetting {
  readonly enabled: boolean
  readonly periodS: number
  readonly holdOffS: number
  readonly terms: ReoptimiseTerms
}

/** @throws QkdError with the path of the first fault in the file. */
export function readControllerConfig(file: string): ControllerConfig {
  let text: string
  try {
    text = readFileSync(file, "utf8")
  } catch (error) {
    throw new QkdError("invalid-value", `cannot read ${file}`, { cause: error })
  }
  const members = readConfig(loadYangFiles(CONTROLLER_CONFIG_MODULES), CONTAINER, text)
  const checked: unknown = members
  const config = checked as Omit<
    ControllerConfig,
    "httpTls" | "netconfTls" | "managers" | "reoptimise" | "stock"
  >
  const controller = new Reader(members, `/${CONTAINER}`, MODULE)
  const [http, netconf] = [controller.child("http"), controller.child("netconf")]
  const base = path.dirname(path.resolve(file))
  return {
    ...config,
    managers: readCallHome(netconf),
    reoptimise: reoptimiseSetting(controller.child("reoptimise")),
    stock: stockSetting(controller.child("stock")),
    ...(http.has("tls") && { httpTls: httpTls(http.child("tls"), base) }),
    ...(netconf.has("tls") && { netconfTls: readNetconfTls(netconf.child("tls"), base) }),
  }
}

/** What the file says of how decisions are made. */
export function settingsOf(config: ControllerConfig): Settings {
  return {
    ...DEFAULT_SETTINGS,
    transaction: config.transaction.mode,
    confirmTimeoutS: config.transaction.confirm_timeout_s,
    backupRate: config.restoration.backup_rate,
    revertMs: config.restoration.revert_s * 1000,
    surplusBeatMs: config.surplus.beat_s * 1000,
    surplusStepShare: config.surplus.step_percent / 100,
    surplusMarginShare: config.surplus.margin_percent / 100,
    stockFloorBits: config.stock.floorBits,
    stockHorizonMs: config.stock.horizon_s * 1000,
    overloadAbove: config.overload.above_percent / 100,
    overloadBelow: config.overload.below_percent / 100,
    preemption: config.preemption,
    drift: config.drift,
  }
}

function httpTls(tls: Reader, base: string): HttpTlsSetting {
  const file = (name: string): string => path.resolve(base, tls.string(name) ?? "")
  return {
    certFile: file("cert_file"),
    keyFile: file("key_file"),
    ...(tls.has("ca_file") && { caFile: file("ca_file") }),
    ...(tls.has("crl_file") && { crlFile: file("crl_file") }),
    certToName: readCertToName(tls),
  }
}

/** A 64-bit number is a text in JSON (RFC 7951, 6.1). */
function stockSetting(stock: Reader): ControllerConfig["stock"] {
  return {
    floorBits: Number(stock.counter("floor_bits") ?? 0n),
    horizon_s: stock.number("horizon_s") ?? 0,
  }
}

/** Every default is in the module, so each leaf is there. */
function reoptimiseSetting(reoptimise: Reader): ReoptimiseSetting {
  return {
    enabled: reoptimise.boolean("enabled") ?? false,
    periodS: reoptimise.number("period_s") ?? 0,
    holdOffS: reoptimise.number("hold_off_s") ?? 0,
    terms: {
      maxMoves: reoptimise.number("max_moves") ?? 0,
      moveCost: reoptimise.number("least_gain") ?? 0,
    },
  }
}
