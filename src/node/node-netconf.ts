// The ways to a node's NETCONF server: SSH, TLS, and calls to managers, which are served like connections that came in.
// Knows who the users are and in which groups, not what they may do (agent-access).

import type { NetconfServer } from "../netconf/server.js"
import {
  callManagers,
  type CallHome,
  type CallHomeReport,
  type CallHomeTimings,
} from "../transport/call-home.js"
import { listenSsh, NetconfSshServer, type SessionOpener } from "../transport/ssh-server.js"
import { readTlsFiles } from "../transport/tls-files.js"
import { NetconfTlsServer } from "../transport/tls-server.js"
import type { MutualTls } from "../transport/tls.js"
import { withGroups } from "./agent-access.js"
import type { NetconfTlsSetting, NodeSettings } from "./config.js"
import type { Log } from "./log.js"
import { readText } from "./node-keys.js"

export interface NetconfWays {
  readonly host: string
  readonly port: number
  readonly hostKeyFingerprint: string
  readonly tlsPort?: number
  /**
   * Reads the TLS files again: certificate, authorities, revocation lists.
   *
   * @returns how many sessions ended because their certificates are revoked now.
   * @throws QkdError `invalid-value` for files that are unusable; those before stay in force.
   */
  renewTls(): Promise<number>
  /** Ends every connection, calls nobody any more. */
  close(): Promise<void>
}

/** @throws QkdError when a port cannot be had or a file is unusable; then nothing is left open. */
export async function openNetconf(
  settings: NodeSettings["netconf"],
  server: NetconfServer,
  log: Log,
  timings: Partial<CallHomeTimings> = {},
): Promise<NetconfWays> {
  const { host, port, users } = settings
  const groups = new Map(users.map((user) => [user.name, user.groups]))
  const opener = withGroups(server, (username) => groups.get(username) ?? [])
  const ssh = new NetconfSshServer({
    server: opener,
    hostKey: await readText(settings.hostKeyFile),
    users: new Map(users.map((user) => [user.name, user.publicKeys])),
  })
  const tls = settings.tls === undefined ? undefined : await tlsServer(settings.tls, opener, log)
  const listener = await listenSsh(ssh, { host, port })
  let calls: CallHome | undefined
  const close = async (): Promise<void> => {
    calls?.stop()
    await Promise.all([listener.close(), tls?.close()])
  }
  try {
    const tlsPort = settings.tls && (await tls?.listen(settings.tls.host, settings.tls.port))
    const said = (manager: string, report: CallHomeReport): void => {
      log.info({ manager, ...report }, "call home")
    }
    calls = callManagers(settings.callHome, { ssh, tls }, said, timings)
    const { hostKeyFingerprint } = ssh
    return {
      ...{ host: listener.host, port: listener.port, hostKeyFingerprint, close },
      renewTls: async () =>
        settings.tls === undefined ? 0 : (tls?.renew(await mutualTls(settings.tls)) ?? 0),
      ...(tlsPort !== undefined && { tlsPort }),
    }
  } catch (error) {
    await close()
    throw error
  }
}

async function tlsServer(
  setting: NetconfTlsSetting,
  server: SessionOpener,
  log: Log,
): Promise<NetconfTlsServer> {
  return new NetconfTlsServer({
    server,
    tls: await mutualTls(setting),
    certToName: setting.certToName,
    onRefused: (refusal) => {
      log.warn({ ...refusal }, "NETCONF over TLS refused")
    },
  })
}

async function mutualTls(setting: NetconfTlsSetting): Promise<MutualTls> {
  return {
    ...(await readTlsFiles(setting)),
    minVersion: setting.tls12 ? "TLSv1.2" : "TLSv1.3",
  }
}
