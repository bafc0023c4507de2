// Everything known of one service, its path hop by hop.

import type { VNode } from "preact"
import { Fact, Jump, State, Use } from "./facts.js"
import { clock, rate, span } from "./format.js"
import { bandOf, DOWN_TOKEN } from "./scale.js"
import type { Store } from "./store.js"
import type { KeyPath, Link, Service } from "./types.js"
import { useClock } from "./use-store.js"
import { LINK_WORDS, SERVICE_TONE, SERVICE_WORDS } from "./words.js"

const PHASE: Readonly<Record<KeyPath["phase"], string>> = {
  relays: "telling the relay nodes",
  ends: "telling the ends",
  up: "stands",
  leaving: "being taken down",
}

/** The colour the map gives the link. */
function hopColour(store: Store, link: Link): string {
  const share = store.shareOf(link)
  return (share === undefined ? DOWN_TOKEN : bandOf(share).token).slice(2)
}

function Path({
  store,
  path,
  service,
}: {
  store: Store
  path: Pick<KeyPath, "nodes" | "hops">
  service: Service
}): VNode {
  const names = [service.a, service.b]
  const sae = (qkdnId: string): string | undefined =>
    names.find((end) => end.qkdnId === qkdnId)?.saeId
  return (
    <ol class="hops" aria-label="Key path">
      {path.nodes.map((id, i) => {
        const hop = path.hops[i]
        const link = hop === undefined ? undefined : store.links.get(hop.qkdlId)
        return (
          <li key={id}>
            <div class="stop">
              <Jump store={store} to={{ kind: "node", id }}>
                {store.nodeName(id)}
              </Jump>
              <span class="quiet">{sae(id) ?? "relay"}</span>
            </div>
            {link === undefined ? null : (
              <div class={`hop ${hopColour(store, link)}`}>
                <Jump store={store} to={{ kind: "link", id: link.qkdlId }}>
                  {link.status === "ACTIVE"
                    ? rate(link.performance.skrBps)
                    : LINK_WORDS[link.status]}
                </Jump>
                <Use share={store.shareOf(link)} />
              </div>
            )}
          </li>
        )
      })}
    </ol>
  )
}

export function ServiceDetails({ store, service }: { store: Store; service: Service }): VNode {
  const now = useClock()
  const { terms, path, next } = service
  return (
    <>
      <p class="kind">Service</p>
      <h2>
        {service.a.saeId} <span class="quiet">↔</span> {service.b.saeId}
      </h2>
      <p>
        <State tone={SERVICE_TONE[service.state]}>{SERVICE_WORDS[service.state]}</State>
        <span class="quiet"> for {span(now - Date.parse(service.changedAt))}</span>
      </p>
      {service.reason === undefined ? null : <p class="reason">{service.reason}</p>}
      {path === undefined ? null : (
        <>
          <h3>
            Key path <b>{rate(path.rateBps)}</b>
          </h3>
          <Path store={store} path={path} service={service} />
        </>
      )}
      {next === undefined ? null : (
        <>
          <h3>
            Next path <b>{PHASE[next.phase]}</b>
          </h3>
          <Path store={store} path={next} service={service} />
        </>
      )}
      {(service.beside ?? []).map((lane, place) =>
        lane.path === undefined ? null : (
          <div key={place}>
            <h3>
              Path {place + 2} <b>{rate(lane.path.rateBps)}</b>
            </h3>
            <Path store={store} path={lane.path} service={service} />
          </div>
        ),
      )}
      {service.backup === undefined ? null : (
        <>
          <h3>Backup, ready</h3>
          <Path store={store} path={service.backup} service={service} />
        </>
      )}
      {service.noBackup === undefined ? null : <p class="reason">No backup: {service.noBackup}</p>}
      <dl class="facts">
        <Fact name="Guaranteed">{rate(terms.minRateBps)}</Fact>
        {terms.maxRateBps === undefined ? null : (
          <Fact name="Ceiling">{rate(terms.maxRateBps)}</Fact>
        )}
        {service.grantedBps === undefined ? null : (
          <Fact name="May take now">{rate(service.grantedBps)}</Fact>
        )}
        <Fact name="Priority">{terms.priority}</Fact>
        {terms.protection === undefined ? null : <Fact name="Protection">{terms.protection}</Fact>}
        {terms.trustTolerance === undefined ? null : (
          <Fact name="Relays that may conspire">{terms.trustTolerance}</Fact>
        )}
        {terms.ttlS === undefined ? null : <Fact name="Keys wait">{span(terms.ttlS * 1000)}</Fact>}
        {terms.maxHops === undefined ? null : <Fact name="Most hops">{terms.maxHops}</Fact>}
        {terms.avoidNodes.length === 0 ? null : (
          <Fact name="Avoids">{terms.avoidNodes.map((id) => store.nodeName(id)).join(", ")}</Fact>
        )}
        <Fact name="Made by">{service.origin === "order" ? "an order" : "an SAE's request"}</Fact>
        <Fact name="Since">{clock(service.createdAt)}</Fact>
        <Fact name="Id">
          <code>{service.serviceId}</code>
        </Fact>
      </dl>
    </>
  )
}
