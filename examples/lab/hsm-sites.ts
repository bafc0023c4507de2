// Two sites with a SoftHSM token each, the same key managers (ours or not) and a line between them: files and settings.

import { mkdirSync, writeFileSync } from "node:fs"
import path from "node:path"
import { createAuthority, issueRelayCertificate, validFor } from "../../src/transport/pki.js"
import { freePort } from "./id-certificates.js"
import type { KmeAccess } from "./key-managers.js"
import { makeTokens, SOFTHSM, type SoftTokens } from "./softhsm.js"

export const SITES = ["alpha", "omega"] as const
export type SiteName = (typeof SITES)[number]

export interface HsmSite {
  readonly name: SiteName
  readonly configFile: string
  readonly soft: SoftTokens
  readonly dir: string
}

export interface HsmSitesOptions {
  /** Keys each site wants ready to seal with. */
  readonly count: Readonly<Record<SiteName, number>>
  readonly import?: string
  readonly hybrid?: boolean
  readonly lifetimeS?: number
  readonly maxKeys?: number
  /** Where fillings are ordered. */
  readonly controller?: object
}

/** Each site in a folder of its own under `dir`. Both lines' ports are free ones. */
export async function makeHsmSites(
  dir: string,
  kme: readonly [KmeAccess, KmeAccess],
  options: HsmSitesOptions,
): Promise<Record<SiteName, HsmSite>> {
  const authority = createAuthority("preload lines", validFor(1))
  const ports = { alpha: await freePort(), omega: await freePort() }
  const make = (name: SiteName, peer: SiteName, own: KmeAccess, far: KmeAccess): HsmSite => {
    const home = path.join(dir, name)
    mkdirSync(home, { recursive: true })
    const soft = makeTokens(home, [name])
    const pair = issueRelayCertificate(authority, name, ["127.0.0.1"], validFor(1))
    writeFileSync(path.join(home, "cert.pem"), pair.certificatePem)
    writeFileSync(path.join(home, "key.pem"), pair.privateKeyPem, { mode: 0o600 })
    writeFileSync(path.join(home, "ca.pem"), authority.certificatePem)
    const hsm = {
      site: name,
      sae_id: own.saeId,
      dir: "state",
      round_s: 1,
      token: {
        library: SOFTHSM,
        label: name,
        pin_file: soft.pinFile,
        import: options.import ?? "aes-key-wrap",
        max_keys: options.maxKeys ?? 5000,
      },
      kme: {
        host: own.host,
        port: own.port,
        cert_file: own.certFile,
        key_file: own.keyFile,
        ca_file: own.caFile,
      },
      line: {
        host: "127.0.0.1",
        port: ports[name],
        cert_file: "cert.pem",
        key_file: "key.pem",
        ca_file: "ca.pem",
      },
      ...(options.controller === undefined ? {} : { controller: options.controller }),
      peer: [
        {
          name: peer,
          sae_id: far.saeId,
          common_name: peer,
          host: "127.0.0.1",
          port: ports[peer],
          hybrid: options.hybrid ?? false,
          count: options.count[name],
          lifetime_s: options.lifetimeS ?? 7_776_000,
        },
      ],
    }
    const configFile = path.join(home, "hsm.json")
    writeFileSync(configFile, JSON.stringify({ hsm }, null, 2))
    return { name, configFile, soft, dir: home }
  }
  return {
    alpha: make("alpha", "omega", kme[0], kme[1]),
    omega: make("omega", "alpha", kme[1], kme[0]),
  }
}
