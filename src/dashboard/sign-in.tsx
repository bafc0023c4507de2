// The sign-in form, for who came without a one-time code.

import type { TargetedSubmitEvent, VNode } from "preact"
import { useState } from "preact/hooks"
import { signIn } from "./api.js"

export interface SignInProps {
  readonly why: string | undefined
  readonly onSignedIn: () => void
}

export function SignIn({ why, onSignedIn }: SignInProps): VNode {
  const [fault, setFault] = useState(why)
  const [busy, setBusy] = useState(false)
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const field = event.currentTarget.elements.namedItem("secret")
    const text = field instanceof HTMLInputElement ? field.value.trim() : ""
    if (text === "") return
    const code = /#login=([\w-]+)$/.exec(text)?.[1]
    setBusy(true)
    signIn(code === undefined ? { token: text } : { code })
      .then((refused) => {
        if (refused === undefined) onSignedIn()
        else setFault(refused)
      })
      .catch(() => {
        setFault("the controller does not answer")
      })
      .finally(() => {
        setBusy(false)
      })
  }
  return (
    <main class="sign-in">
      <form onSubmit={submit} class="card">
        <h1>
          <img src="/icon.svg" alt="" width="36" height="36" /> Keyloom
        </h1>
        <p>
          Open the address that the controller printed, or give a token. A new address:{" "}
          <code>keyloom demo url</code>
        </p>
        <label for="secret">Token or address</label>
        <input
          id="secret"
          name="secret"
          type="password"
          autocomplete="current-password"
          required
          aria-describedby="fault"
        />
        <p id="fault" class="fault" role="alert">
          {fault}
        </p>
        <button type="submit" disabled={busy} class="primary">
          Sign in
        </button>
      </form>
    </main>
  )
}
