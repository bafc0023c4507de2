// Where yanglint 2.1 says otherwise, and why we stay with the RFC. A probe is named by its section and the text of its
// module `m`, with the texts of others where that is needed.

export interface Difference {
  /** In words for docs/COMPLIANCE.md. */
  readonly why: string
  /** yanglint accepts what we refuse, or the other way round. */
  readonly yanglint: "accepts" | "refuses"
  readonly probes: readonly string[]
}

export const DIFFERING: readonly Difference[] = [
  {
    why: "module and submodule of different YANG versions; a YANG 1 module that imports one of 1.1 by revision (RFC 7950 section 12 forbids each)",
    yanglint: "accepts",
    probes: [
      "5.1 imports and includes: include s; | submodule s { yang-version 1; belongs-to m { prefix m; }  }",
      "5.1 imports and includes: 1: include s; | submodule s { yang-version 1.1; belongs-to m { prefix m; }  }",
      "5.1 imports and includes: 1: import n { prefix n; revision-date 2020-01-01; }",
    ],
  },
  {
    why: "an extension defined twice (6.2.1)",
    yanglint: "accepts",
    probes: [
      "5.1 imports and includes: include s; extension e;",
      "6.2.1 identifiers and their namespaces: extension e; extension e;",
    ],
  },
  {
    why: "what YANG 1 let pass: unknown escapes, quotes inside unquoted strings (RFC 6020 section 6.1.3)",
    yanglint: "refuses",
    probes: [
      '6.1 lexical tokens: 1: description "a\\x";',
      "6.1 lexical tokens: 1: leaf a { type string; units a'b; }",
    ],
  },
  {
    why: "typedefs and defaults in groupings that nobody uses yet: wrong all the same (7.3, 7.6.4)",
    yanglint: "accepts",
    probes: [
      "7.3 typedef: typedef t { type nothing; }",
      "7.3 typedef: typedef t { type t; }",
      "7.3 typedef: typedef t { type int8; default x; }",
      "7.12, 7.13 grouping and uses: grouping g { leaf a { type int8; default x; } }",
    ],
  },
  {
    why: "a default for a leaf of type empty (9.11)",
    yanglint: "accepts",
    probes: ['7.6 leaf: leaf a { type empty; default ""; }'],
  },
  {
    why: "ordered-by written twice (14)",
    yanglint: "accepts",
    probes: ["7.7 leaf-list: leaf-list a { type string; ordered-by system; ordered-by user; }"],
  },
  {
    why: "a key with an if-feature (7.8.2)",
    yanglint: "accepts",
    probes: ["7.8 list: feature f; list l { key k; leaf k { type string; if-feature f; } }"],
  },
  {
    why: "a current identity with an obsolete base in the same module (7.21.2)",
    yanglint: "accepts",
    probes: [
      "7.21 config, status, when, if-feature in data: identity i { status obsolete; } identity j { base i; }",
    ],
  },
  {
    why: "config refined on a case, which has none (7.13.2)",
    yanglint: "accepts",
    probes: [
      "7.13.2 refine: grouping g { leaf a { type string; } leaf-list ll { type string; } list l { key k; leaf k { type string; } } container c { leaf d { type string; } } choice ch { case x { leaf x { type string; } } leaf y { type string; } } anydata any; } uses g { refine ch/x { config false; } }",
    ],
  },
  {
    why: "a YANG 1 augment that adds mandatory nodes to another module, if only on a condition (RFC 6020 section 7.15)",
    yanglint: "accepts",
    probes: [
      "7.17 augment: 1: import n { prefix n; } augment /n:c { when '1'; leaf a { type string; mandatory true; } }",
    ],
  },
  {
    why: "actions and notifications where no instance could be named: in lists without keys, at the top (7.15, 7.16)",
    yanglint: "accepts",
    probes: [
      "7.14 to 7.16 operations and notifications: list l { config false; leaf a { type string; } action x; }",
      "7.14 to 7.16 operations and notifications: list l { config false; leaf a { type string; } notification x; }",
      "7.14 to 7.16 operations and notifications: list l { config false; leaf a { type string; } container c { action x; } }",
      "7.14 to 7.16 operations and notifications: grouping g { action a; } uses g;",
    ],
  },
  {
    why: "a default that is no value of its type: an identity derived from one of two bases (9.10.2)",
    yanglint: "accepts",
    probes: [
      "7.18 identity: identity a; identity b; identity c { base a; } leaf x { type identityref { base a; base b; } default c; }",
    ],
  },
  {
    why: "not-supported together with other deviates (14)",
    yanglint: "accepts",
    probes: [
      "7.20.3 deviation: not-supported: import n { prefix n; } deviation /n:a { deviate not-supported; deviate add { units x; } }",
      "7.20.3 deviation: not-supported: import n { prefix n; } deviation /n:a { deviate not-supported; deviate not-supported; deviate replace { type string; } }",
    ],
  },
  {
    why: "a range with two numbers side by side (9.2.4)",
    yanglint: "accepts",
    probes: ["9.2 integers, 9.3 decimal64: leaf a { type int16 { range '1 2'; } }"],
  },
  {
    why: "class subtraction in patterns, which XSD has and PCRE has not (9.4.5)",
    yanglint: "refuses",
    probes: ["9.4 string: leaf a { type string { pattern '\\p{L}\\d+[\\w-[\\d]]'; } }"],
  },
]
