// Our NETCONF server in a process of its own, for benches: the module `bench-links`, a configuration in memory.
// Told what to hold by its parent's first message; answers with where it listens.

import { readFileSync } from "node:fs"
import type { NetconfBackend } from "../src/netconf/backend.js"
import { NetconfServer } from "../src/netconf/server.js"
import { systemClock } from "../src/transport/ssh-clock.js"
import { generateSshKey } from "../src/transport/ssh-keys.js"
import { listenNetconfSsh } from "../src/transport/ssh.js"
import { loadYangFiles } from "../src/transport/yang-files.js"
import type { JsonObject } from "../src/yang/json-text.js"
import { compileSchema } from "../src/yang/schema.js"

export interface ServeRequest {
  readonly initial: JsonObject
  readonly username: string
  readonly publicKey: string
  /** Modules whose abilities the server has, beside its own. */
  readonly implement?: readonly string[]
}

export interface Served {
  readonly port: number
  readonly hostKeyFingerprint: string
}

async function serve({
  initial,
  username,
  publicKey,
  implement = [],
}: ServeRequest): Promise<void> {
  const text = readFileSync(new URL("links.yang", import.meta.url), "utf8")
  const others = loadYangFiles([
    "ietf-netconf-notifications",
    "ietf-inet-types",
    "ietf-yang-types",
    "ietf-netconf",
    "ietf-netconf-acm",
    "ietf-netconf-with-defaults",
  ])
  const backend: NetconfBackend = {
    schema: compileSchema([{ name: "bench-links", text }, ...others], {
      implement: ["bench-links", ...implement],
    }),
    state: () => ({}),
    prepareEdit: () => Promise.resolve({ commit: () => Promise.resolve() }),
  }
  const server = new NetconfServer({
    backend,
    initial,
    clock: systemClock,
    candidate: true,
    limits: { maxSessionsPerUser: 64 },
  })
  const listener = await listenNetconfSsh({
    server,
    host: "127.0.0.1",
    port: 0,
    hostKey: generateSshKey().privateKey,
    users: new Map([[username, [publicKey]]]),
  })
  const { port, hostKeyFingerprint } = listener
  process.send?.({ port, hostKeyFingerprint } satisfies Served)
}

process.once("message", (request: ServeRequest) => {
  void serve(request)
})
process.once("disconnect", () => process.exit(0))
