// What the token process can be asked, as the headers of its frames.

import type { TokenKey } from "./hsm-token.js"

export type Operation =
  | { readonly op: "open"; readonly library: string; readonly label: string }
  | { readonly op: "keys" | "wrapping-key" | "kek" }
  /** Bytes: the key. */
  | { readonly op: "import-plain"; readonly key: TokenKey }
  /** Bytes: the wrapped key. */
  | {
      readonly op: "import-wrapped"
      readonly key: TokenKey
      readonly by: "rsa-oaep" | "aes-key-wrap"
    }
  /** Bytes: the transcript. */
  | { readonly op: "prove"; readonly keyId: string }
  /** Bytes: nonce, additional data, data, of these lengths. */
  | {
      readonly op: "encrypt" | "decrypt"
      readonly keyId: string
      readonly parts: readonly number[]
    }
  | { readonly op: "spend" | "destroy"; readonly keyId: string }

export type Request = Operation & { readonly id: number }
