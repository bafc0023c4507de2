// Where yanglint 2.1 and we differ about documents, and why.

import type { Drawn } from "./compare.js"

export interface Explained {
  /** In words for docs/COMPLIANCE.md. */
  readonly why: string
  readonly fits: (drawn: Drawn) => boolean
}

export const EXPLAINED: readonly Explained[] = [
  {
    why: "an XML document with no element at all, while something is mandatory: yanglint does not validate it (it does refuse `{}`)",
    fits: ({ format, text, ours, theirs }) =>
      format === "xml" && text === "" && ours !== undefined && theirs === undefined,
  },
  {
    why: "paths and XPath in values (access rules, partial locks) that name modules nobody has loaded: a rule may outlive the module it speaks of, so we keep it",
    fits: ({ ours, theirs }) =>
      ours === undefined &&
      theirs !== undefined &&
      /(No module connected with the prefix|Failed to resolve prefix)/.test(theirs),
  },
]
