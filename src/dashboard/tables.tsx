// The map's twin: services, links and nodes as tables, reachable by keyboard. Rows carry their state as data
// attributes, so that tests and scripts can watch.

import type { ComponentChildren, TargetedKeyboardEvent, VNode } from "preact"
import { useState } from "preact/hooks"
import { State, Use } from "./facts.js"
import { bits, rate, shortTime } from "./format.js"
import type { Store } from "./store.js"
import type { BulkOrder, Link, Maintenance, Node, Selection, Service } from "./types.js"
import {
  LINK_TONE,
  LINK_WORDS,
  ORDER_TONE,
  ORDER_WORDS,
  pathName,
  REACH_TONE,
  REACH_WORDS,
  SERVICE_TONE,
} from "./words.js"

const FIRST_ROWS = 100

/** Up and down walk from row to row. */
function walk(event: TargetedKeyboardEvent<HTMLTableSectionElement>): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0
  if (step === 0) return
  const all = [...event.currentTarget.querySelectorAll<HTMLButtonElement>("button.row")]
  const at = all.findIndex((button) => button === document.activeElement)
  const next = all[at + step]
  if (at < 0 || next === undefined) return
  event.preventDefault()
  next.focus()
}

interface SectionProps<T> {
  readonly title: string
  readonly empty: string
  readonly columns: readonly string[]
  readonly items: readonly T[]
  readonly row: (item: T) => VNode
}

function Section<T>({ title, empty, columns, items, row }: SectionProps<T>): VNode {
  const [all, setAll] = useState(false)
  const shown = all ? items : items.slice(0, FIRST_ROWS)
  const id = `table-${title.toLowerCase()}`
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>
        {title} <span class="count">{items.length}</span>
      </h2>
      {items.length === 0 ? (
        <p class="quiet empty">{empty}</p>
      ) : (
        <table aria-labelledby={id}>
          <thead>
            <tr>
              {columns.map((name, i) => (
                <th key={name} scope="col" class={i > 0 ? "number" : ""}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody onKeyDown={walk}>{shown.map(row)}</tbody>
        </table>
      )}
      {shown.length < items.length ? (
        <button
          type="button"
          class="plain more"
          onClick={() => {
            setAll(true)
          }}
        >
          Show all {items.length}
        </button>
      ) : null}
    </section>
  )
}

interface RowNameProps {
  readonly store: Store
  readonly about: Selection
  readonly children: ComponentChildren
}

function RowName({ store, about, children }: RowNameProps): VNode {
  const pressed = isSelected(store, about)
  return (
    <button
      type="button"
      class="row"
      aria-pressed={pressed}
      onClick={() => {
        store.select(pressed ? undefined : about)
      }}
    >
      {children}
    </button>
  )
}

function isSelected(store: Store, { kind, id }: Selection): boolean {
  return store.selection?.kind === kind && store.selection.id === id
}

function ServiceRow(store: Store, service: Service): VNode {
  const about = { kind: "service", id: service.serviceId } as const
  const path = service.path ?? service.next
  return (
    <tr
      key={service.serviceId}
      data-service-id={service.serviceId}
      data-service-state={service.state}
      data-service-path={path?.nodes.map((id) => store.nodeName(id)).join(",")}
      class={isSelected(store, about) ? "chosen" : ""}
    >
      <th scope="row">
        <RowName store={store} about={about}>
          {service.a.saeId} <span class="quiet">↔</span> {service.b.saeId}
        </RowName>
        <span class="second">
          {path === undefined ? (service.reason ?? "no path") : pathName(store, path.nodes)}
        </span>
      </th>
      <td class="number">
        {rate(path?.rateBps ?? service.terms.minRateBps)}
        <span class="second">
          <State tone={SERVICE_TONE[service.state]}>{service.state}</State>
        </span>
      </td>
    </tr>
  )
}

function OrderRow(store: Store, order: BulkOrder): VNode {
  const { orderId, from, to, state, late, reason, forecast, serviceId = "" } = order
  const about = { kind: "service", id: serviceId } as const
  const names = (
    <>
      {from.saeId} <span class="quiet">→</span> {to.saeId}
    </>
  )
  const open = state !== "completed" && state !== "cancelled"
  const when =
    forecast === undefined ? (reason ?? "") : `${late ? "late: " : ""}all by ${shortTime(forecast)}`
  return (
    <tr
      key={orderId}
      data-order-id={orderId}
      data-order-state={state}
      data-order-late={String(late)}
      data-order-delivered-bits={order.deliveredBits}
    >
      <th scope="row">
        {store.services.has(serviceId) ? (
          <RowName store={store} about={about}>
            {names}
          </RowName>
        ) : (
          names
        )}
        <span class="second">{open ? when : ""}</span>
      </th>
      <td class="number">
        {bits(order.deliveredBits)} of {bits(order.volumeBits)}
        <span class="second">
          <State tone={open && late ? "warn" : ORDER_TONE[state]}>{ORDER_WORDS[state]}</State>
        </span>
      </td>
      <td class="number">{shortTime(order.deadline)}</td>
    </tr>
  )
}

const MAINTENANCE_WORDS: Readonly<Record<Maintenance["state"], string>> = {
  planned: "planned",
  draining: "near: services move off",
  inProgress: "out",
}

function MaintenanceRow(store: Store, one: Maintenance): VNode {
  const { maintenanceId, qkdlId, qkdnId, begin, end, reason, by, state, staying } = one
  const about =
    qkdlId === undefined
      ? ({ kind: "node", id: qkdnId ?? "" } as const)
      : ({ kind: "link", id: qkdlId } as const)
  return (
    <tr
      key={maintenanceId}
      data-maintenance-id={maintenanceId}
      data-maintenance-state={state}
      data-maintenance-staying={staying.length}
    >
      <th scope="row">
        <RowName store={store} about={about}>
          {store.targetName(one)}
        </RowName>
        <span class="second">
          {reason}, {by}
        </span>
      </th>
      <td class="number">
        {shortTime(begin)}
        <span class="second">
          <State tone={state === "planned" ? "plain" : "warn"}>{MAINTENANCE_WORDS[state]}</State>
        </span>
      </td>
      <td class="number">
        {shortTime(end)}
        <span class="second">{staying.length === 0 ? "" : `${staying.length} cannot move`}</span>
      </td>
    </tr>
  )
}

function LinkRow(store: Store, link: Link): VNode {
  const about = { kind: "link", id: link.qkdlId } as const
  return (
    <tr
      key={link.qkdlId}
      data-link-id={link.qkdlId}
      data-link-name={link.name}
      data-link-status={link.status}
      data-link-skr-bps={link.performance.skrBps}
      data-link-stock-bits={link.performance.stockBits}
      class={isSelected(store, about) ? "chosen" : ""}
    >
      <th scope="row">
        <RowName store={store} about={about}>
          {store.linkName(link)}
        </RowName>
        <State tone={LINK_TONE[link.status]}>{LINK_WORDS[link.status]}</State>
      </th>
      <td class="number">
        {rate(link.performance.skrBps)}
        <span class="second">
          <Use share={store.shareOf(link)} />
        </span>
      </td>
      <td class="number">{bits(link.performance.stockBits)}</td>
    </tr>
  )
}

function NodeRow(store: Store, node: Node): VNode {
  const about = { kind: "node", id: node.qkdnId } as const
  return (
    <tr
      key={node.qkdnId}
      data-node-id={node.qkdnId}
      data-node-name={node.name}
      data-node-reach={node.reach}
      class={isSelected(store, about) ? "chosen" : ""}
    >
      <th scope="row">
        <RowName store={store} about={about}>
          {node.name}
        </RowName>
        <State tone={REACH_TONE[node.reach]}>{REACH_WORDS[node.reach]}</State>
      </th>
      <td class="number">{node.saeIds.length}</td>
    </tr>
  )
}

function matching(search: string): (...texts: readonly (string | undefined)[]) => boolean {
  const wanted = search.trim().toLowerCase()
  return (...texts) =>
    wanted === "" || texts.some((text) => text?.toLowerCase().includes(wanted) === true)
}

function rankOf({ state }: BulkOrder): number {
  return state === "completed" || state === "cancelled" ? 1 : 0
}

function byName(x: string, y: string): number {
  return x.localeCompare(y, "en", { numeric: true })
}

export function Tables({ store }: { readonly store: Store }): VNode {
  const fits = matching(store.search)
  const services = [...store.services.values()]
    .filter((s) =>
      fits(
        s.a.saeId,
        s.b.saeId,
        s.serviceId,
        s.state,
        ...(s.path?.nodes ?? []).map((id) => store.nodeName(id)),
      ),
    )
    .sort((x, y) => byName(x.a.saeId, y.a.saeId) || byName(x.b.saeId, y.b.saeId))
  const links = [...store.links.values()]
    .filter((l) => fits(store.linkName(l), l.name, l.qkdlId, l.module, l.status))
    .sort((x, y) => byName(store.linkName(x), store.linkName(y)))
  const nodes = [...store.nodes.values()]
    .filter((n) => fits(n.name, n.qkdnId, n.place, n.reach, ...n.saeIds))
    .sort((x, y) => byName(x.name, y.name))
  // What is open comes first, by deadline.
  const orders = [...store.orders.values()]
    .filter((o) => fits(o.from.saeId, o.to.saeId, o.orderId, o.state))
    .sort((x, y) => rankOf(x) - rankOf(y) || (x.deadline < y.deadline ? -1 : 1))
  const maintenance = [...store.maintenance.values()]
    .filter((m) => fits(store.targetName(m), m.reason, m.by, m.state))
    .sort((x, y) => (x.begin < y.begin ? -1 : 1))
  const none = store.search.trim() === "" ? "None yet." : "None match the search."
  return (
    <aside id="tables" class="panel tables" aria-label="Services, links and nodes" tabIndex={-1}>
      <Section
        title="Services"
        empty={none}
        columns={["Between", "Rate"]}
        items={services}
        row={(service) => ServiceRow(store, service)}
      />
      {store.orders.size === 0 ? null : (
        <Section
          title="Orders"
          empty={none}
          columns={["From, to", "Delivered", "Deadline"]}
          items={orders}
          row={(order) => OrderRow(store, order)}
        />
      )}
      {store.maintenance.size === 0 ? null : (
        <Section
          title="Maintenance"
          empty={none}
          columns={["Of, why", "From", "Until"]}
          items={maintenance}
          row={(one) => MaintenanceRow(store, one)}
        />
      )}
      <Section
        title="Links"
        empty={none}
        columns={["Between", "Key rate, use", "Stock"]}
        items={links}
        row={(link) => LinkRow(store, link)}
      />
      <Section
        title="Nodes"
        empty={none}
        columns={["Name", "SAEs"]}
        items={nodes}
        row={(node) => NodeRow(store, node)}
      />
    </aside>
  )
}
