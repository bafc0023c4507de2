// How a node is reached, between keyloom-network's `management` container and native form.

import type { JsonObject } from "../yang/json-text.js"
import { compact, type Reader } from "./etsi015-values.js"
import type { NodeTarget } from "./network.js"

export function targetToData(target: NodeTarget): JsonObject {
  const { tls } = target
  return compact({
    call_home: target.callHome === true,
    host: written(target.host),
    port: target.port,
    username: written(target.username),
    private_key_file: written(target.privateKeyFile),
    host_key_fingerprint: written(target.hostKeyFingerprint),
    tls:
      tls &&
      compact({
        cert_file: written(tls.certFile),
        key_file: written(tls.keyFile),
        ca_file: written(tls.caFile),
        server_key_sha256: tls.serverKeySha256,
      }),
  })
}

/** What a valid `management` says. */
export function targetFromData(management: Reader): NodeTarget {
  const tls = management.child("tls")
  const callHome = management.boolean("call_home") === true
  return {
    // Whoever calls is not called: what else is said of him must not make another target of the same node.
    host: callHome ? "" : (management.string("host") ?? ""),
    port: management.number("port") ?? 830,
    username: management.string("username") ?? "",
    privateKeyFile: management.string("private_key_file") ?? "",
    hostKeyFingerprint: management.string("host_key_fingerprint") ?? "",
    ...(callHome && { callHome }),
    ...(management.has("tls") && {
      tls: {
        certFile: tls.string("cert_file") ?? "",
        keyFile: tls.string("key_file") ?? "",
        caFile: tls.string("ca_file") ?? "",
        serverKeySha256: tls.string("server_key_sha256") ?? "",
      },
    }),
  }
}

function written(text: string): string | undefined {
  return text === "" ? undefined : text
}
