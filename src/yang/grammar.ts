// Which YANG statement may hold which, how often, and the shape of plain arguments (RFC 7950 sections 7 and 14).
// Extension statements are let through anywhere.

import type { Statement } from "./statement.js"
import { syntaxFault } from "./tokens.js"

// `?` at most once, `*` any number, `1` once, `+` at least once, `~` any number, but in YANG 1 at most once; `^` before
// the name: YANG 1.1 only.
const DATA = "container* leaf* leaf-list* list* choice* ^anydata* anyxml* uses*"
const DOC = "description? reference?"
const META = "organization? contact? description? reference? revision*"
const BODY = `extension* feature* identity* typedef* grouping* ${DATA} augment* rpc* notification* deviation*`
const RESTRICTED = `error-message? error-app-tag? ${DOC}`

const TABLE: Readonly<Record<string, string>> = {
  module: `yang-version? namespace1 prefix1 import* include* ${META} ${BODY}`,
  submodule: `yang-version? belongs-to1 import* include* ${META} ${BODY}`,
  "yang-version": "",
  namespace: "",
  prefix: "",
  "belongs-to": "prefix1",
  import: "prefix1 revision-date? ^description? ^reference?",
  include: "revision-date? ^description? ^reference?",
  "revision-date": "",
  organization: "",
  contact: "",
  description: "",
  reference: "",
  revision: DOC,
  extension: `argument? status? ${DOC}`,
  argument: "yin-element?",
  "yin-element": "",
  feature: `if-feature* status? ${DOC}`,
  "if-feature": "",
  identity: `^if-feature* base~ status? ${DOC}`,
  base: "",
  typedef: `type1 units? default? status? ${DOC}`,
  units: "",
  default: "",
  type: "range? length? pattern* fraction-digits? enum* bit* base~ path? require-instance? type*",
  range: RESTRICTED,
  length: RESTRICTED,
  pattern: `^modifier? ${RESTRICTED}`,
  modifier: "",
  "fraction-digits": "",
  enum: `^if-feature* value? status? ${DOC}`,
  value: "",
  bit: `^if-feature* position? status? ${DOC}`,
  position: "",
  path: "",
  "require-instance": "",
  status: "",
  config: "",
  mandatory: "",
  presence: "",
  "ordered-by": "",
  must: RESTRICTED,
  "error-message": "",
  "error-app-tag": "",
  when: DOC,
  "max-elements": "",
  "min-elements": "",
  key: "",
  unique: "",
  grouping: `status? ${DOC} typedef* grouping* ${DATA} ^action* ^notification*`,
  container: `when? if-feature* must* presence? config? status? ${DOC} typedef* grouping* ${DATA} ^action* ^notification*`,
  leaf: `when? if-feature* type1 units? must* default? config? mandatory? status? ${DOC}`,
  "leaf-list": `when? if-feature* type1 units? must* ^default* config? min-elements? max-elements? ordered-by? status? ${DOC}`,
  list: `when? if-feature* must* key? unique* config? min-elements? max-elements? ordered-by? status? ${DOC} typedef* grouping* ${DATA} ^action* ^notification*`,
  choice: `when? if-feature* default? config? mandatory? status? ${DOC} container* leaf* leaf-list* list* ^choice* ^anydata* anyxml* case*`,
  case: `when? if-feature* status? ${DOC} ${DATA}`,
  anydata: `when? if-feature* must* config? mandatory? status? ${DOC}`,
  anyxml: `when? if-feature* must* config? mandatory? status? ${DOC}`,
  uses: `when? if-feature* status? ${DOC} refine* augment*`,
  refine: `^if-feature* must* presence? default~ config? mandatory? min-elements? max-elements? ${DOC}`,
  augment: `when? if-feature* status? ${DOC} ${DATA} case* ^action* ^notification*`,
  rpc: `if-feature* status? ${DOC} typedef* grouping* input? output?`,
  action: `if-feature* status? ${DOC} typedef* grouping* input? output?`,
  input: `^must* typedef* grouping* ${DATA}`,
  output: `^must* typedef* grouping* ${DATA}`,
  notification: `if-feature* ^must* status? ${DOC} typedef* grouping* ${DATA}`,
  deviation: `${DOC} deviate+`,
  "deviate not-supported": "",
  "deviate add": "units? must* unique* default~ config? mandatory? min-elements? max-elements?",
  "deviate replace": "type? units? default? config? mandatory? min-elements? max-elements?",
  "deviate delete": "units? must* unique* default~",
}

const DATA_STATEMENTS: ReadonlySet<string> = new Set(
  DATA.split(" ").map((word) => word.replace(/[^a-z-]/g, "")),
)

interface Rule {
  readonly min: number
  readonly max: number
  /** In YANG 1. */
  readonly max10: number
  readonly only11: boolean
}

const RULES = new Map<string, ReadonlyMap<string, Rule>>(
  Object.entries(TABLE).map(([keyword, text]) => {
    const rules = new Map<string, Rule>()
    for (const word of text.split(" ")) {
      const match = /^(\^?)([a-z-]+)([?*1+~])$/.exec(word)
      if (match === null) continue
      const count = match[3]
      rules.set(match[2] ?? "", {
        min: count === "1" || count === "+" ? 1 : 0,
        max: count === "1" || count === "?" ? 1 : Infinity,
        max10: count === "*" || count === "+" ? Infinity : 1,
        only11: match[1] === "^" && !rules.has(match[2] ?? ""),
      })
    }
    return [keyword, rules]
  }),
)

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_.-]*$/
const REFERENCE = /^([A-Za-z_][A-Za-z0-9_.-]*:)?[A-Za-z_][A-Za-z0-9_.-]*$/
const STEP = "([A-Za-z_][A-Za-z0-9_.-]*:)?[A-Za-z_][A-Za-z0-9_.-]*"
const ABSOLUTE = new RegExp(`^(/${STEP})+$`)
const DESCENDANT = new RegExp(`^${STEP}(/${STEP})*$`)
const BOOLEAN = /^(true|false)$/
const DATE = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/
const COUNT = /^(0|[1-9][0-9]*)$/

const ARGUMENTS: Readonly<Record<string, RegExp>> = {
  "yang-version": /^(1|1\.1)$/,
  prefix: IDENTIFIER,
  module: IDENTIFIER,
  submodule: IDENTIFIER,
  import: IDENTIFIER,
  include: IDENTIFIER,
  "belongs-to": IDENTIFIER,
  revision: DATE,
  "revision-date": DATE,
  extension: IDENTIFIER,
  argument: IDENTIFIER,
  feature: IDENTIFIER,
  identity: IDENTIFIER,
  typedef: IDENTIFIER,
  grouping: IDENTIFIER,
  container: IDENTIFIER,
  leaf: IDENTIFIER,
  "leaf-list": IDENTIFIER,
  list: IDENTIFIER,
  choice: IDENTIFIER,
  case: IDENTIFIER,
  anydata: IDENTIFIER,
  anyxml: IDENTIFIER,
  rpc: IDENTIFIER,
  action: IDENTIFIER,
  notification: IDENTIFIER,
  bit: IDENTIFIER,
  base: REFERENCE,
  type: REFERENCE,
  uses: REFERENCE,
  config: BOOLEAN,
  mandatory: BOOLEAN,
  "yin-element": BOOLEAN,
  "require-instance": BOOLEAN,
  status: /^(current|deprecated|obsolete)$/,
  "ordered-by": /^(user|system)$/,
  modifier: /^invert-match$/,
  "min-elements": COUNT,
  "max-elements": /^(unbounded|[1-9][0-9]*)$/,
  "fraction-digits": /^(1[0-8]|[1-9])$/,
  value: /^-?(0|[1-9][0-9]*)$/,
  position: COUNT,
  deviate: /^(not-supported|add|replace|delete)$/,
}

/** @throws QkdError `malformed-message` with `file:line` at the first statement out of place. */
export function checkGrammar(statement: Statement, version11: boolean): void {
  const { keyword: own } = statement
  const rules = RULES.get(own === "deviate" ? `deviate ${statement.argument ?? ""}` : own)
  // An extension's insides are its own business.
  if (rules === undefined) return
  const { file } = statement
  const counts = new Map<string, number>()
  for (const sub of statement.sub) {
    if (sub.keyword.includes(":")) continue
    const rule = rules.get(sub.keyword)
    if (rule === undefined)
      throw syntaxFault(file, sub.line, `${sub.keyword} is not allowed in ${statement.keyword}`)
    if (rule.only11 && !version11)
      throw syntaxFault(
        file,
        sub.line,
        `${sub.keyword} in ${statement.keyword} needs yang-version 1.1`,
      )
    const count = (counts.get(sub.keyword) ?? 0) + 1
    if (count > (version11 ? rule.max : rule.max10))
      throw syntaxFault(file, sub.line, `more than one ${sub.keyword} in ${statement.keyword}`)
    counts.set(sub.keyword, count)
    checkArgument(sub, statement, version11)
    checkGrammar(sub, version11)
  }
  if (own === "module" || own === "submodule") {
    checkArgument(statement, statement, version11)
    checkOrder(statement)
  }
  if (
    (own === "input" || own === "output") &&
    !statement.sub.some((s) => DATA_STATEMENTS.has(s.keyword))
  )
    throw syntaxFault(file, statement.line, `${own} holds nothing`)
  for (const [keyword, rule] of rules)
    if ((counts.get(keyword) ?? 0) < rule.min)
      throw syntaxFault(file, statement.line, `${statement.keyword} has no ${keyword}`)
}

/** The parts of a module, in order (section 14, module-stmt). */
const PARTS: readonly (readonly string[])[] = [
  ["yang-version", "namespace", "prefix", "belongs-to"],
  ["import", "include"],
  ["organization", "contact", "description", "reference"],
  ["revision"],
]

function checkOrder(module: Statement): void {
  let reached = 0
  let last = ""
  for (const { keyword, file, line } of module.sub) {
    if (keyword.includes(":")) continue
    const at = PARTS.findIndex((part) => part.includes(keyword))
    const part = at < 0 ? PARTS.length : at
    if (part < reached) throw syntaxFault(file, line, `${keyword} cannot stand after ${last}`)
    reached = part
    last = keyword
  }
}

/** What the argument must look like for the statement's place or the language's version. */
function shapeOf(keyword: string, parent: string, version11: boolean): RegExp | undefined {
  switch (keyword) {
    case "augment":
      return parent === "uses" ? DESCENDANT : ABSOLUTE
    case "deviation":
      return ABSOLUTE
    case "refine":
      return DESCENDANT
    case "if-feature":
      return version11 ? undefined : REFERENCE
    default:
      return ARGUMENTS[keyword]
  }
}

function isDate(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}

function checkArgument(statement: Statement, parent: Statement, version11: boolean): void {
  const { keyword, argument, file, line } = statement
  if (keyword === "input" || keyword === "output") {
    if (argument !== undefined) throw syntaxFault(file, line, `${keyword} takes no argument`)
    return
  }
  if (argument === undefined) throw syntaxFault(file, line, `${keyword} has no argument`)
  const shape = shapeOf(keyword, parent.keyword, version11)
  const isBad =
    (shape !== undefined && !shape.test(argument)) || (shape === DATE && !isDate(argument))
  if (isBad)
    throw syntaxFault(file, line, `${JSON.stringify(argument)} is not an argument of ${keyword}`)
}
