// Tells screen readers what happened, at most every five seconds, in one breath.

import type { VNode } from "preact"
import { useEffect, useRef, useState } from "preact/hooks"
import type { Store } from "./store.js"

const EVERY_MS = 5000
const MOST = 3

export function Announcer({ store }: { readonly store: Store }): VNode {
  const [text, setText] = useState("")
  const told = useRef<number | undefined>(undefined)
  useEffect(() => {
    const timer = setInterval(() => {
      const from = told.current ?? store.openedAtSeq
      if (from === undefined) return
      const fresh = store.events.filter((line) => line.seq > from)
      const last = fresh.at(-1)
      if (last === undefined) return
      told.current = last.seq
      const more = fresh.length > MOST ? ` And ${fresh.length - MOST} more.` : ""
      setText(
        `${fresh
          .slice(-MOST)
          .map((line) => line.text)
          .join(". ")}.${more}`,
      )
    }, EVERY_MS)
    return () => {
      clearInterval(timer)
    }
  }, [store])
  return (
    <p class="unseen" aria-live="polite">
      {text}
    </p>
  )
}
