// RFC 6241 section 6 subtree filtering on XML itself, for notifications. Data goes through `yang/filter`.

import { childrenOf, textOf, type XmlElement } from "../yang/xml-tree.js"

/** What of `data` the filter elements select; an empty filter selects nothing (section 6.4.2). */
export function filterElements(
  data: readonly XmlElement[],
  filter: readonly XmlElement[],
): XmlElement[] {
  return data.flatMap((element) => {
    const selected = select(element, filter)
    return selected === undefined ? [] : [selected]
  })
}

function select(element: XmlElement, siblings: readonly XmlElement[]): XmlElement | undefined {
  const inner: XmlElement[] = []
  let some = false
  for (const filter of siblings.filter(
    (f) => sameName(f, element) && attributesMatch(f, element),
  )) {
    const below = childrenOf(filter)
    if (below.length === 0) {
      const wanted = textOf(filter).trim()
      if (wanted === "" || wanted === textOf(element).trim()) return element
      continue
    }
    const matches = below.filter(isContentMatch)
    const held = (match: XmlElement): boolean =>
      childrenOf(element).some(
        (c) => sameName(match, c) && textOf(c).trim() === textOf(match).trim(),
      )
    if (!matches.every(held)) continue
    if (matches.length === below.length) return element
    inner.push(...below)
    some = true
  }
  if (!some) return undefined
  const children = filterElements(childrenOf(element), inner)
  // A content match alone does not make an element selected when what was asked for is not there.
  const asked = children.some((c) => inner.some((f) => !isContentMatch(f) && sameName(f, c)))
  return asked ? { ...element, children } : undefined
}

/** A leaf of the filter with text (section 6.2.5). */
function isContentMatch(filter: XmlElement): boolean {
  return childrenOf(filter).length === 0 && textOf(filter).trim() !== ""
}

/** A filter element without namespace stands for any (section 6.2.1). */
function sameName(filter: XmlElement, element: XmlElement): boolean {
  return filter.name === element.name && (filter.ns === "" || filter.ns === element.ns)
}

function attributesMatch(filter: XmlElement, element: XmlElement): boolean {
  return filter.attrs.every((wanted) =>
    element.attrs.some(
      (a) => a.name === wanted.name && a.ns === wanted.ns && a.value === wanted.value,
    ),
  )
}
