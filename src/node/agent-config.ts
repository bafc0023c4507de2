// The running configuration in native types. Versions that share entries share what those read as, so that what looks
// at a configuration after an edit can tell by identity what the edit left alone.

import type { LinkConfig } from "../model/link.js"
import type { NodeConfig } from "../model/node.js"
import { nodeConfigReader } from "../model/etsi015.js"
import type { JsonObject } from "../yang/json-text.js"

export class NativeConfigs {
  readonly #read = nodeConfigReader()
  readonly #completed = new WeakMap<LinkConfig, LinkConfig>()
  #latest: { readonly read: readonly LinkConfig[]; readonly completed: readonly LinkConfig[] } = {
    read: [],
    completed: [],
  }

  /** @throws QkdError with path where an entry cannot be read. */
  of(running: JsonObject): NodeConfig {
    const config = this.#read(running)
    if (config.links !== this.#latest.read) {
      const completed = config.links.map((link) => this.#complete(link, config.qkdnId))
      this.#latest = { read: config.links, completed }
    }
    return { ...config, links: this.#latest.completed }
  }

  /** The local end of a physical link filled in where the controller left it out: it is this node. */
  #complete(link: LinkConfig, qkdnId: string): LinkConfig {
    if (link.type !== "PHYS" || link.local.qkdnId !== "") return link
    const known = this.#completed.get(link)
    if (known !== undefined) return known
    const made = { ...link, local: { ...link.local, qkdnId } }
    this.#completed.set(link, made)
    return made
  }
}
