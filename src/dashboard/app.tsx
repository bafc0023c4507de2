// The one screen: bar, tables, map, details, events. Holds the feed open while it is shown.

import type { VNode } from "preact"
import { useEffect } from "preact/hooks"
import { Announcer } from "./announcer.js"
import { lastNotices, signOut } from "./api.js"
import { Bar } from "./bar.js"
import { Details } from "./details.js"
import { Events } from "./events.js"
import { openFeed } from "./feed.js"
import { MapView } from "./map-view.js"
import type { Store } from "./store.js"
import { Tables } from "./tables.js"
import { useStore } from "./use-store.js"

export interface AppProps {
  readonly store: Store
  readonly onSignedOut: (why: string | undefined) => void
}

export function App({ store, onSignedOut }: AppProps): VNode {
  useStore(store)
  useEffect(
    () =>
      openFeed({
        store,
        onSignedOut: () => {
          onSignedOut("the session is over")
        },
        onFirst: () => {
          void lastNotices(300).then((notices) => {
            store.history(notices)
          })
        },
      }),
    [store, onSignedOut],
  )
  const leave = (): void => {
    void signOut().then(() => {
      onSignedOut(undefined)
    })
  }
  return (
    <div class="app" data-seq={store.position?.seq}>
      <a class="skip" href="#tables">
        Skip to the tables
      </a>
      <Bar store={store} onLeave={leave} />
      <main class="rooms">
        <Tables store={store} />
        <MapView store={store} />
        <Details store={store} />
        <Events store={store} />
      </main>
      <Announcer store={store} />
    </div>
  )
}
