// What a kind of tunnel has to offer so that its keys can be rotated. IPsec and WireGuard each have one of these;
// they know daemons and devices, and nothing of key managers, ids or policies' timing.

import type { Secret } from "../keys/secret.js"

export interface TunnelView {
  /** There is a session, with the protection that the policy asks for. */
  readonly up: boolean
}

/** All methods throw QkdError, app-tag `node-unreachable` when the daemon or device is not there. */
export interface Tunnel {
  /** Also puts right what a restarted daemon has forgotten, and ends sessions that the policy forbids. */
  look(): Promise<TunnelView>
  /** Lays the key in, beside the one in use. Keeps no reference to `key`. */
  install(generation: number, key: Secret): Promise<void>
  /** At the responder, right before the initiator switches. */
  arm(generation: number): Promise<void>
  /** At the initiator: a new session with the new key. @returns what both ends can call it */
  switchTo(generation: number): Promise<string>
  /** At the responder: the session exists here, and with that key. */
  verify(generation: number, session: string): Promise<void>
  /** Older sessions and keys go. */
  retire(generation: number): Promise<void>
  /** The new key and its session go; the old ones stay, or come back. */
  abandon(generation: number): Promise<void>
  /** A session with the last key that was in use (policy `hold-last`). */
  reuse(): Promise<void>
  /** A session without a key of ours (policy `preferred`). */
  bare(): Promise<void>
  /** Forgets secrets held in memory; the tunnel stands. */
  close(): void
}
