/** What a level's configuration says about seats. */
export interface SeatWish {
  readonly shares: number
  readonly lendablePercent: number
  /** Of the nominal seats; undefined: as many as others can lend. */
  readonly borrowingLimitPercent: number | undefined
}

/** Seats of one level. */
export interface SeatShare {
  /** Its own. */
  readonly nominal: number
  /** Of its own, kept for it even while it does not use them. */
  readonly kept: number
  /** The most it may use at once. */
  readonly most: number
}

/** Divides the server's seats by shares (upstream's formula: rounded up, so that every level has one). */
export function shareSeats(total: number, wishes: readonly SeatWish[]): SeatShare[] {
  const sum = wishes.reduce((all, { shares }) => all + shares, 0)
  return wishes.map(({ shares, lendablePercent, borrowingLimitPercent }) => {
    const nominal = sum === 0 ? 0 : Math.ceil((total * shares) / sum)
    const lendable = Math.round((nominal * lendablePercent) / 100)
    const borrowable = borrowingLimitPercent === undefined ? total : Math.round((nominal * borrowingLimitPercent) / 100)
    return { nominal, kept: nominal - lendable, most: Math.min(Math.max(total, nominal), nominal + borrowable) }
  })
}
