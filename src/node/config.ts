// The node's own configuration, from module keyloom-node-config to native types. Reads no file itself.

import path from "node:path"
import { readConfig } from "../config.js"
import { Reader } from "../model/etsi015-values.js"
import { CALL_HOME_PORTS, type CallHomeManager } from "../transport/call-home.js"
import { checkCertToName, MAP_TYPES, type CertToName } from "../transport/certificate-names.js"
import { SiteNetworks } from "../transport/site-networks.js"
import { type TlsFiles, tlsFilesOf } from "../transport/tls-files.js"
import { isObject } from "../yang/json-text.js"
import { ACK_MODES, type AckMode } from "./etsi020-client.js"
import { SAE_IDENTITIES, type SaeIdentity } from "./sae-identity.js"
import { ACCESS_GROUPS, type AccessGroup } from "./agent-access.js"
import type { SchemaSource } from "../yang/schema.js"

/** YANG modules that `readNodeConfig` needs. */
export const NODE_CONFIG_MODULES = [
  "keyloom-node-config",
  "keyloom-call-home",
  "ietf-inet-types",
  "ietf-yang-types",
  "ietf-x509-cert-to-name",
]

export interface ListenAddress {
  readonly host: string
  /** 0 takes a free port. */
  readonly port: number
}

export interface ModuleSetting {
  readonly qkdiId: number
  /** Name of the plugin that drives it. */
  readonly driver: string
  /** Where it runs: in a process of its own, or in the node's. */
  readonly process: "own" | "node"
  readonly options: Readonly<Record<string, unknown>>
}

export interface NetconfTlsSetting extends ListenAddress, TlsFiles {
  /** TLS 1.2 too. */
  readonly tls12: boolean
  readonly certToName: readonly CertToName[]
}

export interface NetconfUser {
  readonly name: string
  readonly publicKeys: readonly string[]
  readonly groups: readonly AccessGroup[]
}

/** A token that holds the key under which the sealing key is wrapped. */
export interface SealTokenSetting {
  readonly qkdnId: string
  /** The PKCS#11 library of the token's maker. */
  readonly library: string
  /** Of the token. */
  readonly label: string
  readonly pin:
    | { readonly kind: "file"; readonly file: string }
    | { readonly kind: "credential"; readonly name: string }
  /** The wrapped sealing key. */
  readonly keyFile: string
}

/** Where the 32 bytes that seal the stores come from. */
export type SealingKeySource =
  | { readonly kind: "file"; readonly file: string }
  /** A credential that systemd hands to the service. */
  | { readonly kind: "credential"; readonly name: string }
  /** An environment variable, in base64. */
  | { readonly kind: "variable"; readonly name: string }
  | ({ readonly kind: "token" } & SealTokenSetting)

/** File names are absolute. */
export interface NodeSettings {
  readonly qkdnId: string
  readonly name: string
  readonly location?: string
  readonly dir: string
  readonly sealingKey: SealingKeySource
  readonly auditFile: string
  readonly statisticsPeriodS: number
  readonly statisticsRows: number
  readonly requestTimeoutMs: number
  /** Where keys are delivered; anywhere where absent. */
  readonly siteNetworks?: SiteNetworks
  readonly policy: {
    readonly file: string
    /** Ed25519 public keys, SPKI in base64. */
    readonly signers: readonly string[]
    readonly threshold: number
  }
  readonly netconf: ListenAddress & {
    readonly hostKeyFile: string
    readonly users: readonly NetconfUser[]
    /** Start with the access rules a new node has. */
    readonly resetAccess: boolean
    /** Start without knowing of any controller's term. */
    readonly forgetLeader: boolean
    /** Over TLS as well (RFC 7589). */
    readonly tls?: NetconfTlsSetting
    /** Managers to call (RFC 8071). */
    readonly callHome: readonly CallHomeManager[]
  }
  readonly etsi014: ListenAddress &
    TlsFiles & {
      readonly url?: string
      /** Where SAE certificates carry the id. */
      readonly saeIdentity: SaeIdentity
      readonly maxSaeIdCount: number
      /** Others' key ids are answered as unknown ones. */
      readonly hideForeignKeys: boolean
      /** Processes of their own that serve it; none where 0. */
      readonly outlets: number
    }
  /** SKIP beside it (draft-cisco-skip). */
  readonly skip?: ListenAddress &
    TlsFiles & { readonly remoteSystems: readonly string[]; readonly pskFile?: string }
  /** Key streams (ETSI GS QKD 004). */
  readonly etsi004?: ListenAddress & TlsFiles
  /** Keys to and from neighbouring domains. */
  readonly etsi020?: ListenAddress &
    TlsFiles & { readonly url?: string; readonly mode: AckMode; readonly timeoutMs: number }
  /** Older key of links is erased unused, milliseconds; infinite where nothing is said. */
  readonly linkKey: {
    readonly maxAgeMs: number
    /** Of single links, by qkdl_id. */
    readonly linkMaxAgeMs: ReadonlyMap<string, number>
  }
  /** End keys relayed ahead of demand. */
  readonly keyStock: {
    readonly maxKeys: number
    readonly maxOrderedKeys: number
    readonly maxAgeMs: number
  }
  readonly relay: ListenAddress & {
    readonly advertisedHost?: string
    readonly certFile: string
    readonly keyFile: string
    /** Ed25519 private key, PEM. */
    readonly signingKeyFile: string
  }
  readonly modules: readonly ModuleSetting[]
}

/**
 * The node's configuration out of its file's text.
 *
 * @param sources YANG text of `NODE_CONFIG_MODULES`
 * @param baseDir folder that relative file names start from
 * @throws QkdError with the path of the first fault
 */
export function readNodeConfig(
  sources: readonly SchemaSource[],
  text: string,
  baseDir: string,
): NodeSettings {
  const data = readConfig(sources, "keyloom-node-config:node", text)
  const node = new Reader(data, "/keyloom-node-config:node", "keyloom-node-config")
  const file = (reader: Reader, name: string): string => fileOf(reader, name, baseDir)
  const policy = node.child("policy")
  const netconf = node.child("netconf")
  const etsi014 = node.child("etsi014")
  const relay = node.child("relay")
  const stock = node.child("key_stock")
  const location = node.string("location")
  const url = etsi014.string("url")
  const advertisedHost = relay.string("advertised_host")
  const siteNetworks = readSiteNetworks(node)
  return {
    qkdnId: node.requiredUuid("qkdn_id"),
    name: node.string("name") ?? "",
    ...(location !== undefined && { location }),
    dir: file(node, "dir"),
    auditFile: node.has("audit_file")
      ? file(node, "audit_file")
      : path.join(file(node, "dir"), "audit.log"),
    sealingKey: sealingKeySource(node, baseDir),
    statisticsPeriodS: node.number("statistics_period_s") ?? 60,
    statisticsRows: node.number("statistics_rows") ?? 60,
    requestTimeoutMs: node.number("request_timeout_ms") ?? 5000,
    ...(siteNetworks !== undefined && { siteNetworks }),
    policy: {
      file: file(policy, "file"),
      signers: policy.strings("signer"),
      threshold: policy.number("threshold") ?? 2,
    },
    netconf: {
      ...listen(netconf),
      hostKeyFile: file(netconf, "host_key_file"),
      ...(netconf.has("tls") && { tls: readNetconfTls(netconf.child("tls"), baseDir) }),
      callHome: readCallHome(netconf),
      resetAccess: netconf.boolean("reset_access_rules") ?? false,
      forgetLeader: netconf.boolean("forget_leader") ?? false,
      users: netconf.entries("user", "name").map((user) => ({
        name: user.string("name") ?? "",
        publicKeys: user.strings("public_key"),
        groups: groupsOf(user.strings("group")),
      })),
    },
    etsi014: {
      ...listen(etsi014),
      ...(url !== undefined && { url }),
      ...tlsFiles(etsi014, baseDir),
      saeIdentity:
        SAE_IDENTITIES.find((where) => where === etsi014.string("sae_identity")) ?? "common-name",
      maxSaeIdCount: etsi014.number("max_sae_id_count") ?? 16,
      hideForeignKeys: etsi014.boolean("hide_foreign_keys") ?? false,
      outlets: etsi014.number("outlets") ?? 0,
    },
    ...(node.has("skip") && { skip: readSkip(node.child("skip"), baseDir) }),
    ...(node.has("etsi004") && {
      etsi004: { ...listen(node.child("etsi004")), ...tlsFiles(node.child("etsi004"), baseDir) },
    }),
    ...(node.has("etsi020") && { etsi020: readEtsi020(node.child("etsi020"), baseDir) }),
    linkKey: readLinkKey(node.child("link_key")),
    keyStock: {
      maxKeys: stock.number("max_keys") ?? 4096,
      maxOrderedKeys: stock.number("max_ordered_keys") ?? 65_536,
      maxAgeMs: 1000 * (stock.number("max_age_s") ?? 3600),
    },
    relay: {
      ...listen(relay),
      ...(advertisedHost !== undefined && { advertisedHost }),
      certFile: file(relay, "cert_file"),
      keyFile: file(relay, "key_file"),
      signingKeyFile: file(relay, "signing_key_file"),
    },
    modules: node.entries("module", "qkdi_id").map((module) => {
      const options = module.value("options")
      return {
        qkdiId: module.number("qkdi_id") ?? 0,
        driver: module.string("driver") ?? "",
        process: module.string("process") === "node" ? "node" : "own",
        options: isObject(options) ? options : {},
      }
    }),
  }
}

function readLinkKey(linkKey: Reader): NodeSettings["linkKey"] {
  const maxAgeMs = (reader: Reader): number =>
    1000 * (reader.number("max_age_s") ?? Number.POSITIVE_INFINITY)
  const links = linkKey.entries("link", "qkdl_id")
  return {
    maxAgeMs: maxAgeMs(linkKey),
    linkMaxAgeMs: new Map(links.map((link) => [link.requiredUuid("qkdl_id"), maxAgeMs(link)])),
  }
}

function readSkip(skip: Reader, baseDir: string): NonNullable<NodeSettings["skip"]> {
  const named = skip.strings("remote_system")
  return {
    ...listen(skip),
    ...tlsFiles(skip, baseDir),
    ...(skip.has("psk_file") && { pskFile: fileOf(skip, "psk_file", baseDir) }),
    remoteSystems: named.length === 0 ? ["*"] : named,
  }
}

function readEtsi020(etsi020: Reader, baseDir: string): NonNullable<NodeSettings["etsi020"]> {
  const url = etsi020.string("url")
  return {
    ...listen(etsi020),
    ...tlsFiles(etsi020, baseDir),
    ...(url !== undefined && { url }),
    mode: ACK_MODES.find((mode) => mode === etsi020.string("mode")) ?? "asynchronous",
    timeoutMs: etsi020.number("timeout_ms") ?? 2500,
  }
}

function tlsFiles(reader: Reader, baseDir: string): TlsFiles {
  return tlsFilesOf((name) => reader.string(name), baseDir)
}

function readSealToken(token: Reader, node: Reader, baseDir: string): SealTokenSetting {
  const credential = token.string("pin_credential")
  return {
    qkdnId: node.requiredUuid("qkdn_id"),
    library: fileOf(token, "library", baseDir),
    label: token.string("label") ?? "",
    pin:
      credential === undefined
        ? { kind: "file", file: fileOf(token, "pin_file", baseDir) }
        : { kind: "credential", name: credential },
    keyFile: token.has("key_file")
      ? fileOf(token, "key_file", baseDir)
      : path.join(fileOf(node, "dir", baseDir), "sealing-key.json"),
  }
}

function sealingKeySource(node: Reader, baseDir: string): SealingKeySource {
  if (node.has("sealing_key_token"))
    return { kind: "token", ...readSealToken(node.child("sealing_key_token"), node, baseDir) }
  const credential = node.string("sealing_key_credential")
  if (credential !== undefined) return { kind: "credential", name: credential }
  const variable = node.string("sealing_key_variable")
  if (variable !== undefined) return { kind: "variable", name: variable }
  return { kind: "file", file: fileOf(node, "sealing_key_file", baseDir) }
}

/** A user of whom nothing is said is a controller, as nodes had no other kind before. */
function groupsOf(named: readonly string[]): readonly AccessGroup[] {
  const groups = ACCESS_GROUPS.filter((group) => named.includes(group))
  return groups.length === 0 ? ["controller"] : groups
}

function fileOf(reader: Reader, name: string, baseDir: string): string {
  return path.resolve(baseDir, reader.string(name) ?? "")
}

/** @throws QkdError `invalid-value` for a face that listens outside them */
function readSiteNetworks(node: Reader): SiteNetworks | undefined {
  const prefixes = node.strings("site_networks")
  if (prefixes.length === 0) return undefined
  const networks = new SiteNetworks(prefixes, "/keyloom-node-config:node/site_networks")
  for (const face of ["etsi014", "etsi004", "skip"])
    if (node.has(face))
      networks.checkBind(listen(node.child(face)).host, `/keyloom-node-config:node/${face}/host`)
  return networks
}

function listen(reader: Reader): ListenAddress {
  return { host: reader.string("host") ?? "127.0.0.1", port: reader.number("port") ?? 0 }
}

/**
 * A container `tls` beside users, which looks the same at a controller.
 *
 * @throws QkdError `invalid-value` for a fingerprint that nothing can match.
 */
export function readNetconfTls(tls: Reader, baseDir: string): NetconfTlsSetting {
  return {
    ...listen(tls),
    ...tlsFiles(tls, baseDir),
    tls12: tls.boolean("tls12") ?? false,
    certToName: readCertToName(tls),
  }
}

/**
 * The list `cert-to-name` of RFC 7407 in a container.
 *
 * @throws QkdError `invalid-value` for a fingerprint that nothing can match.
 */
export function readCertToName(tls: Reader): readonly CertToName[] {
  const certToName = tls.entries("cert-to-name", "id").map((entry): CertToName => {
    const name = entry.string("name")
    return {
      id: entry.number("id") ?? 0,
      fingerprint: entry.string("fingerprint") ?? "",
      mapType: entry.identity("map-type", MAP_TYPES) ?? "common-name",
      ...(name !== undefined && { name }),
    }
  })
  checkCertToName(certToName, tls.path)
  return certToName
}

/** The list `call_home` of keyloom-call-home, beside a container `tls`. */
export function readCallHome(netconf: Reader): readonly CallHomeManager[] {
  return netconf.entries("call_home", "name").map((entry) => {
    const transport = entry.string("transport") === "tls" ? "tls" : "ssh"
    const periodS = entry.number("period_s")
    const idleS = entry.number("idle_s")
    return {
      name: entry.string("name") ?? "",
      transport,
      host: entry.string("host") ?? "",
      port: entry.number("port") ?? CALL_HOME_PORTS[transport],
      ...(periodS !== undefined && { periodMs: periodS * 1000 }),
      ...(idleS !== undefined && { idleMs: idleS * 1000 }),
    }
  })
}
