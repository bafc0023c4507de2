// Small pieces that tables and details share: a fact, a way to another thing, a state, a share in use.

import type { ComponentChildren, VNode } from "preact"
import { percent } from "./format.js"
import { bandOf } from "./scale.js"
import type { Store } from "./store.js"
import type { Selection } from "./types.js"
import type { Tone } from "./words.js"

export interface FactProps {
  readonly name: string
  readonly children: ComponentChildren
}

export function Fact({ name, children }: FactProps): VNode {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  )
}

export interface JumpProps {
  readonly store: Store
  readonly to: Selection
  readonly children: ComponentChildren
}

/** Selects another thing. */
export function Jump({ store, to, children }: JumpProps): VNode {
  return (
    <button
      type="button"
      class="jump"
      onClick={() => {
        store.select(to)
      }}
    >
      {children}
    </button>
  )
}

/** A state: shape and word beside the colour. */
export function State({ tone, children }: { tone: Tone; children: ComponentChildren }): VNode {
  return (
    <span class={`state ${tone}`}>
      <span class={`dot ${tone}`} aria-hidden="true" />
      {children}
    </span>
  )
}

/** The share in use as a small bar and a number. */
export function Use({ share }: { readonly share: number | undefined }): VNode {
  if (share === undefined) return <span class="quiet">–</span>
  const width = Math.min(100, Math.max(share > 0 ? 3 : 0, share * 100))
  return (
    <span class="use">
      <svg width="34" height="6" aria-hidden="true">
        <rect width="34" height="6" rx="3" class="track" />
        <rect width={0.34 * width} height="6" rx="3" class={bandOf(share).token.slice(2)} />
      </svg>
      {percent(share)}
    </span>
  )
}
