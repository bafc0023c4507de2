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
    why: "paths and XPath in values (access rules, partial locks) that name modules nobody has loaded: a rule may outlive the module it speaks of, so we keep it; or that are no XPath at all: to YANG they are strings, judged where they are used",
    fits: ({ ours, theirs }) =>
      ours === undefined &&
      theirs !== undefined &&
      /(No module connected with the prefix|Failed to resolve prefix|XPath expression)/.test(
        theirs,
      ),
  },
  {
    why: "leafrefs of operations and notifications into a datastore that is not there to be asked: yanglint takes it for empty, we leave them to the server that has it",
    fits: ({ ours, theirs, kind }) =>
      kind !== undefined &&
      ours === undefined &&
      theirs?.includes("Invalid leafref value") === true &&
      !/err : (?!Invalid leafref)/.test(theirs),
  },
  {
    why: "a leaf twice in the reply of an operation: yanglint lets it pass, in XML (RFC 7950 section 7.6)",
    fits: ({ ours, theirs, kind }) =>
      kind === "reply" && theirs === undefined && ours?.includes("is there twice") === true,
  },
]
