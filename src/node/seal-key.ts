// The sealing key of a node that is wrapped in a token: made or taken over, unwrapped at start, rotated. Steps are ordered so
// that one that is broken off, by whatever, leaves a key that opens the stores, and can be done again.

import { randomBytes } from "node:crypto"
import { existsSync } from "node:fs"
import path from "node:path"
import { QkdError } from "../errors.js"
import { Secret } from "../keys/secret.js"
import type { SealTokenSetting } from "./config.js"
import { lockFolder } from "./dir-lock.js"
import { EpochKeys, rewrapEpochKeys } from "./epoch-keys.js"
import { SealTokenClient } from "./seal-token-client.js"
import { readWrappedKey, writeWrappedKey, type WrappedKeyFile } from "./wrapped-key.js"

/** The node whose key it is: its folder is locked while the key changes. */
export interface SealKeyPlace {
  readonly setting: SealTokenSetting
  /** The node's folder; its key store is in `keys`. */
  readonly dir: string
}

const SEALING_KEY_BYTES = 32

/**
 * The sealing key, for a node that starts. Changes nothing. The session with the token ends before this resolves: it may
 * go away afterwards.
 *
 * @throws QkdError `data-missing` when there is no wrapped key, `operation-failed` when a rotation was broken off; as
 * `SealTokenClient.open`.
 */
export async function unwrapSealingKey(
  setting: SealTokenSetting,
  environment: NodeJS.ProcessEnv,
): Promise<Secret> {
  const { current, next } = await wrappedKey(setting)
  if (next !== undefined)
    throw new QkdError(
      "operation-failed",
      "a rotation of the sealing key was broken off: `keyloom node seal-key rotate` finishes it",
    )
  return withToken(setting, environment, (token) => token.unwrap(current))
}

/**
 * Makes a key-encryption key in the token and wraps a sealing key under it: a new one, or `former`, under which the stores
 * are sealed already.
 *
 * @returns the id of the key-encryption key
 * @throws QkdError `data-exists` when there is a wrapped key, or a store that is sealed under a key that is not handed
 * in; `access-denied` when `former` does not open the store; `in-use` while the node runs.
 */
export async function createSealingKey(
  { setting, dir }: SealKeyPlace,
  environment: NodeJS.ProcessEnv,
  former?: Secret,
): Promise<string> {
  return withFolder(dir, async () => {
    if ((await readWrappedKey(setting.keyFile)) !== undefined)
      throw new QkdError("data-exists", `there is a wrapped sealing key: ${setting.keyFile}`)
    const store = path.join(dir, "keys")
    if (existsSync(path.join(store, "epochs"))) {
      if (former === undefined)
        throw new QkdError(
          "data-exists",
          `${store} is sealed under another key: hand that in with --import, or remove the folder and with it all keys`,
        )
      checkOpens(store, former)
    }
    const key = former ?? Secret.take(randomBytes(SEALING_KEY_BYTES))
    try {
      return await withToken(setting, environment, async (token) => {
        const kekId = await token.make()
        await writeWrappedKey(setting.keyFile, { current: await token.wrap(kekId, key) })
        return kekId
      })
    } finally {
      if (former === undefined) key.wipe()
    }
  })
}

/**
 * A new sealing key under a new key-encryption key; the keys of the store's epochs are wrapped anew, and the former
 * key-encryption key is destroyed, so that copies of the former files open nothing. Finishes one that was broken off.
 *
 * @returns the id of the key-encryption key
 * @throws QkdError `data-missing` when there is no wrapped key, `access-denied` when it does not open the store,
 * `in-use` while the node runs.
 */
export async function rotateSealingKey(
  { setting, dir }: SealKeyPlace,
  environment: NodeJS.ProcessEnv,
): Promise<string> {
  return withFolder(dir, async () => {
    const found = await wrappedKey(setting)
    return withToken(setting, environment, async (token) => {
      const former = await token.unwrap(found.current)
      const fresh =
        found.next === undefined
          ? Secret.take(randomBytes(SEALING_KEY_BYTES))
          : await token.unwrap(found.next)
      try {
        if (found.next === undefined) checkOpens(path.join(dir, "keys"), former)
        const next = found.next ?? (await token.wrap(await token.make(), fresh))
        // Both are in the file before the first of the store's keys changes.
        await writeWrappedKey(setting.keyFile, { current: found.current, next })
        rewrapEpochKeys(path.join(dir, "keys"), former, fresh, (bytes) => randomBytes(bytes))
        await writeWrappedKey(setting.keyFile, { current: next })
        for (const kekId of await token.keys()) {
          if (kekId !== next.kekId) await token.destroy(kekId)
        }
        return next.kekId
      } finally {
        former.wipe()
        fresh.wipe()
      }
    })
  })
}

export interface SealKeyState {
  readonly kekId: string
  /** A rotation was broken off. */
  readonly rotating: boolean
  /** Other key-encryption keys of this node in the token: of an order that was broken off. The next rotation removes them. */
  readonly others: number
}

/** What there is in file and token; the key was unwrapped to see that it can be. @throws QkdError as `unwrapSealingKey` */
export async function sealKeyState(
  setting: SealTokenSetting,
  environment: NodeJS.ProcessEnv,
): Promise<SealKeyState> {
  const { current, next } = await wrappedKey(setting)
  return withToken(setting, environment, async (token) => {
    const ids = await token.keys()
    const known = [current.kekId, next?.kekId]
    const others = ids.filter((id) => !known.includes(id)).length
    ;(await token.unwrap(current)).wipe()
    return { kekId: current.kekId, rotating: next !== undefined, others }
  })
}

/** @throws QkdError `access-denied` when the key does not open the store that is there. */
function checkOpens(store: string, key: Secret): void {
  if (existsSync(path.join(store, "epochs")))
    new EpochKeys(store, key, (bytes) => randomBytes(bytes)).close()
}

async function wrappedKey({ keyFile }: SealTokenSetting): Promise<WrappedKeyFile> {
  const found = await readWrappedKey(keyFile)
  if (found !== undefined) return found
  throw new QkdError(
    "data-missing",
    `there is no wrapped sealing key ${keyFile}: \`keyloom node seal-key create\` makes one`,
  )
}

async function withToken<T>(
  setting: SealTokenSetting,
  environment: NodeJS.ProcessEnv,
  use: (token: SealTokenClient) => Promise<T>,
): Promise<T> {
  const token = await SealTokenClient.open(setting, environment)
  try {
    return await use(token)
  } finally {
    await token.close()
  }
}

async function withFolder<T>(dir: string, use: () => Promise<T>): Promise<T> {
  const unlock = await lockFolder(dir)
  try {
    return await use()
  } finally {
    await unlock()
  }
}
