// The key that seals a node's stores, from where the configuration says: a file, a systemd credential, the environment,
// or wrapped under a key in a PKCS#11 token. Its bytes go into a Secret and are wiped on the way.

import { randomBytes } from "node:crypto"
import { mkdir, open, readFile } from "node:fs/promises"
import path from "node:path"
import { QkdError } from "../errors.js"
import { Secret } from "../keys/secret.js"
import type { SealingKeySource } from "./config.js"
import { unwrapSealingKey } from "./seal-key.js"

const SEALING_KEY_BYTES = 32
const BASE64 = /^[A-Za-z0-9+/]{43}=$/

/**
 * The caller wipes it.
 *
 * @param environment the process's own: a variable that was read is removed from it
 * @throws QkdError `invalid-value` when it cannot be read or is not 32 bytes long; the message never holds any of it
 */
export async function openSealingKey(
  source: SealingKeySource,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Secret> {
  switch (source.kind) {
    case "file":
      return (await readSealingKeyFile(source.file)) ?? (await make(source.file))
    case "credential": {
      const dir = environment.CREDENTIALS_DIRECTORY
      if (dir === undefined)
        throw new QkdError(
          "invalid-value",
          "the sealing key is a credential, but CREDENTIALS_DIRECTORY is not set: start as a systemd service",
        )
      const key = await readSealingKeyFile(path.join(dir, source.name))
      if (key === undefined)
        throw new QkdError("invalid-value", `there is no credential ${source.name}`)
      return key
    }
    case "token":
      return unwrapSealingKey(source, environment)
    case "variable": {
      const text = environment[source.name]
      Reflect.deleteProperty(environment, source.name)
      if (text === undefined || !BASE64.test(text))
        throw new QkdError("invalid-value", `${source.name} does not hold 32 bytes in base64`)
      return Secret.take(Buffer.from(text, "base64"))
    }
  }
}

/** Undefined when there is no such file. @throws QkdError `invalid-value` when it does not hold 32 bytes */
export async function readSealingKeyFile(file: string): Promise<Secret | undefined> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined
    throw new QkdError("invalid-value", `cannot read ${file}`, { cause })
  })
  if (bytes === undefined) return undefined
  const key = Secret.take(bytes)
  if (key.lengthBytes === SEALING_KEY_BYTES) return key
  key.wipe()
  throw new QkdError("invalid-value", `${file} does not hold ${SEALING_KEY_BYTES} bytes`)
}

/** Made and made durable, never over an existing file: stores sealed under another key would be lost. */
async function make(file: string): Promise<Secret> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  const fresh = randomBytes(SEALING_KEY_BYTES)
  const handle = await open(file, "wx", 0o600)
  try {
    await handle.writeFile(fresh)
    await handle.sync()
  } finally {
    await handle.close()
  }
  return Secret.take(fresh)
}
