// What the controller shows and believes over TLS, out of the files its configuration names: read at the start, and
// again on SIGHUP. Decides nothing about users.

import { byCertificate, type Identify } from "../north/restconf-identity.js"
import type { HttpsSide } from "../north/https-options.js"
import type { RunningHttp } from "../north/http.js"
import type { NetconfTlsListen, NetworkFace } from "../north/network-face.js"
import type { NetconfTlsSetting } from "../node/config.js"
import { readTlsFiles } from "../transport/tls-files.js"
import type { MutualTls } from "../transport/tls.js"
import type { ControllerConfig } from "./controller-config.js"
import type { roleLog } from "./log.js"

/** NETCONF over TLS, as it is listened for. @throws QkdError for unusable files. */
export async function netconfTlsListen(setting: NetconfTlsSetting): Promise<NetconfTlsListen> {
  const { host, port, certToName } = setting
  return { host, port, certToName, mutual: await mutualTls(setting) }
}

async function mutualTls(setting: NetconfTlsSetting): Promise<MutualTls> {
  return { ...(await readTlsFiles(setting)), minVersion: setting.tls12 ? "TLSv1.2" : "TLSv1.3" }
}

/** Of REST, RESTCONF and the page; undefined where plain HTTP is served. @throws QkdError for unusable files. */
export async function httpsSide({ httpTls }: ControllerConfig): Promise<HttpsSide | undefined> {
  return httpTls === undefined ? undefined : readTlsFiles(httpTls)
}

/** RESTCONF's users by certificate: those of NETCONF, with the same roles. */
export function certifiedUsers({ httpTls, netconf }: ControllerConfig): Identify {
  const roles = new Map((netconf?.user ?? []).map(({ name, role }) => [name, role]))
  return byCertificate(httpTls?.certToName ?? [], (username) => {
    const role = roles.get(username)
    return role === undefined ? undefined : [role]
  })
}

/** Whatever fails, what was in force stays. */
export async function renewTls(
  { network, http }: { readonly network: NetworkFace; readonly http: RunningHttp },
  config: ControllerConfig,
  log: ReturnType<typeof roleLog>,
): Promise<void> {
  const { netconfTls } = config
  try {
    const mutual = netconfTls && (await mutualTls(netconfTls))
    const side = await httpsSide(config)
    const ended =
      (mutual === undefined ? 0 : network.renewTls(mutual)) +
      (side === undefined ? 0 : http.renewTls(side))
    log.info({ ended }, "TLS files are read again")
  } catch (error) {
    log.error({ err: error }, "new TLS files are refused; the old ones stay")
  }
}
