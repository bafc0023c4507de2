// The controller's own configuration file, held against module keyloom-controller-config. Opens nothing that it names.

import { readFileSync } from "node:fs"
import path from "node:path"
import { readConfig } from "../config.js"
import type { Settings } from "../core/settings.js"
import { QkdError } from "../errors.js"
import { Reader } from "../model/etsi015-values.js"
import type { DriftPolicy } from "../model/network.js"
import { readCallHome, readNetconfTls, type NetconfTlsSetting } from "../node/config.js"
import type { Role, TokenEntry } from "../north/access.js"
import type { CallHomeManager } from "../transport/call-home.js"
import { loadYangFiles } from "../transport/yang-files.js"
import { CONTROLLER_CONFIG_MODULES } from "./inventory.js"

const MODULE = "keyloom-controller-config"
const CONTAINER = `${MODULE}:controller`

/** As in the file, where nothing else is said. */
export interface ControllerConfig {
  readonly store_dir: string
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
  readonly drift: DriftPolicy
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
  const config = checked as Omit<ControllerConfig, "netconfTls" | "managers">
  const netconf = new Reader(members, `/${CONTAINER}`, MODULE).child("netconf")
  const base = path.dirname(path.resolve(file))
  return {
    ...config,
    managers: readCallHome(netconf),
    ...(netconf.has("tls") && { netconfTls: readNetconfTls(netconf.child("tls"), base) }),
  }
}
