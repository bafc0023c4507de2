// Tells the three topology forms apart and reads the right one. Takes text; reading the file is the caller's.

import { QkdError } from "../errors.js"
import { parseJson } from "../yang/json.js"
import { topologyFromGraphml } from "./topology-graphml.js"
import { looksLikeNodeLink, topologyFromNodeLink } from "./topology-node-link.js"
import { topologyFromJson, type Topology } from "./topology.js"

/**
 * Reads a topology in Keyloom's own JSON, NetworkX node-link JSON, or GraphML.
 *
 * @param fileName used for the name of the network where the file has none, and in messages
 * @throws QkdError `malformed-message` with the line, or `invalid-value` with the path of the fault.
 */
export function readTopology(text: string, fileName: string): Topology {
  const base = fileName.replace(/^.*\//, "").replace(/\.[^.]+$/, "")
  const head = text.replace(/^\uFEFF/, "").trimStart()
  if (head === "") throw new QkdError("malformed-message", `${fileName}: the file is empty`)
  try {
    if (head.startsWith("<")) return topologyFromGraphml(text, base)
    const value = parseJson(text)
    return looksLikeNodeLink(value) ? topologyFromNodeLink(value, base) : topologyFromJson(value)
  } catch (error) {
    if (!(error instanceof QkdError)) throw error
    throw new QkdError(error.tag, `${fileName}: ${error.message}`, {
      ...(error.path === undefined ? {} : { path: error.path }),
      cause: error,
    })
  }
}
