// XPath text as a value (`yang:xpath1.0`): its prefixes mean what they mean where the text stands. Inside we write module
// names in their place, as for identities (RFC 7951 section 6.8), so that the text keeps its meaning. Parses no XPath.

/** Literals pass by; every name is one match, so that the work is linear. */
const NAMES = /"[^"]*"|'[^']*'|([A-Za-z_][\w.-]*)(:(?=[A-Za-z_*]))?/g

/** The text with every prefix replaced; one that `rename` does not know stays. */
export function renamePrefixes(
  text: string,
  rename: (prefix: string) => string | undefined,
): string {
  return text.replace(
    NAMES,
    (whole: string, name: string | undefined, colon: string | undefined) =>
      name === undefined || colon === undefined ? whole : `${rename(name) ?? name}:`,
  )
}
