// Everything known of one link.

import type { VNode } from "preact"
import { Fact, Jump, State, Use } from "./facts.js"
import { bits, percent, rate, shortTime, span } from "./format.js"
import { Spark } from "./spark.js"
import type { Store } from "./store.js"
import type { Link } from "./types.js"
import { useClock } from "./use-store.js"
import { LINK_TONE, LINK_WORDS, serviceName } from "./words.js"

/** How long the stock lasts at the promised rate, when nothing is made. */
function lasting(store: Store, link: Link): string | undefined {
  const promised = store.promisedBps.get(link.qkdlId) ?? 0
  const stock = link.performance.stockBits
  if (link.status === "ACTIVE" || promised === 0 || stock === undefined) return undefined
  return `lasts ${span((stock / promised) * 1000)} at the promised rate`
}

export function LinkDetails({ store, link }: { store: Store; link: Link }): VNode {
  const now = useClock()
  const samples = store.samples.get(link.qkdlId) ?? []
  const riders = store.riders.get(link.qkdlId) ?? []
  const { performance } = link
  const since = link.changedAt === undefined ? undefined : now - Date.parse(link.changedAt)
  const ends = [
    { name: "End A", end: link.a, report: link.endA },
    { name: "End B", end: link.b, report: link.endB },
  ]
  return (
    <>
      <p class="kind">Link</p>
      <h2>{store.linkName(link)}</h2>
      <p>
        <State tone={LINK_TONE[link.status]}>{LINK_WORDS[link.status]}</State>
        {since === undefined ? null : <span class="quiet"> for {span(since)}</span>}
      </p>
      {link.reason === undefined ? null : <p class="reason">{link.reason}</p>}
      <h3>
        Secret key rate <b>{rate(performance.skrBps)}</b>
      </h3>
      <Spark
        label="Secret key rate"
        points={samples.map((s) => ({ atMs: s.atMs, value: s.skrBps }))}
        format={rate}
        nowMs={now}
      />
      <h3>
        Key stock <b>{bits(performance.stockBits)}</b>
      </h3>
      <Spark
        label="Key stock"
        points={samples.map((s) => ({ atMs: s.atMs, value: s.stockBits }))}
        format={bits}
        nowMs={now}
      />
      {lasting(store, link) === undefined ? null : <p class="reason">{lasting(store, link)}</p>}
      <dl class="facts">
        <Fact name="In use">
          <Use share={store.shareOf(link)} />
        </Fact>
        <Fact name="Promised">{rate(store.promisedBps.get(link.qkdlId) ?? 0)}</Fact>
        <Fact name="QBER">{percent(performance.qber)}</Fact>
        {link.lengthKm === undefined ? null : <Fact name="Length">{link.lengthKm} km</Fact>}
        {link.lossDb === undefined ? null : <Fact name="Loss">{link.lossDb} dB</Fact>}
        {link.module === undefined ? null : <Fact name="Modules">{link.module}</Fact>}
        {link.maintenance === undefined ? null : (
          <Fact name="Maintenance">
            {link.maintenance.stage === "out"
              ? "out"
              : `new paths avoid it, out from ${shortTime(link.maintenance.begin)}`}{" "}
            until {shortTime(link.maintenance.end)}
          </Fact>
        )}
        {link.hold === undefined ? null : (
          <Fact name="Held back">it came back not long ago; new paths avoid it</Fact>
        )}
        {ends.map(({ name, end, report }) => (
          <Fact key={name} name={name}>
            <Jump store={store} to={{ kind: "node", id: end.qkdnId }}>
              {store.nodeName(end.qkdnId)}
            </Jump>{" "}
            <span class="quiet">
              module {end.qkdiId}
              {report.status === undefined
                ? ", not heard"
                : report.status === link.status
                  ? ""
                  : `, ${LINK_WORDS[report.status]}`}
            </span>
          </Fact>
        ))}
      </dl>
      <h3>
        Services on it <b>{riders.length}</b>
      </h3>
      <ul class="plain-list">
        {riders.slice(0, 30).map((id) => {
          const service = store.services.get(id)
          return service === undefined ? null : (
            <li key={id}>
              <Jump store={store} to={{ kind: "service", id }}>
                {serviceName(service)}
              </Jump>
            </li>
          )
        })}
      </ul>
    </>
  )
}
