// For assert.throws and assert.rejects: the fault must be a QkdError with this tag (and app-tag, path); and the fault of what must fail.

import assert from "node:assert/strict"
import { QkdError } from "../src/errors.js"
import type { AppTag, ErrorTag } from "../src/errors.js"

export function isQkdError(tag: ErrorTag, appTag?: AppTag, path?: string) {
  return (error: unknown): boolean => {
    if (!(error instanceof QkdError)) return false
    if (error.tag !== tag) return false
    if (appTag !== undefined && error.appTag !== appTag) return false
    return path === undefined || error.path === path
  }
}

/** The fault of work that must be refused. */
export async function refused(work: Promise<unknown>): Promise<QkdError> {
  try {
    await work
  } catch (error) {
    if (error instanceof QkdError) return error
    throw error
  }
  return assert.fail("it was not refused")
}
