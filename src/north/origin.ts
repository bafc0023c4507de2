// Whether a request comes from our own page (THREATS.md T7) and from where; pure string work on headers.

/** Loopback by address or by the names every system gives it. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[|\]$/g, "").toLowerCase()
  return (
    name === "localhost" ||
    name.endsWith(".localhost") ||
    name === "::1" ||
    name === "::ffff:127.0.0.1" ||
    /^127(\.\d{1,3}){3}$/.test(name)
  )
}

/** `host:port` of a Host header, split; undefined when it is malformed. */
export function hostNameOf(header: string): string | undefined {
  const m = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(header)
  return m?.[1]?.toLowerCase()
}

export interface OriginRule {
  /** True when plain HTTP on loopback: then only loopback names are ours, against DNS rebinding. */
  readonly loopbackOnly: boolean
  /** Further origins allowed, such as that of a reverse proxy: `https://keyloom.example`. */
  readonly origins: readonly string[]
}

/** Whether the Host header names us. A rebinding page arrives under its own name. */
export function hostIsOurs(rule: OriginRule, host: string | undefined): boolean {
  if (host === undefined) return false
  const name = hostNameOf(host)
  if (name === undefined) return false
  if (!rule.loopbackOnly || isLoopback(name)) return true
  return rule.origins.some((origin) => originHost(origin) === host.toLowerCase())
}

/** Whether an Origin header is that of our own page as reached under `host`. */
export function originIsOurs(rule: OriginRule, origin: string, host: string | undefined): boolean {
  if (rule.origins.includes(origin)) return true
  const scheme = rule.loopbackOnly ? "http:" : "https:"
  return (
    host !== undefined &&
    hostIsOurs(rule, host) &&
    origin.startsWith(`${scheme}//`) &&
    originHost(origin) === host.toLowerCase()
  )
}

function originHost(origin: string): string | undefined {
  return /^https?:\/\/([^/?#@]+)$/i.exec(origin)?.[1]?.toLowerCase()
}
