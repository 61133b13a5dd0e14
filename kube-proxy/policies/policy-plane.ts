import { removal } from '../dataplane/ruleset.ts'
import { changeCommands, emptyTable, type PolicyTable } from './policy-table.ts'
import type { TableChange } from './table-state.ts'

/** Applies a text in nft's grammar as one transaction. @throws Error with nft's own words */
export type Transaction = (text: string) => Promise<void>

/** Policies in an nftables table of their own. Each call is one transaction: all of it or nothing. */
export class PolicyPlane {
  readonly #table: PolicyTable
  readonly #transaction: Transaction

  constructor(table: PolicyTable, transaction: Transaction) {
    this.#table = table
    this.#transaction = transaction
  }

  /** @param whole what the table holds from now on. @throws Error with nft's own words */
  replace(whole: TableChange): Promise<void> {
    return this.#transaction(emptyTable(this.#table) + changeCommands(this.#table, whole))
  }

  /** @throws Error with nft's own words, where the kernel does not hold what it should */
  async update(change: TableChange): Promise<void> {
    const commands = changeCommands(this.#table, change)
    if (commands !== '') await this.#transaction(commands)
  }

  remove(): Promise<void> {
    return this.#transaction(removal(this.#table))
  }
}
