// Which keys stand together in the stock of end keys. Types only.

/** Keys made for this master and slave, of this size. */
export interface ShelfId {
  readonly appId: string
  readonly masterSaeId: string
  readonly slaveSaeId: string
  readonly keySizeBits: number
}
