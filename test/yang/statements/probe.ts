// What the tables of statements are made of.

/** The inside of a module `m` (prefix `m`), or several modules by name, or whole texts. */
export type ProbeText = string | Readonly<Record<string, string>>

/** One section of RFC 7950: modules it allows and modules it forbids, each for one rule. */
export interface Section {
  readonly section: string
  readonly valid?: readonly ProbeText[]
  readonly broken?: readonly ProbeText[]
  /** The same under YANG version 1. */
  readonly valid10?: readonly ProbeText[]
  readonly broken10?: readonly ProbeText[]
}

/** The modules of a probe as texts. */
export function modulesOf(probe: ProbeText, version: "1" | "1.1"): Record<string, string> {
  const bodies = typeof probe === "string" ? { m: probe } : probe
  const texts: Record<string, string> = {}
  for (const [name, body] of Object.entries(bodies))
    texts[name] = /^\s*(sub)?module /.test(body)
      ? body
      : `module ${name} { yang-version ${version}; namespace "urn:${name}"; prefix ${name}; ${body} }`
  return texts
}
