// The faces at which a node delivers keys, opened from its settings and the files these name: ETSI 014 always, others
// where they are configured. All share one key manager, one desk, one audit trail.

import { readPreSharedKeys } from "../transport/tls-psk.js"
import { readTlsFiles } from "../transport/tls-files.js"
import type { TlsFiles } from "../transport/tls-files.js"
import type { Parties } from "../keys/border-records.js"
import type { SitePolicy } from "../keys/policy.js"
import type { AuditTrail } from "./audit.js"
import type { BorderDesk } from "./border-ports.js"
import type { ListenAddress, NodeSettings } from "./config.js"
import { listenEtsi004 } from "./etsi004.js"
import { listenEtsi014 } from "./etsi014.js"
import { deliveryText } from "./delivery-record.js"
import type { DeliveryRecord } from "./delivery-record.js"
import type { DeliveryOptions } from "./etsi014-delivery.js"
import { DeliveryMethods } from "./etsi014-methods.js"
import type { Face, FaceTls } from "./http-face.js"
import type { Log } from "./log.js"
import { readText } from "./node-keys.js"
import type { ApplicationDesk, KeyManager, KeyOrder, KeyStreams } from "./ports.js"
import { listenEtsi020 } from "./etsi020.js"
import type { KeyLots } from "./lot-ports.js"
import { OutletLotDesk } from "./outlet-lot-desk.js"
import { Outlets } from "./outlets.js"
import { Etsi020Client } from "./etsi020-client.js"
import { listenSkip } from "./skip.js"

interface OpenFace {
  /** @returns how many connections ended because their certificates are revoked now */
  renew(tls: FaceTls): number | Promise<number>
  close(): Promise<void>
}

export interface FaceParts {
  /** The policy in force; asked anew for each request. */
  readonly policy: () => SitePolicy
  readonly keyManager: DeliveryOptions["keyManager"]
  readonly streams: KeyStreams
  readonly desk: ApplicationDesk
  readonly border: BorderDesk
  readonly lots: KeyLots
  readonly audit: AuditTrail
  readonly log: Log
}

export interface OpenFaces {
  readonly etsi014: ListenAddress
  readonly skip?: ListenAddress
  readonly etsi004?: ListenAddress
  readonly etsi020?: ListenAddress
  /**
   * Reads the files of all faces again.
   *
   * @returns what puts them in force, and tells how many connections ended because their certificates are revoked now
   * @throws QkdError `invalid-value` when one cannot be read; nothing changes then
   */
  renewal(): Promise<() => Promise<number>>
  /** Another site policy is in force: resolves when it is wherever keys are delivered. */
  policyChanged(): Promise<void>
  /** Resolves when keys that were ready before the last change are given out nowhere. */
  inForce(): Promise<void>
  close(): Promise<void>
}

/** @throws QkdError `invalid-value` for a file, `in-use` for an address; what had opened is closed again. */
export async function openFaces(settings: NodeSettings, parts: FaceParts): Promise<OpenFaces> {
  const open: { readonly files: TlsFiles; readonly face: OpenFace }[] = []
  const close = async (): Promise<void> => {
    await Promise.all(open.map(({ face }) => face.close()))
  }
  const { policy, keyManager, desk, audit, log } = parts
  const common = {
    ...{ policy, keyManager, desk, log },
    livesHere: (saeId: string) => policy().standsFor(saeId),
    audit: (record: DeliveryRecord) => audit.appendText(deliveryText(record)),
    auditable: () => {
      audit.admit()
    },
  }
  const { etsi014, skip, etsi004, siteNetworks } = settings
  const limits = siteNetworks === undefined ? {} : { from: siteNetworks }
  try {
    const { saeIdentity, host } = etsi014
    const face = await openEtsi014(settings, common, parts.lots)
    open.push({ files: etsi014, face })
    let skipFace: Face | undefined
    let preSharedKeys: ReadonlyMap<string, Uint8Array> = new Map()
    if (skip !== undefined) {
      const { host, port, remoteSystems, pskFile } = skip
      const tls = await faceTls(skip)
      preSharedKeys = await pskIn(pskFile)
      skipFace = await listenSkip({
        ...{ ...common, host, port, tls, limits, saeIdentity, remoteSystems },
        ...(pskFile !== undefined && { preSharedKeys: () => preSharedKeys }),
      })
      open.push({ files: skip, face: skipFace })
    }
    let streamFace: Face | undefined
    if (etsi004 !== undefined) {
      const { host, port } = etsi004
      const { streams } = parts
      const tls = await faceTls(etsi004)
      streamFace = await listenEtsi004({
        ...{ ...common, host, port, tls, saeIdentity, streams, limits },
      })
      open.push({ files: etsi004, face: streamFace })
    }
    const border = settings.etsi020 && (await openBorder(settings.etsi020, parts))
    if (border !== undefined) open.push(border)
    return {
      ...(border !== undefined && { etsi020: border.address }),
      ...(etsi004 !== undefined &&
        streamFace !== undefined && { etsi004: { host: etsi004.host, port: streamFace.port } }),
      etsi014: { host, port: face.port },
      ...(skip !== undefined &&
        skipFace !== undefined && { skip: { host: skip.host, port: skipFace.port } }),
      renewal: async () => {
        const read = await Promise.all(open.map(({ files }) => faceTls(files)))
        const keys = await pskIn(skip?.pskFile)
        return async () => {
          preSharedKeys = keys
          const ended = await Promise.all(
            read.map((tls, index) => Promise.resolve(open[index]?.face.renew(tls) ?? 0)),
          )
          return ended.reduce((sum, each) => sum + each, 0)
        }
      },
      policyChanged: () => face.policyChanged(),
      inForce: () => face.inForce(),
      close,
    }
  } catch (cause) {
    await close()
    throw cause
  }
}

type CommonParts = Pick<
  DeliveryOptions,
  "policy" | "keyManager" | "desk" | "log" | "livesHere" | "audit" | "auditable"
>

/** By the node itself, or at outlets. */
async function openEtsi014(
  { etsi014, auditFile, siteNetworks }: NodeSettings,
  common: CommonParts,
  lots: KeyLots,
): Promise<OpenFace & Pick<OpenFaces, "policyChanged" | "inForce"> & { readonly port: number }> {
  const { host, port, saeIdentity, maxSaeIdCount, hideForeignKeys, outlets: count } = etsi014
  const tls = await faceTls(etsi014)
  const from = siteNetworks === undefined ? {} : { from: siteNetworks }
  const delivery = { ...common, maxSaeIdCount, hideForeignKeys }
  if (count === 0) {
    const face = await listenEtsi014({
      ...{ ...delivery, ...tls, host, port, saeIdentity, limits: from },
    })
    const atOnce = (): Promise<void> => Promise.resolve()
    return { ...face, policyChanged: atOnce, inForce: atOnce }
  }
  const { policy, desk, livesHere, log } = common
  return Outlets.open({
    ...{ count, host, port, tls, policy, saeIdentity, maxSaeIdCount, auditFile, log, ...from },
    methods: new DeliveryMethods(delivery),
    lots: new OutletLotDesk({ lots, policy, desk, livesHere }),
  })
}

async function pskIn(file: string | undefined): Promise<ReadonlyMap<string, Uint8Array>> {
  return file === undefined ? new Map() : readPreSharedKeys(await readText(file))
}

interface OpenBorder {
  readonly files: TlsFiles
  readonly face: Pick<Face, "renew" | "close">
  readonly address: ListenAddress
}

/** Both sides of the interface to neighbouring domains show one certificate. */
async function openBorder(
  etsi020: NonNullable<NodeSettings["etsi020"]>,
  { policy, border, desk, audit, log }: FaceParts,
): Promise<OpenBorder> {
  const { host, timeoutMs, mode } = etsi020
  let tls = await faceTls(etsi020)
  let base = etsi020.url ?? ""
  const note = (method: string, domain: string, parties: Parties, keyIds: readonly string[]) =>
    audit.append({
      ...{ method, domain, saeId: parties.initiatorSaeId, keyIds },
      targetSaeIds: parties.targetSaeIds,
    })
  const client = new Etsi020Client({
    ...{ policy, mode, timeoutMs, log },
    tls: () => ({
      identity: tls.identity,
      authorities: tls.callerAuthorities,
      ...(tls.revocation !== undefined && { revocation: tls.revocation }),
    }),
    callbackUrl: () => `${base}/kmapi/v1/ext_keys/ack`,
    audit: (domain, parcel) => note("ext_keys_given", domain, parcel, parcel.keyIds),
  })
  const face = await listenEtsi020({
    ...{ host, port: etsi020.port, tls, policy, border, desk, client, timeoutMs, log },
    audit: (domain, parties, keyIds) => note("ext_keys_taken", domain, parties, keyIds),
  })
  if (base === "") base = `https://${host.includes(":") ? `[${host}]` : host}:${face.port}`
  border.attach(client)
  return {
    files: etsi020,
    address: { host, port: face.port },
    face: {
      renew: (next) => {
        const ended = face.renew(next)
        tls = next
        client.renewed()
        return ended
      },
      close: async () => {
        client.close()
        await face.close()
      },
    },
  }
}

async function faceTls(files: TlsFiles): Promise<FaceTls> {
  const { identity, authorities, revocation } = await readTlsFiles(files)
  return { identity, callerAuthorities: authorities, ...(revocation && { revocation }) }
}

/** The key manager as the faces see it, with every refusal counted for its application (`refused_requests`). */
export function countingRefusals(
  manager: KeyManager,
  refused: (appId: string) => void,
): Pick<KeyManager, "supplyKeys" | "readyKeys" | "takeKeys" | "deliverableCount"> {
  const count = ({ slaves }: KeyOrder): void => {
    for (const { appId } of slaves) if (appId !== undefined) refused(appId)
  }
  return {
    supplyKeys: async (order) => {
      try {
        return await manager.supplyKeys(order)
      } catch (error) {
        count(order)
        throw error
      }
    },
    readyKeys: (order) => {
      try {
        return manager.readyKeys(order)
      } catch (error) {
        count(order)
        throw error
      }
    },
    takeKeys: (slaveSaeId, masterSaeId, keyIds) =>
      manager.takeKeys(slaveSaeId, masterSaeId, keyIds),
    deliverableCount: (appId, keySizeBits) => manager.deliverableCount(appId, keySizeBits),
  }
}
