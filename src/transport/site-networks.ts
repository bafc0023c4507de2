// Which addresses are of the site: keys are delivered there and nowhere else (THREATS N8). Whoever records a TLS connection
// that crosses a network outside can read its keys once classical key exchange is broken; the libraries below have no
// hybrid one, so such a connection does not begin.

import { BlockList, isIP, isIPv6 } from "node:net"
import { QkdError } from "../errors.js"

export class SiteNetworks {
  readonly #networks = new BlockList()

  /**
   * @param prefixes such as `10.1.0.0/16`, `2001:db8:1::/48`
   * @throws QkdError `invalid-value` for what is no prefix, with `path`
   */
  constructor(prefixes: readonly string[], path: string) {
    for (const prefix of prefixes) {
      const [address = "", length = ""] = prefix.split("/")
      try {
        this.#networks.addSubnet(address, Number(length), isIPv6(address) ? "ipv6" : "ipv4")
      } catch (cause) {
        throw new QkdError("invalid-value", `${prefix} is no prefix of a network`, { path, cause })
      }
    }
  }

  /** Whether connections from there never leave the site. Loopback does not. */
  has(address: string): boolean {
    // A socket that listens for both families shows IPv4 addresses like this.
    const plain = address.toLowerCase().startsWith("::ffff:") ? address.slice(7) : address
    if (isIP(plain) === 0) return false
    if (plain === "::1" || plain === "127.0.0.1") return true
    return this.#networks.check(plain, isIPv6(plain) ? "ipv6" : "ipv4")
  }

  /**
   * What is listened on must be of the site, or all of the host's addresses: callers are judged one by one then.
   *
   * @throws QkdError `invalid-value` with `path`
   */
  checkBind(host: string, path: string): void {
    if (isIP(host) === 0 || host === "0.0.0.0" || host === "::" || this.has(host)) return
    throw new QkdError(
      "invalid-value",
      `${host} is outside site_networks, and keys do not leave the site without hybrid key exchange`,
      { path },
    )
  }
}
