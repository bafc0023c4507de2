// `keyloom consumer ipsec`: an IKEv2 tunnel of strongSwan, kept on QKD keys.

import { readIpsecConfig } from "../consumer/config.js"
import { readPem, startConsumer } from "../consumer/consumer.js"
import { IpsecTunnel } from "../consumer/ipsec-tunnel.js"
import { ViciClient } from "../consumer/vici-client.js"
import { readConsumerConfig, untilConsumerEnds } from "./consumer-role.js"

/** What charon may take for anything but making an SA. */
const VICI_MS = 5000

export async function runIpsecConsumer(file: string): Promise<void> {
  const { settings, log, stopAsked } = readConsumerConfig("ipsec", file, readIpsecConfig)
  const { connection, tunnel: terms } = settings
  const withCertificates = (end: typeof connection.local) => ({
    ...end,
    certificates: end.certFiles.map(readPem),
  })
  const tunnel = new IpsecTunnel({
    name: terms.name,
    role: terms.role,
    policy: terms.policy,
    connection: {
      ...connection,
      local: withCertificates(connection.local),
      remote: withCertificates(connection.remote),
    },
    vici: new ViciClient({ socketFile: settings.viciSocket, timeoutMs: VICI_MS }),
    log,
    initiateMs: settings.initiateMs,
  })
  await untilConsumerEnds(await startConsumer(terms, tunnel, log), stopAsked)
}
