// What happened, in plain words, newest on top. Pausing freezes the list; what comes meanwhile is counted.

import type { VNode } from "preact"
import { useState } from "preact/hooks"
import { clock, plural } from "./format.js"
import type { Store } from "./store.js"
import type { Tone } from "./words.js"

const SHOWN = 200

const MARK: Readonly<Record<Tone, { readonly sign: string; readonly name: string }>> = {
  good: { sign: "✓", name: "good" },
  bad: { sign: "✕", name: "trouble" },
  warn: { sign: "!", name: "warning" },
  plain: { sign: "·", name: "" },
}

export function Events({ store }: { readonly store: Store }): VNode {
  const [frozen, setFrozen] = useState<Store["events"] | undefined>(undefined)
  const lastFrozen = frozen?.at(-1)?.seq ?? 0
  const missed = frozen === undefined ? 0 : store.events.filter((e) => e.seq > lastFrozen).length
  const lines = [...(frozen ?? store.events)].reverse().slice(0, SHOWN)
  return (
    <section class="panel events" aria-labelledby="events-title">
      <h2 id="events-title">
        Events
        {missed > 0 ? <span class="count">{plural(missed, "new event")}</span> : null}
        <button
          type="button"
          class="plain"
          aria-pressed={frozen !== undefined}
          data-pause
          onClick={() => {
            setFrozen(frozen === undefined ? store.events : undefined)
          }}
        >
          {frozen === undefined ? "Pause" : "Resume"}
        </button>
      </h2>
      {lines.length === 0 ? (
        <p class="quiet empty">Nothing has happened yet.</p>
      ) : (
        <ol tabIndex={0} aria-label="Events, newest first">
          {lines.map((line) => {
            const { about } = line
            return (
              <li key={line.seq} data-event-seq={line.seq} class={line.tone}>
                <time dateTime={line.time}>{clock(line.time)}</time>
                <span class={`mark ${line.tone}`} aria-hidden="true">
                  {MARK[line.tone].sign}
                </span>
                <span class="unseen">{MARK[line.tone].name} </span>
                {about === undefined ? (
                  <span>{line.text}</span>
                ) : (
                  <button
                    type="button"
                    class="line"
                    onClick={() => {
                      store.select(about)
                    }}
                  >
                    {line.text}
                  </button>
                )}
              </li>
            )
          })}
        </ol>
      )}
    </section>
  )
}
