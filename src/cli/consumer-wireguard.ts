// `keyloom consumer wireguard`: a WireGuard peer, kept on QKD keys.

import { readWireguardConfig } from "../consumer/config.js"
import { startConsumer } from "../consumer/consumer.js"
import { WgToolDevice } from "../consumer/wireguard-tool.js"
import { WireguardTunnel } from "../consumer/wireguard-tunnel.js"
import { UapiDevice } from "../consumer/wireguard-uapi.js"
import { readConsumerConfig, untilConsumerEnds } from "./consumer-role.js"

export async function runWireguardConsumer(file: string): Promise<void> {
  const { settings, log, stopAsked } = readConsumerConfig("wireguard", file, readWireguardConfig)
  const { device, tunnel: terms } = settings
  const tunnel = new WireguardTunnel({
    role: terms.role,
    policy: terms.policy,
    device:
      device.kind === "uapi"
        ? new UapiDevice(device.socket)
        : new WgToolDevice(settings.interface, device.namespace),
    peer: settings.peer,
    log,
    handshakeMs: settings.handshakeMs,
    now: Date.now,
  })
  await untilConsumerEnds(await startConsumer(terms, tunnel, log), stopAsked)
}
