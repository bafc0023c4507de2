// Texts that are nearly what a parser wants: made by its grammar, with slips.

import { below, pick } from "./random.js"
import type { Random } from "./random.js"

type Make = (random: Random, depth: number) => string

const some = (random: Random, most: number, make: () => string, joint = ""): string =>
  Array.from({ length: below(random, most + 1) }, make).join(joint)

const NAMES = ["top", "row", "id", "text", "f", "box", "n", "flag", "a"]
const PREFIXED = ["f:top", "f:row", "f:id", "f:text", "top", "row", "*", "f:*", "g:x"]

const xml: Make = (random, depth) => {
  const name = pick(random, [...NAMES, "f:a"])
  const attrs = some(random, 2, () =>
    pick(random, [' xmlns="urn:f"', ' xmlns:f="urn:f"', ' f:x="1"', " a='&lt;'", ' a="1"']),
  )
  if (depth > 6 || random() < 0.2) return `<${name}${attrs}/>`
  const inside = some(random, 3, () =>
    random() < 0.6
      ? xml(random, depth + 1)
      : pick(random, ["text", " ", "&amp;", "&#65;", "<![CDATA[x]]>", "<!-- c -->", "<?pi?>"]),
  )
  return `<${name}${attrs}>${inside}</${random() < 0.97 ? name : "x"}>`
}

const json: Make = (random, depth) => {
  const kind = depth > 6 ? 9 : below(random, 10)
  if (kind < 3)
    return `{${some(random, 4, () => `"${pick(random, NAMES)}"${random() < 0.97 ? ":" : ""}${json(random, depth + 1)}`, ",")}}`
  if (kind < 5) return `[${some(random, 4, () => json(random, depth + 1), ",")}]`
  return pick(random, [
    "1",
    "-0.5e3",
    '"x"',
    '"\\u0041"',
    "true",
    "null",
    "01",
    "'x'",
    "1e999",
    '"\\x"',
    "",
  ])
}

const xpath: Make = (random, depth) => {
  const step = (): string => {
    const axis =
      random() < 0.2
        ? `${pick(random, ["child", "parent", "ancestor", "descendant", "following", "preceding-sibling", "self", "attribute"])}::`
        : ""
    const predicate = depth < 4 && random() < 0.25 ? `[${xpath(random, depth + 1)}]` : ""
    return `${axis}${pick(random, [...PREFIXED, ".", "..", "node()", "text()"])}${predicate}`
  }
  const path = `${pick(random, ["", "/", "//", "current()/"])}${step()}${some(random, 3, () => `${pick(random, ["/", "//"])}${step()}`)}`
  if (depth > 4) return path
  switch (below(random, 8)) {
    case 0:
      return `${xpath(random, depth + 1)} ${pick(random, ["=", "!=", "<", ">=", "and", "or", "+", "-", "*", "div", "mod", "|"])} ${xpath(random, depth + 1)}`
    case 1:
      return `${pick(random, ["count", "not", "string", "sum", "concat", "contains", "re-match", "substring", "translate", "deref", "bit-is-set", "nothing"])}(${some(random, 3, () => xpath(random, depth + 1), ",")})`
    case 2:
      return `(${xpath(random, depth + 1)})`
    case 3:
      return pick(random, ["1", "'x'", '"y"', "-1", "1.5", ".5", "$v", "''", "true()", "last()"])
    default:
      return path
  }
}

const TYPES = [
  "string",
  "int8",
  "uint64",
  "boolean",
  "empty",
  "t",
  "enumeration { enum a; enum b { value 5; } }",
  "bits { bit x; }",
  "decimal64 { fraction-digits 2; }",
  'leafref { path "../a"; }',
  "union { type int8; type string; }",
  "identityref { base i; }",
  'string { length "1..5"; pattern "[a-z]+"; }',
  'int8 { range "1..5 | 7"; }',
  "binary",
  "instance-identifier",
]

const yang: Make = (random, depth) => {
  const name = pick(random, ["a", "b", "c", "d", "k"])
  const data = (): string => yang(random, depth + 1)
  const extra = some(
    random,
    2,
    () =>
      pick(random, [
        'description "d";',
        "config false;",
        "status obsolete;",
        'must "../a";',
        "when '1';",
        "if-feature f;",
        "mandatory true;",
        "default a;",
        "m:e x;",
        "units u;",
      ]),
    " ",
  )
  if (depth > 4 || random() < 0.35) return `leaf ${name} { type ${typed(random)} ${extra} }`
  switch (below(random, 9)) {
    case 0:
      return `container ${name} { ${extra} ${some(random, 3, data, " ")} }`
    case 1:
      return `list ${name} { key k; ${extra} leaf k { type string; } ${some(random, 2, data, " ")} }`
    case 2:
      return `choice ${name} { ${some(random, 3, data, " ")} }`
    case 3:
      return `leaf-list ${name} { type ${typed(random)} ${extra} min-elements 1; }`
    case 4:
      return `uses g { refine a { ${extra} } augment b { ${data()} } }`
    case 5:
      return `augment "/${name}/b" { ${extra} ${data()} }`
    case 6:
      return `grouping ${name} { ${some(random, 3, data, " ")} }`
    case 7:
      return `typedef ${name} { type ${typed(random)} ${extra} }`
    default:
      return `deviation /${name} { deviate ${pick(random, ["add", "replace", "delete"])} { ${extra} } }`
  }
}

function typed(random: Random): string {
  const type = pick(random, TYPES)
  return type.endsWith("}") ? type : `${type};`
}

const pattern: Make = (random, depth) => {
  const atom = (): string =>
    depth < 4 && random() < 0.4
      ? `(${some(random, 3, () => pattern(random, depth + 1), "|")})`
      : pick(random, [
          "a",
          "b",
          ".",
          "[a-c]",
          "[^a]",
          "\\d",
          "\\p{L}",
          "\\.",
          "[\\w-[a]]",
          "x",
          "[",
          "\\q",
        ])
  return some(
    random,
    4,
    () => `${atom()}${pick(random, ["", "", "*", "+", "?", "{2}", "{1,3}", "{2,}", "{9,1}"])}`,
  )
}

const framing: Make = (random) =>
  some(random, 4, () =>
    pick(random, [
      "<a/>",
      "]]>]]>",
      "]]>",
      "\n#4\n<a/>",
      "\n##\n",
      "\n#1\nx",
      "\n#0\n",
      "\n#99999999999\n",
      "\n",
      "#",
      "\n#5\nab",
    ]),
  )

const filter: Make = (random, depth) => {
  switch (below(random, 4)) {
    case 0:
      return xml(random, depth)
    case 1:
      return some(random, 6, () => pick(random, [...PREFIXED, "(", ")", ";", "/"]))
    case 2:
      return `/${pick(random, PREFIXED)}/${pick(random, NAMES)}[${pick(random, NAMES)}=${pick(random, ["'1'", '"x"', "1", ""])}]`
    default:
      return xpath(random, depth)
  }
}

export const GRAMMARS: Readonly<Record<string, (random: Random) => string>> = {
  framing: (random) => framing(random, 0),
  xml: (random) => xml(random, 0),
  json: (random) => json(random, 0),
  yang: (random) =>
    `module m { yang-version ${pick(random, ["1", "1.1"])}; namespace "urn:m"; prefix m; extension e { argument x; } feature f; identity i; typedef t { type string; } ${some(random, 5, () => yang(random, 0), " ")} }`,
  xpath: (random) => xpath(random, 0),
  filter: (random) => filter(random, 0),
  pattern: (random) => pattern(random, 0),
}

/** Words that mean something to each parser. */
export const WORDS: Readonly<Record<string, readonly string[]>> = {
  framing: ["]]>]]>", "\n#", "\n##\n", "]]>", "1", "0", "4294967295", "\n"],
  xml: [
    "<a>",
    "</a>",
    "<a/>",
    "xmlns=",
    ' xmlns:p="urn:p"',
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<!DOCTYPE",
    "<?xml",
    "&amp;",
    "&#x",
    ";",
    "p:",
  ],
  json: ["{", "}", "[", "]", ":", ",", '"', "\\u", "null", "true", "1e9", "-", '"a":', "__proto__"],
  yang: [
    "{",
    "}",
    ";",
    "leaf",
    "type",
    "string",
    "uses g",
    "grouping g",
    "augment",
    '"',
    "'",
    "+",
    "/*",
    "*/",
    "//",
    "default",
    "if-feature",
    "path",
    "../",
    "1..max",
  ],
  xpath: [
    "/",
    "//",
    "[",
    "]",
    "(",
    ")",
    "::",
    "..",
    "*",
    "|",
    "and",
    "or",
    "div",
    "'",
    "@",
    "$",
    "f:",
    "count(",
    "last()",
  ],
  filter: [
    "<top xmlns='urn:f'>",
    "</top>",
    "<row>",
    "<id>1</id>",
    "/",
    "(",
    ")",
    ";",
    "f:",
    "[",
    "]",
    "=",
  ],
  pattern: ["(", ")", "[", "]", "{", "}", "*", "+", "?", "|", "\\p{", "^", "-[", "{1,99}", "\\"],
}
