// One key manager in a process of its own, driven over the parent's IPC channel: what a crash test kills and a
// bench measures. Keys cross the channel for comparison, so this is for tests only.

import { createPrivateKey } from "node:crypto"
import { Secret } from "../../src/keys/secret.js"
import { createKeyManager } from "../../src/node/key-manager.js"
import type { RunningKeyManager } from "../../src/node/key-manager.js"
import type { AppConfig } from "../../src/model/app.js"
import type { KeyManagerConfig } from "../../src/node/ports.js"
import { policyOf } from "./child-setup.js"
import type { ChildSetup } from "./child-setup.js"

export type ChildRequest =
  | { readonly id: number; readonly do: "open"; readonly setup: ChildSetup }
  | { readonly id: number; readonly do: "configure"; readonly config: KeyManagerConfig }
  | {
      readonly id: number
      readonly do: "add"
      readonly link: string
      readonly block: string
      readonly bytes: string
    }
  | {
      readonly id: number
      readonly do: "make"
      readonly app: string
      readonly master: string
      readonly slave: string
      readonly count: number
    }
  | {
      readonly id: number
      readonly do: "take"
      readonly slave: string
      readonly master: string
      readonly ids: readonly string[]
    }
  | { readonly id: number; readonly do: "status"; readonly link: string }
  | {
      readonly id: number
      readonly do: "open-stream"
      readonly app: AppConfig
      readonly sae: string
      readonly peer: string
      readonly ksid: string
    }
  | {
      readonly id: number
      readonly do: "read-stream"
      readonly sae: string
      readonly ksid: string
    }
  /** Makes single keys one after the other; answers with the milliseconds each took. */
  | {
      readonly id: number
      readonly do: "time"
      readonly app: string
      readonly master: string
      readonly slave: string
      readonly count: number
    }

export interface ChildAnswer {
  readonly id: number
  readonly result?: unknown
  readonly error?: string
}

let manager: RunningKeyManager | undefined

async function open(setup: ChildSetup): Promise<number> {
  manager = await createKeyManager({
    qkdnId: setup.qkdnId,
    dir: setup.dir,
    sealingKey: Secret.take(Buffer.from(setup.sealing, "base64")),
    identity: {
      tls: { certificatePem: setup.certificatePem, privateKeyPem: setup.privateKeyPem },
      signKey: createPrivateKey(setup.signKeyPem),
    },
    listen: { host: "127.0.0.1", port: setup.port },
    policy: policyOf(setup),
    limits: {
      pingMs: 500,
      redialMinMs: 20,
      redialMaxMs: 100,
      sweepMs: 100,
      transferTimeoutMs: 2000,
      pool: { graceMs: 1500 },
    },
  })
  return manager.relayPort
}

async function answer(request: ChildRequest): Promise<unknown> {
  if (request.do === "open") return open(request.setup)
  if (manager === undefined) throw new Error("not open")
  switch (request.do) {
    case "configure":
      manager.configure(request.config)
      return null
    case "add":
      await manager.addLinkKey(
        request.link,
        request.block,
        Secret.take(Buffer.from(request.bytes, "base64")),
      )
      return null
    case "make": {
      const { app, master, slave, count } = request
      const keys = await manager.makeKeys(app, master, [slave], count, 256)
      return keys.map(({ keyId, key }) => [keyId, key.use((b) => Buffer.from(b).toString("hex"))])
    }
    case "take": {
      const keys = await manager.takeKeys(request.slave, request.master, request.ids)
      return keys.map(({ keyId, key }) => [keyId, key.use((b) => Buffer.from(b).toString("hex"))])
    }
    case "open-stream": {
      const { app, sae, peer, ksid } = request
      const outcome = await manager.streams.open({
        ...{ saeId: sae, peerSaeId: peer, app, ksid, waitMs: 20_000 },
        ...{ minChunkBytes: 8, maxChunkBytes: 512 },
        asked: {
          ...{ chunkBytes: 32, maxBps: 0, minBps: 0, jitterBps: 0 },
          ...{ priority: 0, timeoutMs: 500, ttlS: 3600, metadataMimetype: "" },
        },
      })
      return outcome.status
    }
    case "read-stream": {
      const { sae, ksid } = request
      const outcome = await manager.streams.read({ saeId: sae, ksid })
      if (outcome.status !== 0) return [outcome.status]
      const { index } = outcome.facts
      return [0, index, outcome.key.key.use((bytes) => Buffer.from(bytes).toString("hex"))]
    }
    case "status": {
      const figures = manager.poolFigures(request.link)
      return {
        peers: manager.connectedPeers(),
        waiting: manager.waitingKeys,
        stockBits: figures?.stockBits ?? -1,
      }
    }
    case "time": {
      const { app, master, slave, count } = request
      const times: number[] = []
      for (let i = 0; i < count; i++) {
        const start = performance.now()
        await manager.makeKeys(app, master, [slave], 1, 256)
        times.push(performance.now() - start)
      }
      return times
    }
  }
}

process.on("message", (request: ChildRequest) => {
  answer(request).then(
    (result) => process.send?.({ id: request.id, result }),
    (cause: unknown) => {
      const { tag, appTag, message } = cause as { tag?: string; appTag?: string; message: string }
      process.send?.({ id: request.id, error: `${tag ?? "bug"} ${appTag ?? ""} ${message}` })
    },
  )
})
process.on("disconnect", () => {
  process.exit(0)
})
