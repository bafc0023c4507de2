// How things are called in reasons and messages: by the names operators gave, not by ids.

import type { NetworkLink } from "../model/network.js"
import type { View } from "./view.js"

export function nodeName(view: View, qkdnId: string): string {
  return view.node(qkdnId)?.name ?? qkdnId
}

/** `Windhof - Kirchberg`, with the link's own name where several links join the two. */
export function linkName(view: View, link: NetworkLink): string {
  const ends = `${nodeName(view, link.a.qkdnId)} - ${nodeName(view, link.b.qkdnId)}`
  return link.name === undefined ? ends : `${ends} (${link.name})`
}

/** `Windhof - Kirchberg - Betzdorf`. */
export function pathName(view: View, nodes: readonly string[]): string {
  return nodes.map((qkdnId) => nodeName(view, qkdnId)).join(" - ")
}
