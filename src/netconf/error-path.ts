// Instance paths of faults as XPath for error-path (RFC 6241 section 4.3): there a name without prefix is in no
// namespace, so every step gets the prefix of its module, and every prefix is declared.

import type { Schema } from "../yang/schema.js"
import type { PathText } from "./rpc-error.js"

const NAME = /^(?:([A-Za-z_][A-Za-z0-9._-]*):)?([A-Za-z_][A-Za-z0-9._-]*|\*)/
const KEY = /^\s*(?:([A-Za-z_][A-Za-z0-9._-]*):)?([A-Za-z_][A-Za-z0-9._-]*)\s*=/

/**
 * `/module:a/b[key='x']/other:c`, where an unqualified step is in the module of the step before it, as
 * `/module:a/module:b[module:key='x']/other:c`. Prefixes are the module names, which no two modules share.
 * A path that is not of this form is given back as it is.
 */
export function xpathOf(schema: Schema, path: string): PathText {
  const prefixes = new Map<string, string>()
  const asItIs: PathText = { text: path, prefixes: new Map() }
  let module: string | undefined
  const qualify = (prefix: string | undefined, name: string): string | undefined => {
    const wanted = prefix ?? module
    const info = wanted === undefined ? undefined : schema.moduleByName(wanted)
    if (info === undefined) return undefined
    prefixes.set(info.name, info.namespace)
    return `${info.name}:${name}`
  }
  const out: string[] = []
  let rest = path
  while (rest !== "") {
    const step = rest.startsWith("/") ? NAME.exec(rest.slice(1)) : null
    const name = step === null ? undefined : qualify(step[1], step[2] ?? "")
    if (step === null || name === undefined) return asItIs
    module = step[1] ?? module
    out.push("/", name)
    rest = rest.slice(1 + step[0].length)
    while (rest.startsWith("[")) {
      const end = endOfPredicate(rest)
      if (end === -1) return asItIs
      const inner = rest.slice(1, end)
      const key = KEY.exec(inner)
      const keyName = key === null ? undefined : qualify(key[1], key[2] ?? "")
      out.push(
        "[",
        key === null || keyName === undefined ? inner : `${keyName}=${inner.slice(key[0].length)}`,
        "]",
      )
      rest = rest.slice(end + 1)
    }
  }
  return out.length === 0 ? asItIs : { text: out.join(""), prefixes }
}

/** Index of the `]` that closes the `[` at 0, quotes respected; -1 without one. */
function endOfPredicate(text: string): number {
  let quote = ""
  for (let i = 1; i < text.length; i++) {
    const c = text.charAt(i)
    if (quote !== "") {
      if (c === quote) quote = ""
    } else if (c === "'" || c === '"') quote = c
    else if (c === "]") return i
  }
  return -1
}
