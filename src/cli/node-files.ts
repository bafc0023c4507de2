// The configuration files of nodes, read.

import { readFileSync } from "node:fs"
import path from "node:path"
import { QkdError } from "../errors.js"
import { NODE_CONFIG_MODULES, type NodeSettings, readNodeConfig } from "../node/config.js"
import { loadYangFiles } from "../transport/yang-files.js"

/** @throws QkdError with the file and the path of the first fault */
export function readNodeFiles(files: readonly string[]): NodeSettings[] {
  const sources = loadYangFiles(NODE_CONFIG_MODULES)
  return files.map((file) => {
    try {
      return readNodeConfig(sources, readFileSync(file, "utf8"), path.dirname(path.resolve(file)))
    } catch (error) {
      if (error instanceof QkdError) {
        throw new QkdError(error.tag, `${file}: ${error.message}`, { cause: error })
      }
      throw new QkdError("invalid-value", `cannot read ${file}`, { cause: error })
    }
  })
}
