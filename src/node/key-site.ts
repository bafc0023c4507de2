// A key manager at work: ties together the link pools, the relay and the end keys, on one sealed store and one
// mesh of connections. Decides nothing itself; made by `createKeyManager`.

import { QkdError } from "../errors.js"
import type { Secret } from "../keys/secret.js"
import { Border } from "./border.js"
import { EndKeys } from "./end-keys.js"
import { ExpiryLog } from "./expiry-log.js"
import { limitsWith } from "./key-manager-options.js"
import type { KeyManagerAlarm, KeyManagerLimits, KeyManagerOptions } from "./key-manager-options.js"
import type { KeyStore } from "./key-store.js"
import { KeyMaker } from "./key-maker.js"
import { KeySupply } from "./key-supply.js"
import { KeyTransfers } from "./key-transfers.js"
import { LinkKeeper } from "./link-keeper.js"
import { takeIn } from "./link-key-intake.js"
import { LinkTable } from "./link-table.js"
import type { KeyLots } from "./lot-ports.js"
import { SILENT } from "./log.js"
import type { Log } from "./log.js"
import { PoolTalk } from "./pool-talk.js"
import { SiteStreams } from "./key-streams.js"
import type { EndKey, KeyManagerConfig, KeyOrder } from "./ports.js"
import type { PoolFigures, RunningKeyManager } from "./ports.js"
import { PathMessages } from "./path-messages.js"
import { RelayDesk } from "./relay-desk.js"
import { RelayMesh, type RelayMeshOwner } from "./relay-mesh.js"
import type { RelayPeer } from "./relay-peer.js"
import { RelaySender } from "./relay-sender.js"
import { decodeMark, type Frame, type Hello } from "./relay-wire.js"
import type { SteadyClock } from "./steady-clock.js"
import { StoreGuard } from "./store-guard.js"
import { StoreNews } from "./store-news.js"
import { TransitRates } from "./transit-rates.js"
import type { PeerIdentity } from "../keys/policy-view.js"

export class KeySite implements RunningKeyManager, RelayMeshOwner {
  readonly #options: KeyManagerOptions
  readonly #limits: KeyManagerLimits
  readonly #store: KeyStore
  readonly #clock: SteadyClock
  readonly #random: (bytes: number) => Uint8Array
  readonly #log: Log
  readonly #expiries: ExpiryLog
  readonly #links: LinkTable
  readonly #transfers: KeyTransfers
  readonly #transit: TransitRates
  readonly #supply: KeySupply
  readonly #desk: RelayDesk
  readonly #along: PathMessages
  readonly #news: StoreNews
  readonly #guard: StoreGuard
  readonly #pools: PoolTalk
  readonly streams: SiteStreams
  readonly border: Border
  readonly #timers: NodeJS.Timeout[] = []
  #endKeys: EndKeys
  #mesh: RelayMesh | undefined
  #config: KeyManagerConfig = { links: [], apps: [], peers: [] }
  #state: "open" | "resetting" | "failed" | "closed" = "open"

  constructor(
    options: KeyManagerOptions,
    store: KeyStore,
    clock: SteadyClock,
    random: (bytes: number) => Uint8Array,
  ) {
    this.#options = options
    this.#store = store
    this.#clock = clock
    this.#random = random
    this.#log = options.log ?? SILENT
    this.#expiries = new ExpiryLog(this.#log)
    this.#limits = limitsWith(options.limits)
    const { qkdnId, policy, identity } = options
    const [{ signKey }, limits, log] = [identity, this.#limits, this.#log]
    const peer = (id: string): RelayPeer | undefined => this.#mesh?.peer(id)
    const steadyMs = (): number => clock.steadyMs()
    this.#links = new LinkTable(policy, qkdnId, (id, far) => this.#makeKeeper(id, far))
    this.#pools = new PoolTalk(this.#links, peer)
    const sender = new RelaySender(this.#links, limits, peer)
    const onAlarm = this.#alarm
    const common = { links: this.#links, sender, peer, signKey, limits, log, onAlarm }
    this.border = new Border({
      ...{ qkdnId, store, policy, random, steadyMs, log, ttlS: limits.defaultTtlS },
      endKeys: () => this.#endKeys,
      forward: (order, given) => this.#supply.forward(order, given),
      voidAt: (offer) => this.#transfers.voidedAt(offer),
    })
    this.#transit = new TransitRates({
      ...{ links: this.#links, tagFailures: limits.tagFailures, steadyMs, onAlarm },
      room: (keeper) => this.#supply.rates.roomOf(keeper),
    })
    this.#transfers = new KeyTransfers({ ...common, random })
    this.#endKeys = new EndKeys(store, steadyMs, random)
    this.#supply = new KeySupply({
      ...{ links: this.#links, store, random, limits, steadyMs, log },
      transitBits: (qkdlId) => this.#transit.reservedBits(qkdlId),
      maker: new KeyMaker({ links: this.#links, transfers: this.#transfers, random, limits }),
      endKeys: () => this.border,
    })
    this.streams = new SiteStreams({
      ...{ links: this.#links, store, supply: this.#supply, peer, signKey, random, steadyMs, log },
      endKeys: () => this.#endKeys,
      take: (sae, master, keyIds) => this.takeKeys(sae, master, keyIds),
      defaultTtlS: limits.defaultTtlS,
      onRefused: (appId) => options.onChunkRefused?.(appId),
      onStoreFault: this.#storeFailed,
    })
    this.#desk = new RelayDesk({ ...common, transit: this.#transit, endKeys: () => this.border })
    this.#news = new StoreNews({
      ...{ links: this.#links, store, signKey, steadyMs },
      onLost: (id) => {
        this.#supply.lostAt(id)
      },
    })
    this.#along = new PathMessages({
      ...{ links: this.#links, peer, log, transfers: this.#transfers, desk: this.#desk },
      ...{ news: this.#news, streams: this.streams },
      onStoreFault: this.#storeFailed,
    })
    this.#guard = new StoreGuard({
      qkdnId,
      store,
      signKey,
      random,
      monotonicMs: () => clock.monotonicMs(),
      onRolledBack: (createdMs) => {
        void this.#rolledBack(createdMs)
      },
      onPeerStore: (id, why) => {
        this.#voidLinksTo(id, why)
      },
    })
  }

  async listen(): Promise<void> {
    const { qkdnId, policy, identity, listen } = this.#options
    this.#mesh = await RelayMesh.open({
      qkdnId,
      tls: identity.tls,
      listen,
      policy,
      clock: this.#clock,
      random: this.#random,
      limits: this.#limits,
      log: this.#log,
      owner: this,
    })
    this.#timers.push(
      setInterval(() => {
        void this.#sweep()
      }, this.#limits.sweepMs),
      setInterval(() => {
        this.#mesh?.tick()
        const peers = this.#mesh?.peers() ?? []
        this.#guard.tick(peers)
        this.#news.tell(peers)
      }, this.#limits.pingMs),
    )
  }

  get relayPort(): number {
    return this.#mesh?.port ?? 0
  }
  get waitingKeys(): number {
    return this.#endKeys.count
  }
  get stockedKeys(): number {
    return this.#supply.stock.keyCount
  }

  connectedPeers(): string[] {
    return this.#mesh?.peers().map((peer) => peer.qkdnId) ?? []
  }

  configure(config: KeyManagerConfig): void {
    this.#config = config
    if (this.#state !== "open") return
    const { added, removed } = this.#links.configure(config)
    for (const keeper of removed) this.#pools.leave(keeper)
    for (const keeper of added) this.#pools.connect(keeper)
    const neighbours = new Set(this.#neighbours())
    this.#mesh?.neighbours(config.peers.filter(({ qkdnId }) => neighbours.has(qkdnId)))
    this.#desk.configured()
    this.#transfers.configured()
    this.#transit.configured()
    this.#supply.configured()
    this.streams.configured()
  }

  async addLinkKey(qkdlId: string, blockId: string, key: Secret): Promise<void> {
    const keeper = this.#state === "open" ? this.#links.keeper(qkdlId) : undefined
    if (keeper === undefined) {
      key.wipe()
      this.#assertOpen()
      throw new QkdError("data-missing", `link ${qkdlId} is not configured here`)
    }
    const wanted = (): boolean => this.#state === "open" && this.#links.keeper(qkdlId) === keeper
    const steadyMs = (): number => this.#clock.steadyMs()
    await takeIn(keeper, blockId, key, wanted, steadyMs, (why) => {
      this.#alarm({ kind: "weak-key", qkdlId, message: `a module of link ${qkdlId} gave: ${why}` })
    })
  }

  poolFigures(qkdlId: string): PoolFigures | undefined {
    return this.#links.keeper(qkdlId)?.figures
  }

  deliveredBits(appId: string): bigint {
    return this.#supply.rates.deliveredBits(appId)
  }

  supply(appId: string): ReturnType<RunningKeyManager["supply"]> {
    return this.#supply.supplyOf(appId)
  }

  deliverableCount(appId: string, keySizeBits: number): number {
    return this.#supply.deliverableCount(appId, keySizeBits)
  }

  makeKeys(...order: Parameters<RunningKeyManager["makeKeys"]>): Promise<EndKey[]> {
    const [appId, masterSaeId, slaveSaeIds, count, keySizeBits] = order
    const slaves = slaveSaeIds.map((saeId) => ({ saeId, appId }))
    return this.supplyKeys({ masterSaeId, slaves, count, keySizeBits })
  }

  async supplyKeys(order: KeyOrder): Promise<EndKey[]> {
    this.#assertOpen()
    return this.#supply.supply(order)
  }

  readyKeys(order: KeyOrder): EndKey[] | undefined {
    this.#assertOpen()
    return this.#supply.ready(order)
  }

  get lots(): KeyLots {
    return this.#supply.lots
  }

  async takeKeys(
    slaveSaeId: string,
    masterSaeId: string,
    keyIds: readonly string[],
  ): Promise<EndKey[]> {
    this.#assertOpen()
    if (!this.#options.policy.ownsSae(slaveSaeId))
      throw new QkdError("access-denied", `${slaveSaeId} is not of this site`)
    // The same for every id, known or not: nothing is told before the neighbours were asked.
    if (this.#endKeys.fromEarlierRuns && !this.#guard.confirmed(this.#neighbours()))
      throw new QkdError("resource-denied", "no neighbour has confirmed the key store yet", {
        appTag: "node-unreachable",
      })
    const taken = await this.#endKeys.take(slaveSaeId, masterSaeId, keyIds)
    for (const { appId, bits } of taken.bits) this.#supply.rates.countDelivered(appId, bits)
    return taken.keys
  }

  async close(): Promise<void> {
    if (this.#state === "closed") return
    this.#state = "closed"
    const appTag = "closed"
    const closing = new QkdError("operation-failed", "the key manager is closing", { appTag })
    for (const timer of this.#timers) clearInterval(timer)
    this.#supply.stock.close()
    this.streams.stop()
    this.border.close()
    this.#transfers.close(closing)
    this.#desk.close()
    const saved = this.#links.all().map((keeper) => keeper.saveRecord())
    await Promise.allSettled([...saved, this.#supply.rates.save()])
    this.#links.clear(closing)
    await this.#mesh?.close()
    await this.#store.close()
  }

  helloFor(peer: PeerIdentity): Hello {
    this.#assertOpen()
    return this.#guard.helloFor(peer)
  }

  async onHello(peer: RelayPeer, hello: Hello): Promise<void> {
    this.#assertOpen()
    await this.#guard.judge(peer, hello)
  }

  onUp(peer: RelayPeer): void {
    this.#log.info({ peer: peer.qkdnId }, "relay peer connected")
    for (const keeper of this.#links.activeTo(peer.qkdnId)) this.#pools.connect(keeper)
    this.#transfers.peerUp(peer.qkdnId)
    this.streams.peerUp()
    this.#news.tell([peer])
  }

  onDown(peer: RelayPeer): void {
    this.#log.info({ peer: peer.qkdnId }, "relay peer gone")
    for (const keeper of this.#links.all()) {
      if (keeper.peer === peer.qkdnId) keeper.disconnect()
    }
    this.#transfers.peerDown(peer.qkdnId)
  }

  onFrame(peer: RelayPeer, { kind, body }: Frame): void {
    switch (kind) {
      case "pool":
        this.#pools.receive(peer, body)
        return
      case "relay":
        this.#desk.onRelay(peer, body)
        return
      case "ack":
      case "nack":
      case "void":
      case "voided":
      case "store":
      case "stream":
        this.#along.onFrame(peer.qkdnId, kind, body)
        return
      case "mark":
        this.#guard.onMark(peer, decodeMark(body))
        return
      default:
        throw new QkdError("malformed-message", `unexpected ${kind}`)
    }
  }

  #makeKeeper(qkdlId: string, peer: string): LinkKeeper {
    const { qkdnId, onLacking, linkMaxAgeMs } = this.#options
    const { pool } = this.#limits
    return new LinkKeeper({
      ...{ qkdlId, qkdnId, peer, store: this.#store },
      limits: { ...pool, maxAgeMs: linkMaxAgeMs?.get(qkdlId) ?? pool.maxAgeMs },
      ...(onLacking && { onLacking }),
      onExpired: (bits) => {
        this.#expiries.add(qkdlId, bits)
      },
      steadyMs: () => this.#clock.steadyMs(),
      onFault: this.#storeFailed,
    })
  }

  #neighbours(): string[] {
    return Array.from(new Set(this.#links.active().map(({ peer }) => peer)))
  }

  #voidLinksTo(qkdnId: string, why: "rolled-back" | "new"): void {
    for (const keeper of this.#links.all()) {
      if (keeper.peer === qkdnId) keeper.voidAll()
    }
    this.#supply.lostAt(qkdnId)
    this.#alarm({
      kind: why === "new" ? "peer-store-new" : "peer-rolled-back",
      qkdnId,
      message: "the keys of the links to this neighbour are void",
    })
  }

  /** This store is a restored copy: what it holds may have been used. All of it is void. */
  async #rolledBack(createdMs: number): Promise<void> {
    if (this.#state !== "open") return
    this.#state = "resetting"
    this.#alarm({ kind: "store-rolled-back", message: "a restored copy: all keys are void" })
    const error = new QkdError("operation-failed", "the key store was rolled back")
    try {
      this.#supply.clear()
      this.streams.clear()
      this.#transfers.close(error)
      this.#desk.close()
      this.#links.clear(error)
      this.#endKeys.clear()
      this.border.clear()
      for (const peer of this.#mesh?.peers() ?? []) peer.close(error)
      await this.#store.reset(createdMs)
      this.#endKeys = new EndKeys(this.#store, () => this.#clock.steadyMs(), this.#random)
      this.#state = "open"
      this.configure(this.#config)
    } catch (cause) {
      this.#storeFailed(cause)
    }
  }

  readonly #storeFailed = (cause: unknown): void => {
    if (this.#state === "closed" || this.#state === "failed") return
    this.#state = "failed"
    this.#log.error({ err: cause }, "the key store failed")
    const error = new QkdError("operation-failed", "the key store failed", { cause })
    this.#transfers.close(error)
    this.#supply.lots.fail()
    for (const peer of this.#mesh?.peers() ?? []) peer.close(error)
    this.#alarm({ kind: "store-failed", message: "the key store failed; restart is needed" })
  }

  async #sweep(): Promise<void> {
    if (this.#state !== "open") return
    const jumpedMs = this.#clock.jumpedMs()
    if (jumpedMs !== 0)
      this.#alarm({ kind: "clock-jumped", message: `the clock moved by ${jumpedMs} ms` })
    try {
      // Also those whose link is not configured now: it may come back.
      for (const keeper of this.#links.all()) keeper.sweep()
      this.#expiries.sweep(this.#clock.steadyMs())
      await this.#supply.sweep()
      await this.#endKeys.sweep()
      this.streams.sweep()
      await this.border.sweep()
      await this.#store.sweep()
    } catch (cause) {
      this.#storeFailed(cause)
    }
  }

  readonly #alarm = (alarm: KeyManagerAlarm): void => {
    this.#log.warn({ ...alarm }, `alarm: ${alarm.message}`)
    this.#options.onAlarm?.(alarm)
  }

  #assertOpen(): void {
    if (this.#state === "open") return
    throw new QkdError("operation-failed", `the key manager is ${this.#state}`, {
      appTag: "closed",
    })
  }
}
