// Opens the key manager of a node from its settings: files read, sealing key made at first start. Key bytes of
// the sealing key go from the file into a Secret and are wiped on the way.

import { createPrivateKey, randomBytes } from "node:crypto"
import { mkdir, open, readFile } from "node:fs/promises"
import path from "node:path"
import { QkdError } from "../errors.js"
import type { PolicyView } from "../keys/policy-view.js"
import { Secret } from "../keys/secret.js"
import type { NodeSettings } from "./config.js"
import type { KeyManagerAlarm } from "./key-manager-options.js"
import { createKeyManager, type RunningKeyManager } from "./key-manager.js"
import type { Log } from "./log.js"

const SEALING_KEY_BYTES = 32

export interface KeyPlaneDeps {
  readonly policy: PolicyView
  readonly log: Log
  readonly onAlarm: (alarm: KeyManagerAlarm) => void
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
  const sealing = await sealingKey(settings.sealingKeyFile)
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
    limits: { stock: settings.keyStock },
    log: deps.log,
    onAlarm: deps.onAlarm,
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

/** The key in `file`, made and made durable when there is no file yet. */
async function sealingKey(file: string): Promise<Secret> {
  const kept = await readFile(file).catch((cause: unknown) => {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined
    throw new QkdError("invalid-value", `cannot read ${file}`, { cause })
  })
  if (kept !== undefined) {
    const key = Secret.take(kept)
    if (key.lengthBytes === SEALING_KEY_BYTES) return key
    key.wipe()
    throw new QkdError("invalid-value", `${file} does not hold ${SEALING_KEY_BYTES} bytes`)
  }
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  const fresh = randomBytes(SEALING_KEY_BYTES)
  // Never over an existing file: stores sealed under another key would be lost.
  const handle = await open(file, "wx", 0o600)
  try {
    await handle.writeFile(fresh)
    await handle.sync()
  } finally {
    await handle.close()
  }
  return Secret.take(fresh)
}
