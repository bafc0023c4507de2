// For assert.throws and assert.rejects: the fault must be a QkdError with this tag (and app-tag, path).

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
