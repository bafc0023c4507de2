// Where the configuration that an unconfirmed commit would go back to survives a restart (RFC 6241 section 8.4.1).
// One file, whole or not there.

import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs"
import path from "node:path"
import { QkdError } from "../errors.js"
import type { UnconfirmedAbility } from "../netconf/backend.js"
import { isObject, type JsonObject } from "../yang/json-text.js"
import { parseJson } from "../yang/json.js"

export interface UnconfirmedFile extends UnconfirmedAbility {
  /** What a controller that stopped in between must go back to. @throws QkdError when it cannot be read. */
  left(): JsonObject | undefined
}

export function unconfirmedFile(file: string): UnconfirmedFile {
  const durable = (): void => {
    const folder = openSync(path.dirname(file), "r")
    fsyncSync(folder)
    closeSync(folder)
  }
  return {
    left() {
      let text: string
      try {
        text = readFileSync(file, "utf8")
      } catch {
        return undefined
      }
      const before = parseJson(text)
      if (isObject(before)) return before
      throw new QkdError("malformed-message", `${file} holds no configuration`)
    },
    keep(before) {
      const fresh = `${file}.new`
      const fd = openSync(fresh, "w", 0o600)
      try {
        writeSync(fd, JSON.stringify(before))
        fsyncSync(fd)
      } finally {
        closeSync(fd)
      }
      renameSync(fresh, file)
      durable()
      return Promise.resolve()
    },
    forget() {
      rmSync(file, { force: true })
      durable()
      return Promise.resolve()
    },
  }
}
