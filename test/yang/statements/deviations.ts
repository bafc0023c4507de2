// RFC 7950 section 7.20.3: deviations, of every property in every way.

import type { ProbeText, Section } from "./probe.js"

const NODES = `leaf a { type int8; } leaf u { type string; units x; default d; must "1 = 1"; config true; }
  leaf man { type string; mandatory true; } leaf-list ll { type string; min-elements 1; max-elements 3; } leaf-list dl { type string; default x; default y; }
  list l { key k; unique v; leaf k { type string; } leaf v { type string; } leaf w { type string; } } container c { leaf d { type string; } }
  choice ch { default y; leaf x { type string; } leaf y { type string; } } rpc r { input { leaf i { type string; } } } notification n { leaf o { type string; } } anydata any;`

/** Deviations of the nodes above, from another module. */
const of = (deviations: string): ProbeText => ({
  m: `import n { prefix n; } ${deviations}`,
  n: NODES,
})
const one = (target: string, deviate: string): ProbeText =>
  of(`deviation ${target} { deviate ${deviate} }`)

export const DEVIATIONS: readonly Section[] = [
  {
    section: "7.20.3 deviation: not-supported",
    valid: [
      one("/n:a", "not-supported;"),
      one("/n:c", "not-supported;"),
      one("/n:r", "not-supported;"),
      one("/n:n", "not-supported;"),
      one("/n:ch/n:x/n:x", "not-supported;"),
      one("/n:r/n:input/n:i", "not-supported;"),
      one("/n:n/n:o", "not-supported;"),
      of("deviation /n:a { description d; reference r; deviate not-supported; }"),
    ],
    broken: [
      one("/n:zz", "not-supported;"),
      one("/n:a", "not-supported { units x; }"),
      of("deviation /n:a { deviate not-supported; deviate add { units x; } }"),
      of("deviation /n:a;"),
      of("deviation n:a { deviate not-supported; }"),
      one("/n:a", "unsupported;"),
      one("/x:a", "not-supported;"),
      one("/n:l/n:k", "not-supported;"),
      of(
        "deviation /n:a { deviate not-supported; deviate not-supported; deviate replace { type string; } }",
      ),
    ],
  },
  {
    section: "7.20.3.2 deviate add",
    valid: [
      one("/n:a", "add { units u; default 3; must '1'; }"),
      one("/n:a", "add { mandatory true; }"),
      one("/n:a", "add { config false; }"),
      one("/n:l", "add { unique w; min-elements 1; max-elements 9; must '1'; }"),
      one("/n:dl", "add { default z; }"),
      one("/n:c", "add { must '1'; config false; }"),
      one("/n:any", "add { mandatory true; }"),
      of("deviation /n:a { deviate add { units u; } deviate add { default 4; } }"),
      of(
        "deviation /n:a { deviate add { units u; } } deviation /n:u { deviate delete { units x; } }",
      ),
    ],
    broken: [
      one("/n:u", "add { units y; }"),
      one("/n:u", "add { default e; }"),
      one("/n:u", "add { config true; }"),
      one("/n:man", "add { mandatory false; }"),
      one("/n:ll", "add { min-elements 2; }"),
      one("/n:ll", "add { max-elements 2; }"),
      one("/n:a", "add { type string; }"),
      one("/n:a", "add { default x; }"),
      one("/n:a", "add { unique x; }"),
      one("/n:a", "add { min-elements 1; }"),
      one("/n:c", "add { default x; }"),
      one("/n:c", "add { mandatory true; }"),
      one("/n:c", "add { units x; }"),
      one("/n:l", "add { default x; }"),
      one("/n:l", "add { unique z; }"),
      one("/n:ch", "add { must '1'; }"),
      one("/n:ch", "add { default y; }"),
      one("/n:a", "add { mandatory true; default 3; }"),
      one("/n:r", "add { must '1'; }"),
      one("/n:a", "add { must '('; }"),
      one("/n:a", "add { status deprecated; }"),
      one("/n:a", "add { description d; }"),
      one("/n:ch", "add { units x; }"),
      one("/n:any", "add { default x; }"),
      one("/n:any", "add { units x; }"),
    ],
  },
  {
    section: "7.20.3.2 deviate replace",
    valid: [
      one("/n:a", "replace { type string; }"),
      one("/n:u", "replace { units y; default e; config false; }"),
      one("/n:man", "replace { mandatory false; }"),
      one("/n:ll", "replace { min-elements 2; max-elements 5; }"),
      one("/n:ch", "replace { default x; }"),
      of("deviation /n:a { deviate replace { type string; } deviate add { default x; } }"),
      of("typedef t { type string; } deviation /n:a { deviate replace { type t; } }"),
    ],
    broken: [
      one("/n:a", "replace { units u; }"),
      one("/n:a", "replace { default 3; }"),
      one("/n:a", "replace { mandatory true; }"),
      one("/n:u", "replace { must '1'; }"),
      one("/n:l", "replace { unique w; }"),
      one("/n:l", "replace { min-elements 1; }"),
      one("/n:c", "replace { type string; }"),
      one("/n:u", "replace { type int8; }"),
      one("/n:ch", "replace { default z; }"),
      one("/n:dl", "replace { default z; default y; }"),
      one("/n:a", "replace { type nothing; }"),
      one("/n:a", "replace { min-elements 2; }"),
      one("/n:ch", "replace { type string; }"),
      one("/n:l", "replace { type string; }"),
    ],
  },
  {
    section: "7.20.3.2 deviate delete",
    valid: [
      one("/n:u", "delete { units x; default d; must '1 = 1'; }"),
      one("/n:l", "delete { unique v; }"),
      one("/n:dl", "delete { default x; }"),
      one("/n:dl", "delete { default x; default y; }"),
      one("/n:ch", "delete { default y; }"),
    ],
    broken: [
      one("/n:u", "delete { units y; }"),
      one("/n:u", "delete { default e; }"),
      one("/n:u", "delete { must '2'; }"),
      one("/n:l", "delete { unique w; }"),
      one("/n:a", "delete { units x; }"),
      one("/n:a", "delete { default 3; }"),
      one("/n:dl", "delete { default z; }"),
      one("/n:u", "delete { config true; }"),
      one("/n:man", "delete { mandatory true; }"),
      one("/n:ll", "delete { min-elements 1; }"),
      one("/n:a", "delete { type int8; }"),
      one("/n:ch", "delete { default x; }"),
      one("/n:c", "delete { units x; }"),
    ],
  },
]
