// A consumer's configuration, from module keyloom-consumer-config to native types. Reads no file itself.

import path from "node:path"
import { readConfig } from "../config.js"
import { Reader } from "../model/etsi015-values.js"
import { type TlsFiles, tlsFilesOf } from "../transport/tls-files.js"
import type { SchemaSource } from "../yang/schema.js"
import type { KdfHash } from "./combine-keys.js"
import type { Policy } from "./rotation.js"

const MODULE = "keyloom-consumer-config"
/** YANG modules that the readers need. */
export const CONSUMER_CONFIG_MODULES = [MODULE, "ietf-inet-types"]

/** File names are absolute, here and below. */
export interface TunnelSettings {
  readonly purpose: "ipsec" | "wireguard"
  readonly name: string
  readonly role: "initiator" | "responder"
  readonly dir: string
  readonly saeId: string
  readonly peerSaeId: string
  readonly policy: Policy
  readonly intervalMs: number
  readonly retryMaxMs: number
  readonly hybrid: boolean
  readonly kdfHash: KdfHash
  readonly statusSocket?: string
  readonly kme: TlsFiles & {
    readonly host: string
    readonly port: number
    readonly tls12: boolean
    readonly pins: readonly string[]
    readonly timeoutMs: number
  }
  readonly idChannel: TlsFiles & {
    readonly host: string
    readonly port: number
    readonly peerName: string
    readonly peerPins: readonly string[]
    readonly timeoutMs: number
  }
}

export interface IpsecEndSetting {
  readonly auth: "pubkey" | "psk"
  readonly id: string
  readonly certFiles: readonly string[]
}

export interface IpsecSettings {
  readonly tunnel: TunnelSettings
  readonly viciSocket: string
  readonly initiateMs: number
  readonly connection: {
    readonly localAddresses: readonly string[]
    readonly remoteAddresses: readonly string[]
    readonly local: IpsecEndSetting
    readonly remote: IpsecEndSetting
    readonly proposals: readonly string[]
    readonly encap: boolean
    readonly dpdDelayS: number
    readonly children: readonly {
      readonly name: string
      readonly localTs: readonly string[]
      readonly remoteTs: readonly string[]
      readonly espProposals: readonly string[]
    }[]
  }
}

export interface WireguardSettings {
  readonly tunnel: TunnelSettings
  readonly interface: string
  readonly device:
    | { readonly kind: "uapi"; readonly socket: string }
    | { readonly kind: "wg"; readonly namespace?: string }
  readonly handshakeMs: number
  readonly peer: {
    readonly publicKey: string
    readonly endpoint?: string
    readonly allowedIps: readonly string[]
    readonly keepaliveS: number
  }
}

/** @throws QkdError with the path of the first fault */
export function readIpsecConfig(
  sources: readonly SchemaSource[],
  text: string,
  baseDir: string,
): IpsecSettings {
  const root = open(sources, "ipsec", text)
  const connection = root.child("connection")
  const end = (name: string): IpsecEndSetting => {
    const reader = connection.child(name)
    return {
      auth: choice(reader, "auth", ["pubkey", "psk"]),
      id: reader.string("id") ?? "",
      certFiles: reader.strings("cert_file").map((file) => path.resolve(baseDir, file)),
    }
  }
  return {
    tunnel: tunnelOf(root, "ipsec", baseDir),
    viciSocket: fileOf(root, "vici_socket", baseDir),
    initiateMs: root.number("initiate_timeout_ms") ?? 0,
    connection: {
      localAddresses: connection.strings("local_address"),
      remoteAddresses: connection.strings("remote_address"),
      local: end("local"),
      remote: end("remote"),
      proposals: connection.strings("proposal"),
      encap: connection.boolean("encap") ?? false,
      dpdDelayS: connection.number("dpd_delay_s") ?? 0,
      children: connection.entries("child", "name").map((child) => ({
        name: child.string("name") ?? "",
        localTs: child.strings("local_ts"),
        remoteTs: child.strings("remote_ts"),
        espProposals: child.strings("esp_proposal"),
      })),
    },
  }
}

/** @throws QkdError with the path of the first fault */
export function readWireguardConfig(
  sources: readonly SchemaSource[],
  text: string,
  baseDir: string,
): WireguardSettings {
  const root = open(sources, "wireguard", text)
  const peer = root.child("peer")
  const name = root.string("interface") ?? ""
  const endpoint = peer.string("endpoint")
  const namespace = root.string("network_namespace")
  const socket = root.string("uapi_socket") ?? `/var/run/wireguard/${name}.sock`
  return {
    tunnel: tunnelOf(root, "wireguard", baseDir),
    interface: name,
    device:
      choice(root, "device", ["uapi", "wg"]) === "uapi"
        ? { kind: "uapi", socket: path.resolve(baseDir, socket) }
        : { kind: "wg", ...(namespace !== undefined && { namespace }) },
    handshakeMs: root.number("handshake_timeout_ms") ?? 0,
    peer: {
      publicKey: peer.string("public_key") ?? "",
      ...(endpoint !== undefined && { endpoint }),
      allowedIps: peer.strings("allowed_ip"),
      keepaliveS: peer.number("persistent_keepalive_s") ?? 0,
    },
  }
}

function open(sources: readonly SchemaSource[], container: string, text: string): Reader {
  const members = readConfig(sources, `${MODULE}:${container}`, text)
  return new Reader(members, `/${MODULE}:${container}`, MODULE)
}

/** Defaults are filled in and values checked already, by the YANG module. */
function tunnelOf(root: Reader, purpose: "ipsec" | "wireguard", baseDir: string): TunnelSettings {
  const kme = root.child("kme")
  const ids = root.child("id_channel")
  const peerSaeId = root.string("peer_sae_id") ?? ""
  const statusSocket = root.has("status_socket") && fileOf(root, "status_socket", baseDir)
  return {
    purpose,
    name: root.string("name") ?? "",
    role: choice(root, "role", ["initiator", "responder"]),
    dir: fileOf(root, "dir", baseDir),
    saeId: root.string("sae_id") ?? "",
    peerSaeId,
    policy: choice(root, "policy", ["required", "preferred", "hold-last"]),
    intervalMs: 1000 * (root.number("interval_s") ?? 0),
    retryMaxMs: 1000 * (root.number("retry_max_s") ?? 0),
    hybrid: root.boolean("hybrid") ?? false,
    kdfHash: choice(root, "kdf_hash", ["sha256", "sha384"]),
    ...(statusSocket !== false && { statusSocket }),
    kme: {
      ...tlsFilesOf((name) => kme.string(name), baseDir),
      host: kme.string("host") ?? "",
      port: kme.number("port") ?? 0,
      tls12: kme.boolean("tls12") ?? false,
      pins: kme.strings("pin"),
      timeoutMs: kme.number("timeout_ms") ?? 0,
    },
    idChannel: {
      ...tlsFilesOf((name) => ids.string(name), baseDir),
      host: ids.string("host") ?? "",
      port: ids.number("port") ?? 0,
      peerName: ids.string("peer_name") ?? peerSaeId,
      peerPins: ids.strings("peer_pin"),
      timeoutMs: ids.number("timeout_ms") ?? 0,
    },
  }
}

function fileOf(reader: Reader, name: string, baseDir: string): string {
  return path.resolve(baseDir, reader.string(name) ?? "")
}

/** An enumeration, which the module has checked; the first where a default is missing there. */
function choice<T extends string>(reader: Reader, name: string, known: readonly [T, ...T[]]): T {
  return known.find((value) => value === reader.string(name)) ?? known[0]
}
