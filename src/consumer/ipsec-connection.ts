// A connection as the configuration file has it, to what charon's load-conn takes (names as in swanctl.conf). Pure.

import type { ViciMessage } from "./vici-packet.js"

export interface IpsecEnd {
  readonly auth: "pubkey" | "psk"
  readonly id: string
  /** Certificates, PEM; charon has the private key. */
  readonly certificates: readonly string[]
}

export interface IpsecChild {
  readonly name: string
  readonly localTs: readonly string[]
  readonly remoteTs: readonly string[]
  readonly espProposals: readonly string[]
}

export interface IpsecConnection {
  readonly localAddresses: readonly string[]
  readonly remoteAddresses: readonly string[]
  readonly local: IpsecEnd
  readonly remote: IpsecEnd
  readonly proposals: readonly string[]
  /** UDP encapsulation even without NAT. */
  readonly encap: boolean
  readonly dpdDelayS: number
  readonly children: readonly IpsecChild[]
}

/** @param ppk the id to send, and whether an SA without it is refused */
export function connectionSettings(
  connection: IpsecConnection,
  ppk: { readonly ppkId?: string; readonly required: boolean },
): ViciMessage {
  const end = ({ auth, id, certificates }: IpsecEnd): ViciMessage => ({
    auth,
    id,
    ...(certificates.length > 0 && { certs: certificates }),
  })
  return {
    version: "2",
    local_addrs: connection.localAddresses,
    remote_addrs: connection.remoteAddresses,
    // Another SA of the same peer must be able to come up beside the one in use.
    unique: "never",
    mobike: "no",
    encap: connection.encap ? "yes" : "no",
    dpd_delay: `${connection.dpdDelayS}s`,
    ...(connection.proposals.length > 0 && { proposals: connection.proposals }),
    ppk_id: ppk.ppkId,
    ppk_required: ppk.required ? "yes" : "no",
    "local-1": end(connection.local),
    "remote-1": end(connection.remote),
    children: Object.fromEntries(
      connection.children.map((child) => [
        child.name,
        {
          local_ts: child.localTs,
          remote_ts: child.remoteTs,
          mode: "tunnel",
          // The consumer alone starts and ends children; a dead peer's are cleared.
          start_action: "none",
          close_action: "none",
          dpd_action: "clear",
          ...(child.espProposals.length > 0 && { esp_proposals: child.espProposals }),
        },
      ]),
    ),
  }
}
