// The configuration of `keyloom consumer hsm`, from module keyloom-consumer-hsm to native types. Reads no file itself.

import path from "node:path"
import { readConfig } from "../config.js"
import { QkdError } from "../errors.js"
import { Reader } from "../model/etsi015-values.js"
import { type TlsFiles, tlsFilesOf } from "../transport/tls-files.js"
import type { SchemaSource } from "../yang/schema.js"
import type { ImportMode } from "./hsm-token.js"
import type { TokenSetting } from "./token-client.js"

/** YANG modules that `readHsmConfig` needs. */
export const HSM_CONFIG_MODULES = ["keyloom-consumer-hsm", "ietf-inet-types"]

const IMPORT_MODES: readonly ImportMode[] = ["plain", "rsa-oaep", "aes-key-wrap"]

export interface HsmPeerSetting {
  readonly name: string
  readonly saeId: string
  readonly commonName: string
  readonly host: string
  readonly port: number
  readonly hybrid: boolean
  readonly count: number
  readonly lowWatermark: number
  readonly lifetimeMs: number
}

/** File names are absolute. */
export interface HsmSettings {
  readonly site: string
  /** Own SAE, as the key managers know it. */
  readonly saeId: string
  readonly dir: string
  readonly roundMs: number
  readonly token: TokenSetting
  readonly maxTokenKeys: number
  readonly kme: TlsFiles & { readonly host: string; readonly port: number }
  readonly line: TlsFiles & { readonly host: string; readonly port: number }
  readonly peers: readonly HsmPeerSetting[]
  /** Where fillings are ordered in bulk. */
  readonly controller?: {
    readonly url: string
    readonly tokenFile: string
    readonly caFile?: string
    readonly fillWithinMs: number
  }
}

/**
 * @param sources YANG text of `HSM_CONFIG_MODULES`
 * @param baseDir folder that relative file names start from
 * @throws QkdError with the path of the first fault
 */
export function readHsmConfig(
  sources: readonly SchemaSource[],
  text: string,
  baseDir: string,
): HsmSettings {
  const data = readConfig(sources, "keyloom-consumer-hsm:hsm", text)
  const hsm = new Reader(data, "/keyloom-consumer-hsm:hsm", "keyloom-consumer-hsm")
  const file = (reader: Reader, name: string): string =>
    path.resolve(baseDir, required(reader, name))
  const address = (reader: Reader): TlsFiles & { host: string; port: number } => ({
    host: required(reader, "host"),
    port: reader.number("port") ?? 0,
    ...tlsFilesOf((name) => reader.string(name), baseDir),
  })
  const token = hsm.child("token")
  const mode = token.string("import")
  return {
    site: required(hsm, "site"),
    saeId: required(hsm, "sae_id"),
    dir: file(hsm, "dir"),
    roundMs: (hsm.number("round_s") ?? 30) * 1000,
    token: {
      library: file(token, "library"),
      label: required(token, "label"),
      pinFile: file(token, "pin_file"),
      importMode: IMPORT_MODES.find((each) => each === mode) ?? "aes-key-wrap",
    },
    maxTokenKeys: token.number("max_keys") ?? 5000,
    kme: address(hsm.child("kme")),
    line: address(hsm.child("line")),
    peers: hsm.entries("peer", "name").map(peerOf),
    ...(hsm.has("controller") && { controller: controllerOf(hsm.child("controller"), file) }),
  }
}

function controllerOf(
  reader: Reader,
  file: (reader: Reader, name: string) => string,
): NonNullable<HsmSettings["controller"]> {
  return {
    url: required(reader, "url"),
    tokenFile: file(reader, "token_file"),
    ...(reader.has("ca_file") && { caFile: file(reader, "ca_file") }),
    fillWithinMs: (reader.number("fill_within_s") ?? 86_400) * 1000,
  }
}

function peerOf(reader: Reader): HsmPeerSetting {
  const count = reader.number("count") ?? 0
  const lowWatermark = reader.number("low_watermark") ?? Math.floor(count / 2)
  if (count > 0 && lowWatermark >= count) {
    throw new QkdError("invalid-value", "low_watermark is not below count", {
      path: `${reader.path}/low_watermark`,
    })
  }
  return {
    name: required(reader, "name"),
    saeId: required(reader, "sae_id"),
    commonName: required(reader, "common_name"),
    host: required(reader, "host"),
    port: reader.number("port") ?? 0,
    hybrid: reader.boolean("hybrid") ?? false,
    count,
    lowWatermark,
    lifetimeMs: (reader.number("lifetime_s") ?? 7_776_000) * 1000,
  }
}

/** The module says that it is there. */
function required(reader: Reader, name: string): string {
  const value = reader.string(name)
  if (value === undefined) throw new QkdError("missing-element", `${name} is missing`)
  return value
}
