// Opens the key manager of a node from its settings and the files these name.

import { createPrivateKey } from "node:crypto"
import { readFile } from "node:fs/promises"
import path from "node:path"
import { QkdError } from "../errors.js"
import type { PolicyView } from "../keys/policy-view.js"
import type { NodeSettings } from "./config.js"
import type { KeyManagerAlarm, KeyManagerOptions } from "./key-manager-options.js"
import { createKeyManager, type RunningKeyManager } from "./key-manager.js"
import type { Log } from "./log.js"
import { openSealingKey } from "./sealing-key.js"

export interface KeyPlaneDeps {
  readonly policy: PolicyView
  readonly log: Log
  readonly onAlarm: (alarm: KeyManagerAlarm) => void
  readonly onChunkRefused: (appId: string) => void
  readonly onLacking: NonNullable<KeyManagerOptions["onLacking"]>
}

export interface OpenKeyManager {
  readonly manager: RunningKeyManager
  /** Closes it and wipes the sealing key. */
  readonly close: () => Promise<void>
}

/**
 * Opens the store and listens for other key managers.
 *
 * @throws QkdError `invalid-value` for a key file that cannot be read or used; `in-use` when the port is taken
 */
export async function startKeyManager(
  settings: NodeSettings,
  deps: KeyPlaneDeps,
): Promise<OpenKeyManager> {
  const { relay } = settings
  const sealing = await openSealingKey(settings.sealingKey)
  const manager = await createKeyManager({
    qkdnId: settings.qkdnId,
    dir: path.join(settings.dir, "keys"),
    sealingKey: sealing,
    identity: {
      tls: {
        certificatePem: await readText(relay.certFile),
        privateKeyPem: await readText(relay.keyFile),
      },
      signKey: createPrivateKey(await readText(relay.signingKeyFile)),
    },
    listen: { host: relay.host, port: relay.port },
    policy: deps.policy,
    limits: { stock: settings.keyStock, pool: { maxAgeMs: settings.linkKey.maxAgeMs } },
    linkMaxAgeMs: settings.linkKey.linkMaxAgeMs,
    log: deps.log,
    onAlarm: deps.onAlarm,
    onChunkRefused: deps.onChunkRefused,
    onLacking: deps.onLacking,
  }).catch((error: unknown) => {
    sealing.wipe()
    throw error
  })
  return {
    manager,
    close: async () => {
      await manager.close()
      sealing.wipe()
    },
  }
}

/** @throws QkdError `invalid-value` with the file's name. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8")
  } catch (cause) {
    throw new QkdError("invalid-value", `cannot read ${file}`, { cause })
  }
}
