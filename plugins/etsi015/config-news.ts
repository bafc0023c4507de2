// What RFC 6470 tells of a node's configuration: that somebody else changed it, or that a provisional commit was
// taken back. Reads one notification.

import { childrenOf, textOf, type XmlElement } from "../../src/plugin/index.js"

const NS = "urn:ietf:params:xml:ns:yang:ietf-netconf-notifications"

/**
 * @param ownSessionId changes of this session are no news
 * @returns undefined for what is no news of the running configuration
 */
export function configurationNews(
  event: XmlElement,
  ownSessionId: number,
): "changed" | "taken-back" | undefined {
  if (event.ns !== NS) return undefined
  const leaf = (parent: XmlElement | undefined, name: string): string | undefined => {
    const found = parent && childrenOf(parent).find((child) => child.name === name)
    return found && textOf(found).trim()
  }
  if (event.name === "netconf-confirmed-commit") {
    const what = leaf(event, "confirm-event")
    return what === "timeout" || what === "cancel" ? "taken-back" : undefined
  }
  if (event.name !== "netconf-config-change") return undefined
  // RFC 6470 section 2.2: `datastore` is running where it is not said.
  const datastore = leaf(event, "datastore") ?? "running"
  if (datastore.replace(/^.*:/, "") !== "running") return undefined
  const by = childrenOf(event).find((child) => child.name === "changed-by")
  return leaf(by, "session-id") === String(ownSessionId) ? undefined : "changed"
}
