// What colours, widths and ticks mean, drawn from the same scale as the map.

import type { VNode } from "preact"
import { bits, rate } from "./format.js"
import { DOWN_TOKEN, fullStockBits, USE_BANDS, widthPx, widthSamples } from "./scale.js"
import type { Store } from "./store.js"

export function Legend({ store }: { readonly store: Store }): VNode {
  const links = [...store.links.values()]
  const rates = widthSamples(links.map((link) => link.performance.skrBps ?? 0))
  const full = fullStockBits(links.map((link) => link.performance.stockBits ?? 0))
  return (
    <dl class="legend" aria-label="Legend">
      <div>
        <dt>Rate in use</dt>
        {USE_BANDS.map((band) => (
          <dd key={band.name}>
            <svg width="22" height="10" aria-hidden="true">
              <line
                x1="0"
                y1="5"
                x2="22"
                y2="5"
                stroke-width="4"
                class={`stroke-${band.token.slice(2)}`}
              />
            </svg>
            {band.name}
          </dd>
        ))}
        <dd>
          <svg width="26" height="10" aria-hidden="true">
            <line
              x1="0"
              y1="5"
              x2="26"
              y2="5"
              stroke-width="2.5"
              stroke-dasharray="5 4"
              class={`stroke-${DOWN_TOKEN.slice(2)}`}
            />
            <path d="M9.5 2l6 6M15.5 2l-6 6" class="stroke-bad" stroke-width="1.8" />
          </svg>
          no keys made
        </dd>
      </div>
      <div>
        <dt>Key rate</dt>
        {rates.map((bps) => (
          <dd key={bps}>
            <svg width="18" height="10" aria-hidden="true">
              <line x1="0" y1="5" x2="18" y2="5" stroke-width={widthPx(bps)} class="stroke-ink-2" />
            </svg>
            {rate(bps)}
          </dd>
        ))}
      </div>
      <div>
        <dt>Key stock</dt>
        <dd>
          <svg width="7" height="14" aria-hidden="true">
            <rect x="0.5" y="0.5" width="5" height="13" rx="1.5" class="tick" />
            <rect x="1.5" y="1.5" width="3" height="11" class="tick-fill" />
          </svg>
          full at {bits(full)}
        </dd>
      </div>
    </dl>
  )
}
