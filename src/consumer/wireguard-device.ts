// What rotation needs of a WireGuard interface; wireguard-uapi.ts and wireguard-tool.ts each reach one.

import { QkdError } from "../errors.js"
import type { Secret } from "../keys/secret.js"

export interface WireguardPeer {
  /** Of the current session, by this machine's clock; 0 before the first. */
  readonly lastHandshakeMs: number
  /** The caller wipes it; absent where the peer has none. */
  readonly presharedKey?: Secret
}

/** What the peer entry is made of, its preshared key aside. */
export interface WireguardPeerTerms {
  /** Base64, as wg prints it. */
  readonly publicKey: string
  readonly endpoint?: string
  readonly allowedIps: readonly string[]
  readonly keepaliveS: number
}

/** All methods throw QkdError, app-tag `node-unreachable` when there is no such interface. */
export interface WireguardDevice {
  peer(publicKey: string): Promise<WireguardPeer | undefined>
  /** Changes nothing but the preshared key: the session in use goes on. */
  setPresharedKey(publicKey: string, key: Secret | undefined): Promise<void>
  /**
   * Takes the peer out and puts it in again, in one go: its session is gone, and with a keepalive or traffic the
   * interface makes a new one at once instead of waiting for the next turn of its timers.
   */
  renew(terms: WireguardPeerTerms, key: Secret | undefined): Promise<void>
  remove(publicKey: string): Promise<void>
}

export function noInterface(name: string, cause?: unknown): QkdError {
  const why = cause instanceof Error ? `: ${cause.message}` : ""
  return new QkdError("operation-failed", `WireGuard interface ${name} cannot be reached${why}`, {
    appTag: "node-unreachable",
    cause,
  })
}
