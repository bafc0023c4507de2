// The page's start: trades the one-time code of the address for a session, then shows the network.

import { render } from "preact"
import { isSignedIn, signIn } from "./api.js"
import { App } from "./app.js"
import { SignIn } from "./sign-in.js"
import { Store } from "./store.js"
import { applyTheme, chosenTheme } from "./theme.js"

applyTheme(chosenTheme())
const root = document.getElementById("page")
if (root === null) throw new Error("no place for the page")
const here = root

function showSignIn(why: string | undefined): void {
  render(<SignIn why={why} onSignedIn={showApp} />, here)
}

function showApp(): void {
  const store = new Store(Date.now)
  render(
    <App
      store={store}
      onSignedOut={(why) => {
        showSignIn(why)
      }}
    />,
    here,
  )
}

async function start(): Promise<void> {
  const code = /^#login=([\w-]+)$/.exec(location.hash)?.[1]
  // Out of the address at once: it must not stay in the history or a bookmark.
  if (code !== undefined) history.replaceState(null, "", location.pathname)
  const refused = code === undefined ? undefined : await signIn({ code })
  if (await isSignedIn()) showApp()
  else showSignIn(refused)
}

void start().catch(() => {
  showSignIn("the controller does not answer")
})
