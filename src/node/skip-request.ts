// SKIP requests (draft-cisco-skip-02, section 4): from a target to what is asked. Strict: what the draft does not name
// is refused.

import { QkdError } from "../errors.js"
import { uuidOfHex } from "../keys/hex.js"

export type SkipTarget =
  | { readonly what: "capabilities" }
  | { readonly what: "entropy"; readonly minEntropyBits?: number }
  | { readonly what: "new-key"; readonly remoteSystemId: string; readonly sizeBits?: number }
  | { readonly what: "key"; readonly remoteSystemId: string; readonly keyId: string }

/**
 * Undefined for every other path: 404.
 *
 * @throws QkdError `invalid-value` for a query or key id that is none: 400.
 */
export function parseSkipTarget(target: string): SkipTarget | undefined {
  const [path = "", ...rest] = target.split("?")
  const query = rest.length === 0 ? undefined : rest.join("?")
  if (path === "/capabilities") {
    parameters(query, [])
    return { what: "capabilities" }
  }
  if (path === "/entropy") {
    const minEntropyBits = count(parameters(query, ["minentropy"]), "minentropy")
    return { what: "entropy", ...(minEntropyBits !== undefined && { minEntropyBits }) }
  }
  if (path === "/key") {
    const asked = parameters(query, ["remoteSystemID", "size"])
    const sizeBits = count(asked, "size")
    const remoteSystemId = systemId(asked)
    return { what: "new-key", remoteSystemId, ...(sizeBits !== undefined && { sizeBits }) }
  }
  if (!/^\/key\/[^/]*$/.test(path)) return undefined
  const keyId = uuidOfHex(path.slice("/key/".length))
  const remoteSystemId = systemId(parameters(query, ["remoteSystemID"]))
  if (keyId === undefined) throw invalid("keyId shall be 32 hexadecimal digits")
  return { what: "key", remoteSystemId, keyId }
}

/** `*` stands for any characters, `?` for one; all others for themselves. Never backtracks far. */
export function globMatches(glob: string, text: string): boolean {
  let [at, from, star, mark] = [0, 0, -1, 0]
  while (from < text.length) {
    if (glob[at] === "*") {
      star = at++
      mark = from
    } else if (at < glob.length && (glob[at] === "?" || glob[at] === text[from])) {
      at++
      from++
    } else if (star >= 0) {
      at = star + 1
      from = ++mark
    } else return false
  }
  while (glob[at] === "*") at++
  return at === glob.length
}

function systemId(asked: ReadonlyMap<string, string>): string {
  const id = asked.get("remoteSystemID")
  if (id === undefined) throw invalid("remoteSystemID is missing")
  if (!/^[^\p{Cc}\p{Cs}]{1,256}$/u.test(id)) throw invalid("remoteSystemID is no system id")
  return id
}

function count(asked: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = asked.get(name)
  if (text === undefined) return undefined
  if (!/^[0-9]{1,9}$/.test(text)) throw invalid(`${name} shall be a number of bits`)
  return Number(text)
}

/** Each known, at most once. */
function parameters(query: string | undefined, names: readonly string[]): Map<string, string> {
  const found = new Map<string, string>()
  if (query === undefined || query === "") return found
  for (const pair of query.split("&")) {
    const equals = pair.indexOf("=")
    const name = decoded(equals < 0 ? pair : pair.slice(0, equals))
    if (!names.includes(name)) throw invalid("the query has an unknown parameter")
    if (equals < 0 || found.has(name)) throw invalid(`${name} shall be given once, with a value`)
    found.set(name, decoded(pair.slice(equals + 1)))
  }
  return found
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid("the target is not percent-encoded UTF-8")
  }
}

function invalid(message: string): QkdError {
  return new QkdError("invalid-value", message)
}
