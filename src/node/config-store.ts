// The running configuration on disk: one file, replaced as a whole. After `save` resolves, a crash or power
// loss finds the new content; before, the old one; never a mixture. Holds no key material and no secrets.

import { mkdir, open, readFile, rename } from "node:fs/promises"
import path from "node:path"
import { QkdError } from "../errors.js"
import { isObject, type JsonObject, type JsonValue, parseJson } from "../yang/json-text.js"

/** What survives a restart of the agent. */
export interface StoredConfig {
  /** RFC 7951, as validated. */
  readonly running: JsonObject
  /** `creation_time` of each application, RFC 3339. */
  readonly appCreatedAt: Readonly<Record<string, string>>
}

export interface ConfigStore {
  load(): Promise<StoredConfig | undefined>
  /** One durable write. */
  save(config: StoredConfig): Promise<void>
}

/** Bumped when the file's shape changes. */
const FORMAT = 1

/** The store in `dir/running.json`; makes the folder. */
export async function openConfigStore(dir: string): Promise<ConfigStore> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const file = path.join(dir, "running.json")
  return {
    async load() {
      let text: string
      try {
        text = await readFile(file, "utf8")
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined
        throw error
      }
      return storedConfig(parseJson(text), file)
    },
    async save(config) {
      const text = JSON.stringify({ format: FORMAT, ...config })
      const temporary = `${file}.new`
      const handle = await open(temporary, "w", 0o600)
      try {
        await handle.writeFile(text)
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(temporary, file)
      // The rename is durable once the folder is.
      const folder = await open(dir, "r")
      try {
        await folder.sync()
      } finally {
        await folder.close()
      }
    },
  }
}

/** A store without disk, for tests and trials. */
export function memoryConfigStore(initial?: StoredConfig): ConfigStore {
  let kept = initial
  return {
    load: () => Promise.resolve(kept),
    save: (config) => {
      kept = config
      return Promise.resolve()
    },
  }
}

function storedConfig(value: JsonValue, file: string): StoredConfig {
  const broken = (what: string): QkdError =>
    new QkdError("malformed-message", `${file}: ${what}; it was not written by this program`)
  if (!isObject(value)) throw broken("no object")
  if (value["format"] !== FORMAT) throw broken(`format ${JSON.stringify(value["format"])}`)
  const { running, appCreatedAt } = value
  if (!isObject(running) || !isObject(appCreatedAt)) throw broken("members are missing")
  const times: Record<string, string> = {}
  for (const [appId, time] of Object.entries(appCreatedAt)) {
    if (typeof time !== "string") throw broken("a time is no string")
    times[appId] = time
  }
  return { running, appCreatedAt: times }
}
