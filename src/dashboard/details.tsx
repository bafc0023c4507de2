// What is selected, or the network at a glance when nothing is.

import type { VNode } from "preact"
import { LinkDetails } from "./details-link.js"
import { NodeDetails } from "./details-node.js"
import { ServiceDetails } from "./details-service.js"
import { Fact, Jump } from "./facts.js"
import { bits, rate } from "./format.js"
import type { Store } from "./store.js"

function Overview({ store }: { readonly store: Store }): VNode {
  const nodes = [...store.nodes.values()]
  const links = [...store.links.values()]
  const services = [...store.services.values()]
  const connected = nodes.filter((node) => node.reach === "connected").length
  const making = links.filter((link) => link.status === "ACTIVE")
  const total = making.reduce((sum, link) => sum + (link.performance.skrBps ?? 0), 0)
  const promised = [...store.promisedBps.values()].reduce((sum, bps) => sum + bps, 0)
  const stock = links.reduce((sum, link) => sum + (link.performance.stockBits ?? 0), 0)
  const active = services.filter((service) => service.state === "active").length
  const busiest = links
    .map((link) => ({ link, share: store.shareOf(link) ?? 0 }))
    .sort((x, y) => y.share - x.share)[0]
  return (
    <>
      <h2>Network</h2>
      <ul class="figures">
        <li>
          <b>
            {connected}
            <small>/{nodes.length}</small>
          </b>
          nodes connected
        </li>
        <li>
          <b>
            {making.length}
            <small>/{links.length}</small>
          </b>
          links make keys
        </li>
        <li>
          <b>
            {active}
            <small>/{services.length}</small>
          </b>
          services active
        </li>
      </ul>
      <dl class="facts">
        <Fact name="Key rate, all links">{rate(total)}</Fact>
        <Fact name="Promised, all links">{rate(promised)}</Fact>
        <Fact name="Key stock">{bits(stock)}</Fact>
        {busiest !== undefined && busiest.share > 0 ? (
          <Fact name="Busiest link">
            <Jump store={store} to={{ kind: "link", id: busiest.link.qkdlId }}>
              {store.linkName(busiest.link)}
            </Jump>
          </Fact>
        ) : null}
      </dl>
      <p class="quiet hint">Choose a node, link or service on the map or in the tables.</p>
    </>
  )
}

export function Details({ store }: { readonly store: Store }): VNode {
  const chosen = store.selection
  const node = chosen?.kind === "node" ? store.nodes.get(chosen.id) : undefined
  const link = chosen?.kind === "link" ? store.links.get(chosen.id) : undefined
  const service = chosen?.kind === "service" ? store.services.get(chosen.id) : undefined
  return (
    <aside class="panel details" aria-label="Details" data-details={chosen?.kind ?? "network"}>
      {node !== undefined ? <NodeDetails store={store} node={node} /> : null}
      {link !== undefined ? <LinkDetails store={store} link={link} /> : null}
      {service !== undefined ? <ServiceDetails store={store} service={service} /> : null}
      {chosen === undefined ? (
        <Overview store={store} />
      ) : (
        <button
          type="button"
          class="icon close"
          aria-label="Close details"
          onClick={() => {
            store.select(undefined)
          }}
        >
          ✕
        </button>
      )}
    </aside>
  )
}
