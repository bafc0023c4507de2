// What validation finds wrong. Type only.

import type { AppTag, ErrorTag } from "../errors.js"

export interface YangFault {
  readonly tag: ErrorTag
  readonly appTag?: AppTag
  /** Instance path; `/` for the whole. */
  readonly path: string
  readonly message: string
}
