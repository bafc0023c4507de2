// What a controller remembers when it was replaced, beside its store: the term in which nodes are led by another one.
// Started again from this store it would else count on until it is above, and take the network back from that one.

import path from "node:path"
import { QkdError } from "../errors.js"
import { readMarkFile, writeMarkFile } from "../node/mark-file.js"
import { isObject, parseJson } from "../yang/json-text.js"

const FILE = "replaced.json"

/** Durable. Nothing where the nodes did not say in which term. */
export async function markReplaced(storeDir: string, { info }: QkdError): Promise<void> {
  const term = Number(info?.["term"])
  if (!isTerm(term)) return
  await writeMarkFile(path.join(storeDir, FILE), `${JSON.stringify({ term })}\n`)
}

/**
 * The term of the other one.
 *
 * @throws QkdError `invalid-value` for a damaged file: read as none, this controller would come back
 */
export async function replacedIn(storeDir: string): Promise<number | undefined> {
  const file = path.join(storeDir, FILE)
  const text = await readMarkFile(file)
  if (text === undefined) return undefined
  const term = termIn(text)
  if (term !== undefined) return term
  throw new QkdError("invalid-value", `${file} does not hold the term of another controller`)
}

function termIn(text: string): number | undefined {
  try {
    const value = parseJson(text)
    const { term } = isObject(value) ? value : {}
    return isTerm(term) ? term : undefined
  } catch {
    return undefined
  }
}

function isTerm(value: unknown): value is number {
  return Number.isSafeInteger(value) && typeof value === "number" && value > 0
}
