// The bar on top: name, what is shown, search, connection and age of data, theme, signing out.

import type { VNode } from "preact"
import { useEffect, useRef, useState } from "preact/hooks"
import { span } from "./format.js"
import type { Store } from "./store.js"
import { applyTheme, chosenTheme, isDark } from "./theme.js"
import { useClock } from "./use-store.js"

function Live({ store }: { readonly store: Store }): VNode {
  const now = useClock()
  const { connection } = store
  const age = store.heardAtMs === undefined ? undefined : Math.max(0, now - store.heardAtMs)
  const heard = age === undefined ? "" : age < 1500 ? "just now" : `${span(age)} ago`
  if (connection.kind === "live") {
    return (
      <p class="live" data-connection="live">
        <span class="dot good" aria-hidden="true" />
        <b>Live</b> <span class="quiet">heard {heard}</span>
      </p>
    )
  }
  if (connection.kind === "connecting") {
    return (
      <p class="live" data-connection="connecting">
        <span class="dot warn" aria-hidden="true" />
        <b>Connecting</b>
      </p>
    )
  }
  const wait = span(Math.max(0, connection.retryAtMs - now))
  return (
    <p class="live" data-connection="lost" title={connection.reason}>
      <span class="dot bad" aria-hidden="true" />
      <b>Not connected</b>{" "}
      <span class="quiet">
        {age === undefined ? "" : `data ${span(age)} old, `}next try in {wait}
      </span>
    </p>
  )
}

function ThemeSwitch(): VNode {
  const [theme, setTheme] = useState(chosenTheme())
  const dark = isDark(theme)
  return (
    <button
      type="button"
      class="icon"
      data-theme-switch
      aria-label={dark ? "Light theme" : "Dark theme"}
      title={dark ? "Light theme" : "Dark theme"}
      onClick={() => {
        const next = dark ? "light" : "dark"
        applyTheme(next)
        setTheme(next)
      }}
    >
      <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
        {dark ? (
          <g fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round">
            <circle cx="10" cy="10" r="3.6" />
            <path d="M10 2v2M10 16v2M2 10h2M16 10h2M4.3 4.3l1.4 1.4M14.3 14.3l1.4 1.4M15.7 4.3l-1.4 1.4M5.7 14.3l-1.4 1.4" />
          </g>
        ) : (
          <path
            d="M16.5 12.2A7 7 0 0 1 7.8 3.5a7 7 0 1 0 8.7 8.7z"
            fill="none"
            stroke="currentColor"
            stroke-width="1.7"
            stroke-linejoin="round"
          />
        )}
      </svg>
    </button>
  )
}

export interface BarProps {
  readonly store: Store
  readonly onLeave: () => void
}

export function Bar({ store, onLeave }: BarProps): VNode {
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => {
    const jump = (event: KeyboardEvent): void => {
      if ((event.ctrlKey || event.metaKey) && event.key === "k") {
        event.preventDefault()
        field.current?.select()
      }
    }
    addEventListener("keydown", jump)
    return () => {
      removeEventListener("keydown", jump)
    }
  }, [])
  return (
    <header class="bar">
      <h1>
        <img src="/icon.svg" alt="" width="28" height="28" />
        Keyloom
      </h1>
      <p class="quiet summary">{store.summary}</p>
      <form
        role="search"
        onSubmit={(event) => {
          event.preventDefault()
        }}
      >
        <input
          ref={field}
          type="search"
          value={store.search}
          placeholder="Search nodes, links, services"
          aria-label="Search nodes, links, services (Ctrl+K)"
          onInput={(event) => {
            store.search = event.currentTarget.value
            store.changed()
          }}
        />
        <kbd aria-hidden="true">Ctrl K</kbd>
      </form>
      <Live store={store} />
      <ThemeSwitch />
      <button type="button" class="plain" onClick={onLeave}>
        Sign out
      </button>
    </header>
  )
}
