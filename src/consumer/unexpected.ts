// What a log says of an error that is none of ours: a bug, whose stack helps to find it.

import { QkdError } from "../errors.js"

export function unexpected(error: unknown): { readonly err?: unknown } {
  return error instanceof QkdError ? {} : { err: error }
}
