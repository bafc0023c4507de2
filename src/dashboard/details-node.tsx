// Everything known of one node.

import type { VNode } from "preact"
import { Fact, Jump, State } from "./facts.js"
import { rate, span } from "./format.js"
import type { Store } from "./store.js"
import type { Node } from "./types.js"
import { useClock } from "./use-store.js"
import { LINK_TONE, REACH_TONE, REACH_WORDS } from "./words.js"

export function NodeDetails({ store, node }: { store: Store; node: Node }): VNode {
  const now = useClock()
  const id = node.qkdnId
  const links = [...store.links.values()].filter((l) => l.a.qkdnId === id || l.b.qkdnId === id)
  const services = [...store.services.values()]
  const ending = services.filter((s) => s.a.qkdnId === id || s.b.qkdnId === id).length
  const relayed = services.filter((s) => s.path?.nodes.slice(1, -1).includes(id) === true).length
  return (
    <>
      <p class="kind">Node</p>
      <h2>{node.name}</h2>
      <p>
        <State tone={REACH_TONE[node.reach]}>{REACH_WORDS[node.reach]}</State>
      </p>
      {node.reachReason === undefined ? null : <p class="reason">{node.reachReason}</p>}
      {node.syncFault === undefined ? null : (
        <p class="reason">Refused its configuration: {node.syncFault}</p>
      )}
      {node.drift === undefined ? null : (
        <p class="reason">
          Changed by somebody else {span(now - Date.parse(node.drift.since))} ago:{" "}
          {node.drift.differences
            .slice(0, 3)
            .map(({ kind, id, change }) => `${kind} ${id} ${change}`)
            .join(", ")}
          {node.drift.differences.length > 3
            ? ` and ${node.drift.differences.length - 3} more`
            : ""}
        </p>
      )}
      <dl class="facts">
        {node.place === undefined ? null : <Fact name="Place">{node.place}</Fact>}
        {node.operator === undefined ? null : <Fact name="Operator">{node.operator}</Fact>}
        {node.status === undefined ? null : <Fact name="Status">{node.status.toLowerCase()}</Fact>}
        <Fact name="Relays">{node.relay ? "yes" : "no"}</Fact>
        <Fact name="Driver">{node.driver}</Fact>
        {node.version === undefined ? null : <Fact name="Version">{node.version}</Fact>}
        <Fact name="NETCONF">
          {node.netconf.host}:{node.netconf.port}
        </Fact>
        {node.lastHeardAt === undefined ? null : (
          <Fact name="Last heard">{span(now - Date.parse(node.lastHeardAt))} ago</Fact>
        )}
        <Fact name="Services">
          {ending} end here, {relayed} relayed
        </Fact>
        <Fact name="SAEs">{node.saeIds.length === 0 ? "none" : node.saeIds.join(", ")}</Fact>
        <Fact name="Id">
          <code>{id}</code>
        </Fact>
      </dl>
      <h3>
        Links <b>{links.length}</b>
      </h3>
      <ul class="plain-list">
        {links.map((link) => (
          <li key={link.qkdlId}>
            <span class={`dot ${LINK_TONE[link.status]}`} aria-hidden="true" />
            <Jump store={store} to={{ kind: "link", id: link.qkdlId }}>
              {store.linkName(link)}
            </Jump>
            <span class="quiet"> {rate(link.performance.skrBps)}</span>
          </li>
        ))}
      </ul>
    </>
  )
}
